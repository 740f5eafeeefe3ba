"""Going back and comparing, as a person types it."""

import dataclasses
from pathlib import Path

import orjson
import pytest

from cifar_tui.errors import BadInput
from cifar_tui.history.run_history import RunHistory
from cifar_tui.jobs.attached import AttachedJobs
from cifar_tui.jobs.local import LocalJobs
from cifar_tui.presets import preset
from cifar_tui.report import run_summary
from tests.program import run


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run of two epochs, and one that went on from its first."""
    place = tmp_path_factory.mktemp("place")
    recipe = dataclasses.replace(
        preset("quick"), data="synthetic", width=8, train_images=200, test_images=100, batch_size=50, epochs=2
    )
    jobs = LocalJobs(recipe, "one", place / "runs" / "one")
    assert jobs.train().join(120)
    jobs.close()
    choices = ("--epochs", "1", "--lr", "0.01", "--flip", "none", "--cutout", "0", "--run-name", "two", "--headless")
    done = run(place, "train", "--from", "one:1", *choices)
    assert done.returncode == 0, done.stderr
    assert "Training quick from one, epoch 1, on synthetic images" in done.stdout
    return place


@pytest.mark.slow
def test_a_run_goes_on_from_a_checkpoint_with_other_choices_and_is_listed_with_it(place: Path) -> None:
    recipe = orjson.loads((place / "runs" / "two" / "recipe.json").read_bytes())
    assert (recipe["epochs"], recipe["learning_rate"], recipe["flip"], recipe["cutout"]) == (1, 0.01, "none", 0)
    assert (recipe["width"], recipe["batch_size"]) == (8, 50)
    assert (recipe["parent"]["run"], recipe["parent"]["epoch"]) == ("one", 1)
    listed = run(place, "runs")
    assert "  one, epoch 1  " in listed.stdout
    first, second = (orjson.loads(line) for line in run(place, "runs", "--json").stdout.splitlines())
    assert first["from"] is None
    assert second["from"] == recipe["parent"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--from", "one:7"), "one has no checkpoint of epoch 7. It has those of epochs 1, 2."),
        (("--from", "one:1", "--preset", "quick"), "--preset cannot be combined"),
        (("--from", "one:1", "--width", "16"), "weights have width 8: leave --width out"),
        (("--from", "one:1", "--resume", "one"), "--from cannot change"),
        (("--from", "one:1", "--cutout", "33"), "The cutout must be 0 to 32 pixels"),
    ],
)
def test_what_cannot_be_gone_on_from_is_said_in_a_sentence(place: Path, words: tuple[str, ...], sentence: str) -> None:
    done = run(place, "train", *words, "--headless")
    assert done.returncode == 2
    assert sentence in done.stderr
    assert len(list((place / "runs").iterdir())) == 2


@pytest.mark.slow
def test_checkpoints_of_two_runs_are_compared_on_the_same_images(place: Path) -> None:
    start = str(place / "runs" / "two" / "start.pth")
    done = run(place, "compare", "one:1", "two", start)
    assert done.returncode == 0, done.stderr
    for words in ("A  one/net_001.pth", "B  two/net_001.pth", "on 100 test images"):
        assert words in done.stdout
    (same,) = (line for line in done.stdout.splitlines() if line.startswith("A → C"))
    assert same.split()[3:7] == ["100.00", "%", "0", "0"], "what a run starts with are its parent's weights"


def test_what_cannot_be_compared_is_said_in_a_sentence(place: Path) -> None:
    done = run(place, "compare", "one")
    assert done.returncode == 2
    assert "Name 2 to 8 checkpoints" in done.stderr


@pytest.mark.slow
def test_a_run_attached_to_is_branched_here_and_its_folder_stays(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    before = sorted(path.name for path in (place / "runs" / "one").iterdir())
    jobs = AttachedJobs(Path("runs/one"))
    connection = jobs.branch("net_002.pth", 1, 0.01)
    assert connection.join(120)
    history = RunHistory()
    for said in connection.poll():
        history.apply(said)
    jobs.close()
    assert history.state == "finished"
    assert history.started is not None
    assert Path(history.started.folder).parent == place / "runs"
    assert run_summary.ancestry(history.started.recipe) == "from one, epoch 2"
    assert sorted(path.name for path in (place / "runs" / "one").iterdir()) == before
    with pytest.raises(BadInput, match="no intact checkpoint"):
        AttachedJobs(Path("runs/one")).branch("net_009.pth", 1, 0.01)
