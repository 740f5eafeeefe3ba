"""`cifar-tui export`: what it writes is what was there, and nothing is lost on the way."""

import csv
import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import orjson
import pytest
import safetensors.torch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from typer.testing import CliRunner, Result

from cifar_tui.checkpoint_events import EvaluationDone
from cifar_tui.cli import app
from cifar_tui.control import ChangeRate, RequestQueue, SaveNow
from cifar_tui.engine.checkpoints import export as export_module
from cifar_tui.engine.checkpoints.checkpoint import load_network, read_network, write_tensors
from cifar_tui.engine.evaluation.evaluate_checkpoint import DOUBT, evaluate_checkpoint
from cifar_tui.engine.evaluation.predict import Prediction, Predictor
from cifar_tui.engine.formats.layouts import TUTORIAL
from cifar_tui.engine.formats.metadata import WeightsMetadata, read_metadata
from cifar_tui.errors import BadInput, CheckpointDamaged, CifarTuiError
from cifar_tui.events import EpochDone, Event, Noted, RolledBack, StepDone, TrainingStarted
from cifar_tui.files.run_files import journal_path
from cifar_tui.history.run_history import FeedItem
from cifar_tui.presets import preset
from cifar_tui.runs.folder import read_recipe
from cifar_tui.runs.records.csv_tables import step_rows
from cifar_tui.runs.records.journal import read_events
from tests import scripted
from tests.engine.network.test_model import TutorialNetwork
from tests.engine.trained import easy_images, run
from tests.run_folders import put_live_run
from tests.runs.records.event_files import Boards

EXTERNAL: dict[str, Any] = {"external": True, "load_data": easy_images}
TUTORIALS = dataclasses.replace(preset("tutorial"), device="cpu")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "one"
    run(folder, {TrainingStarted: [SaveNow(), ChangeRate(0.01)]})
    return folder


def export(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["export", *map(str, arguments)])


def test_weights_come_back_number_by_number(trained: Path, tmp_path: Path) -> None:
    expected = load_network(trained, "net_001.pth")[0].state_dict()
    loaders: dict[str, Callable[[Path], dict[str, torch.Tensor]]] = {
        "a.pth": lambda path: torch.load(path, weights_only=True),
        "a.safetensors": lambda path: safetensors.torch.load_file(path),
    }
    for name, load in loaders.items():
        done = export(trained / "net_001.pth", tmp_path / name)
        assert done.exit_code == 0
        assert "net_001.pth" in done.stdout
        assert "loaded back and compared" in done.stdout
        found = load(tmp_path / name)
        assert found.keys() == expected.keys()
        assert all(torch.equal(found[key], tensor) for key, tensor in expected.items())


def test_what_was_written_is_told_to_scripts(trained: Path, tmp_path: Path) -> None:
    record = orjson.loads(export(trained, tmp_path / "epochs.csv", "--json").stdout)
    assert record == {
        "file": str(tmp_path / "epochs.csv"),
        "bytes": (tmp_path / "epochs.csv").stat().st_size,
        "content": "2 epochs",
    }


def test_safetensors_say_their_colours_their_classes_and_where_they_come_from(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = read_recipe(trained)
    assert recipe.mean != TUTORIAL.mean
    moved = tmp_path / "moved.safetensors"
    assert export(trained / "net_001.pth", moved).exit_code == 0
    with safetensors.safe_open(moved, "pt") as file:
        metadata = file.metadata()
    names = tuple(f"class{label}" for label in range(10))
    assert metadata == {
        "format": "pt",
        "mean": "[0.4914,0.4822,0.4465]",
        "std": "[0.247,0.2435,0.2616]",
        "classes": orjson.dumps(names).decode(),
        "run": "one",
        "epoch": "1",
        "data": "cifar10",
    }
    origin = WeightsMetadata(mean=recipe.mean, std=recipe.std, classes=names, run="one", epoch=1, data="cifar10")
    assert read_network(moved).origin == origin
    events: list[Event] = []
    evaluate_checkpoint(
        TUTORIALS, moved.parent, moved.name, events.append, RequestQueue(), external=True, load_data=easy_images
    )
    (done,) = [event for event in events if isinstance(event, EvaluationDone)]
    epoch = next(event for event in read_events(journal_path(trained)) if isinstance(event, EpochDone))
    assert done.accuracy == epoch.test_accuracy
    assert done.loss == pytest.approx(epoch.test_loss, rel=1e-3)
    notes = [event.text for event in events if isinstance(event, Noted)]
    assert len(notes) == 1
    assert "as the file says (mean 0.4914, 0.4822, 0.4465" in notes[0]
    assert "It comes from run one, epoch 1." in notes[0]
    picture = tmp_path / "a.png"
    Image.fromarray(easy_images().test.pixels[7]).save(picture)
    shares = []
    for file_of_weights, of in ((moved, TUTORIALS), (trained / "net_001.pth", recipe)):
        predictor = Predictor(of, file_of_weights.parent, file_of_weights.name)
        assert predictor.classes == names
        (found,) = predictor.predict([str(picture)])
        assert isinstance(found, Prediction)
        shares.append(found.probabilities)
    assert shares[0] == pytest.approx(shares[1], abs=1e-2)
    again = tmp_path / "again.safetensors"
    assert export(moved, again).exit_code == 0
    assert read_network(again).origin == origin


@pytest.mark.slow
def test_a_pth_is_the_tutorials_and_what_it_cannot_say_is_said(trained: Path, tmp_path: Path) -> None:
    done = export(trained / "net_001.pth", tmp_path / "a.pth")
    assert "mean 0.4914, 0.4822, 0.4465 and deviation 0.247, 0.2435, 0.2616" in done.stdout
    assert "use --preset quick to evaluate it." in done.stdout
    found = torch.load(tmp_path / "a.pth", weights_only=True)
    assert found.keys() == TutorialNetwork().state_dict().keys()
    torch.save(TutorialNetwork().state_dict(), tmp_path / "theirs.pth")
    assert len(export(tmp_path / "theirs.pth", tmp_path / "b.pth").stdout.splitlines()) == 1


WORDS = st.text(max_size=12) | st.sampled_from(
    ["[0.5,0.5,0.5]", "[1e400,0,0]", "[NaN,0,0]", "[0,0,0]", "[true,1,1]", '["a"]', "-1", "٣", "9" * 30, "[" * 9_000]
)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(["mean", "std", "classes", "run", "epoch", "other"]), WORDS))
def test_any_words_in_a_header_are_an_origin_or_one_named_error(metadata: dict[str, str]) -> None:
    try:
        origin = read_metadata(metadata)
    except ValueError:
        return
    assert (origin is None) == ("mean" not in metadata and "std" not in metadata)
    if origin is not None:
        assert all(0 <= value <= 1 for value in origin.mean)
        assert all(0 < value <= 1 for value in origin.std)
        assert read_metadata(origin.to_metadata()) == origin


@pytest.mark.slow
@pytest.mark.parametrize("metadata", [{"mean": "[2,0,0]", "std": "[1,1,1]"}, {"mean": "[0,0,0]"}, {"std": "\x1b[31m"}])
def test_a_header_that_cannot_be_is_passed_over_and_named(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, metadata: dict[str, str]
) -> None:
    tensors = torch.load(trained / "net_001.pth", weights_only=True)
    safetensors.torch.save_file(tensors, tmp_path / "a.safetensors", metadata)
    events: list[Event] = []
    evaluate_checkpoint(
        TUTORIALS, tmp_path, "a.safetensors", events.append, RequestQueue(), external=True, load_data=easy_images
    )
    first, second, *more = [event.text for event in events if isinstance(event, Noted)]
    assert more in ([], [DOUBT]), "a tiny network may guess, which is another processor's rounding"
    assert first == "a.safetensors has an invalid header, which is ignored."
    assert "as in the tutorial" in second
    assert isinstance(events[-1], EvaluationDone)


def test_other_classes_than_the_images_show_are_named(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tensors = torch.load(trained / "net_001.pth", weights_only=True)
    origin = WeightsMetadata(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5), classes=tuple("abcdefghij"))
    safetensors.torch.save_file(tensors, tmp_path / "a.safetensors", origin.to_metadata())
    events: list[Event] = []
    evaluate_checkpoint(
        TUTORIALS, tmp_path, "a.safetensors", events.append, RequestQueue(), external=True, load_data=easy_images
    )
    notes = [event.text for event in events if isinstance(event, Noted)]
    assert notes[-1] == "The file was trained on other classes than these images have (a, not class0)."


@pytest.mark.slow
def test_a_foreign_file_becomes_the_tutorials(tmp_path: Path) -> None:
    theirs = TutorialNetwork()
    torch.save(
        {"state_dict": {f"module.{key}": value for key, value in theirs.state_dict().items()}}, tmp_path / "a.pth"
    )
    assert export(tmp_path / "a.pth", tmp_path / "b.pth").exit_code == 0
    TutorialNetwork().load_state_dict(torch.load(tmp_path / "b.pth", weights_only=True), strict=True)


def test_nothing_that_exists_is_replaced_unasked(trained: Path, tmp_path: Path) -> None:
    for name in ("a.pth", "a.safetensors", "a.csv", "a.svg"):
        (tmp_path / name).write_text("mine")
        assert "exists already" in str(export(trained, tmp_path / name).exception)
        assert (tmp_path / name).read_text() == "mine"
        assert export(trained, tmp_path / name, "--force").exit_code == 0
        assert (tmp_path / name).stat().st_size > 100
    assert not list(tmp_path.glob(".writing*"))


def test_what_was_written_otherwise_is_not_kept(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def badly(content: dict[str, torch.Tensor], file: object) -> None:
        write_tensors({**content, "fc.bias": content["fc.bias"] + 1}, file)  # type: ignore[arg-type]

    monkeypatch.setattr(export_module, "write_tensors", badly)
    (tmp_path / "a.pth").write_text("mine")
    done = export(trained, tmp_path / "a.pth", "--force")
    assert isinstance(done.exception, CifarTuiError)
    assert "differs from what was written" in str(done.exception)
    assert (tmp_path / "a.pth").read_text() == "mine"


def test_epochs_and_steps_are_the_journals(trained: Path, tmp_path: Path) -> None:
    assert export(trained, tmp_path / "epochs.csv").exit_code == 0
    assert export(trained, tmp_path / "steps.csv", "--steps").exit_code == 0
    events = list(read_events(journal_path(trained)))
    steps = [event for event in events if isinstance(event, StepDone)]
    with (tmp_path / "steps.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(int(row["step"]), float(row["loss"])) for row in rows] == [(one.step, one.loss) for one in steps]
    with (tmp_path / "epochs.csv").open() as file:
        (first, *_) = csv.DictReader(file)
    assert (first["epoch"], first["validation_accuracy"]) == ("1", "")
    assert float(first["test_loss"]) > 0


def test_records_are_those_of_the_run_whose_epoch_is_named(trained: Path, tmp_path: Path) -> None:
    assert export(trained, tmp_path / "run.csv").exit_code == 0
    assert export(f"{trained}:1", tmp_path / "epoch.csv").exit_code == 0
    assert (tmp_path / "epoch.csv").read_text() == (tmp_path / "run.csv").read_text()
    assert "has no checkpoint of epoch 9" in str(export(f"{trained}:9", tmp_path / "no.svg").exception)


def test_steps_that_were_trained_again_are_there_once() -> None:
    def step(number: int, loss: float) -> StepDone:
        return StepDone(number, 1, loss, 0.5, 10, 0.1, 1.0)

    again = RolledBack(3, 1, 0.05, ())
    items: list[FeedItem] = [step(1, 1.0), step(2, 2.0), step(3, 3.0), again, step(2, 4.0)]
    assert [(row[0], row[2]) for row in step_rows(items)] == [(1, 1.0), (2, 4.0)]


def test_the_picture_is_well_formed_and_shows_every_curve(trained: Path, tmp_path: Path) -> None:
    assert export(trained, tmp_path / "a.svg").exit_code == 0
    root = ElementTree.fromstring((tmp_path / "a.svg").read_text())
    text = " ".join(root.itertext())
    assert all(word in text for word in ("batches, averaged", "test", "rate", "step, loss", "100 %"))
    lines = root.findall("{http://www.w3.org/2000/svg}polyline")
    assert len(lines) == 7
    for line in lines:
        assert all(0 <= float(pair.split(",")[0]) <= 820 for pair in line.attrib["points"].split())


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("RUN", "a.txt"), "Unknown file type"),
        (("RUN", "a.svg", "--steps"), "--steps is for tables"),
        (("RUN", "no/a.csv"), "There is no folder"),
        (("nowhere", "a.csv"), "There is no run"),
        (("nowhere", "a.pth"), "There is no run"),
        (("RUN", "folder.csv"), "is a folder"),
        (("RUN", "RUN/net_099.pth"), "would look like a checkpoint"),
        (("words.pth", "a.safetensors"), "is not a checkpoint"),
    ],
)
def test_what_cannot_be_exported_ends_in_a_sentence(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "words.pth").write_text("words")
    done = export(*(argument.replace("RUN", str(trained)) for argument in arguments))
    assert isinstance(done.exception, BadInput | CheckpointDamaged)
    assert sentence in str(done.exception)
    assert {path.name for path in tmp_path.iterdir()} == {"folder.csv", "words.pth"}


def test_a_runs_event_files_are_written_and_not_by_mistake(trained: Path, tmp_path: Path) -> None:
    place = tmp_path / "some boards"
    done = export(trained, "--tensorboard", place)
    assert done.exit_code == 0, done.output
    assert "10 steps. To see it: tensorboard --logdir '" in done.output
    assert Boards(place).steps("train", "loss") == list(range(1, 11))
    assert len(Boards(place).steps("test", "accuracy")) == 2
    again = export(f"{trained}/net_001.pth", "--tensorboard", place)
    assert isinstance(again.exception, BadInput)
    assert "has event files already. Use --force" in str(again.exception)
    assert export(trained, "--tensorboard", place, "--force").exit_code == 0
    assert Boards(place).steps("train", "loss") == list(range(1, 11))


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ((), "Name the file to write"),
        (("a.csv", "--tensorboard", "boards"), "leave OUT and other options out"),
        (("--tensorboard", "boards", "--steps"), "leave OUT and other options out"),
        (("--tensorboard", "taken"), "Cannot write to"),
    ],
)
def test_event_files_that_cannot_be_written_are_refused(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], reason: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").write_text("")
    done = export(trained, *arguments)
    assert isinstance(done.exception, BadInput)
    assert reason in str(done.exception)
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_a_live_runs_own_event_files_are_left_to_it(tmp_path: Path) -> None:
    folder = put_live_run(tmp_path, "one", scripted.epochs(1))
    done = export(folder.path, "--tensorboard", folder.path / "tb", "--force")
    assert isinstance(done.exception, BadInput)
    assert "is training" in str(done.exception)
    assert export(folder.path, "--tensorboard", tmp_path / "elsewhere").exit_code == 0
    folder.close()
