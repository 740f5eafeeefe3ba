from pathlib import Path

import pytest
import torch

from cifar_tui.cli.recipe_options import branched_recipe
from cifar_tui.cli.train_jobs import StartFile, new_run
from cifar_tui.control import Stop
from cifar_tui.engine.checkpoints.checkpoint import read_network
from cifar_tui.engine.checkpoints.export import export_weights
from cifar_tui.engine.checkpoints.initial_weights import initial_weights, recipe_for_external
from cifar_tui.errors import BadInput, CheckpointDamaged
from cifar_tui.events import EpochDone, Event, RunFinished, RunResumed, RunStarted, StepDone
from cifar_tui.files.run_files import START_NAME, journal_path
from cifar_tui.jobs.local import check_resumable
from cifar_tui.recipe import HALF
from cifar_tui.report import run_summary
from cifar_tui.runs.checkpoints.sidecars import list_sidecars
from cifar_tui.runs.checkpoints.states import list_states
from cifar_tui.runs.folder import RunFolder, read_recipe
from cifar_tui.runs.new_run import branch
from cifar_tui.runs.overview import read_overview
from cifar_tui.runs.parent_weights import recipe_for_child
from cifar_tui.runs.reading import NORMALIZATIONS, Reading
from cifar_tui.runs.records.journal import read_events
from tests.engine import trained


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "one"
    trained.run(folder, epochs=1)
    return folder


@pytest.fixture(scope="module")
def whole(parent: Path) -> object:
    """What the unbroken child leaves."""
    grown(parent, parent.parent / "whole")
    return outcome(parent.parent / "whole")


def made(parent: Path, folder: Path) -> RunFolder:
    """The folder of a run from the parent's checkpoint, with the start in it."""
    new = branch(parent / "net_001.pth", 2, 0.02)
    return type(new)(recipe=new.recipe, name="two", folder=folder, start=new.start).make()


def grown(parent: Path, folder: Path, moment: type[Event] | None = None) -> trained.Person:
    place = made(parent, folder)
    return trained.train(place.recipe(), place, {moment: [Stop()]} if moment else None, None)


def outcome(folder: Path) -> object:
    losses = [event.loss for event in read_events(journal_path(folder)) if isinstance(event, StepDone)]
    return losses, [one.sha256 for one in list_sidecars(folder) if "_step_" not in one.checkpoint]


def test_a_run_starts_with_the_weights_of_another_ones_checkpoint_and_says_so(parent: Path, tmp_path: Path) -> None:
    person = grown(parent, tmp_path / "two")
    (before,) = list_sidecars(parent)
    recipe = person.heard(RunStarted)[0].recipe
    assert recipe.parent is not None
    assert (recipe.parent.run, recipe.parent.checkpoint, recipe.parent.epoch) == ("one", "net_001.pth", 1)
    assert recipe.parent.sha256 == before.sha256
    assert (recipe.epochs, recipe.learning_rate, recipe.width, recipe.batch_size) == (2, 0.02, 8, trained.BATCH)
    assert (tmp_path / "two" / START_NAME).read_bytes() == (parent / "net_001.pth").read_bytes()
    first_losses = [one.heard(StepDone)[0].loss for one in (person, trained.run(tmp_path / "fresh", epochs=1))]
    assert first_losses[0] < first_losses[1] - 0.1, "what was learned is still known"
    assert person.heard(StepDone)[0].step == 1
    assert isinstance(person.said[-1], RunFinished)


@pytest.mark.slow
@pytest.mark.parametrize("moment", [StepDone, EpochDone])
def test_stopped_and_resumed_it_is_the_unbroken_one(
    parent: Path, tmp_path: Path, whole: object, moment: type[Event]
) -> None:
    grown(parent, tmp_path / "cut", moment)
    resumed = trained.resume(tmp_path / "cut")
    assert resumed.heard(RunResumed)[0].inexact_because == ""
    assert outcome(tmp_path / "cut") == whole


@pytest.mark.slow
def test_killed_before_its_first_state_it_needs_no_parent_to_go_on(parent: Path, tmp_path: Path, whole: object) -> None:
    place = made(parent, tmp_path / "cut")
    place.close()
    assert not list_states(tmp_path / "cut")
    check_resumable(tmp_path / "cut")
    resumed = trained.resume(tmp_path / "cut")
    assert resumed.heard(RunResumed)[0].at_step == 0
    assert len(resumed.heard(RunStarted)) == 1, "which a run killed so soon has never said"
    assert read_overview(tmp_path / "cut").started_at > 0
    assert outcome(tmp_path / "cut") == whole


def test_a_copy_that_is_not_as_it_was_made_is_refused(parent: Path, tmp_path: Path) -> None:
    place = made(parent, tmp_path / "two")
    content = bytearray((tmp_path / "two" / START_NAME).read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "two" / START_NAME).write_bytes(content)
    with pytest.raises(CheckpointDamaged, match="SHA-256"):
        trained.train(place.recipe(), place, None, None)


@pytest.mark.slow
def test_a_checkpoint_that_was_changed_since_leaves_no_folder(parent: Path, tmp_path: Path) -> None:
    trained.run(tmp_path / "one", epochs=1)
    with (tmp_path / "one" / "net_001.pth").open("ab") as file:
        file.write(b"more")
    with pytest.raises(BadInput, match="SHA-256"):
        made(tmp_path / "one", tmp_path / "two")
    assert not (tmp_path / "two").exists()


@pytest.mark.slow
def test_synthetic_pictures_stay_in_the_ancestry(parent: Path, tmp_path: Path) -> None:
    trained.run(tmp_path / "one", epochs=1)
    sidecar = tmp_path / "one" / "net_001.json"
    sidecar.write_bytes(sidecar.read_bytes().replace(b'"synthetic": false', b'"synthetic": true'))
    child = branch(tmp_path / "one" / "net_001.pth", 1, 0.02)
    assert child.recipe.parent is not None
    assert child.recipe.parent.synthetic
    grown(tmp_path / "one", tmp_path / "two")
    grandchild = branch(tmp_path / "two" / "net_001.pth", 1, 0.02)
    assert grandchild.recipe.parent is not None
    assert grandchild.recipe.parent.synthetic
    sibling = recipe_for_child(tmp_path / "two" / START_NAME)
    assert sibling.parent == child.recipe.parent, "what a run started with is its parent's"
    assert run_summary.ancestry(grandchild.recipe) == "from two, epoch 1 (synthetic images)"


def test_a_file_of_no_run_starts_one_as_wide_as_it_is(parent: Path, tmp_path: Path) -> None:
    copied = tmp_path / "copied"
    copied.mkdir()
    for name in ("net_001.pth", "net_001.json"):
        (copied / name).write_bytes((parent / name).read_bytes())
    beside_its_sidecar = recipe_for_external(copied / "net_001.pth", trained.tiny_recipe(), normalization=True)[
        0
    ].parent
    assert beside_its_sidecar is not None
    assert (beside_its_sidecar.run, beside_its_sidecar.epoch) == ("one", 1)
    weights = read_network(parent / "net_001.pth").network.state_dict()
    torch.save({"net": weights, "acc": 1.0, "epoch": 3}, tmp_path / "ckpt.pth")
    recipe, _ = recipe_for_external(tmp_path / "ckpt.pth", trained.tiny_recipe(width=64), normalization=True)
    assert recipe.width == 8
    assert recipe.parent is not None
    assert (recipe.parent.run, recipe.parent.checkpoint) == ("", "ckpt.pth")


def test_a_run_from_an_exported_file_takes_the_normalization_of_its_header(parent: Path, tmp_path: Path) -> None:
    export_weights(parent / "net_001.pth", tmp_path / "own.safetensors")
    jobs = new_run({"data": "synthetic"}, None, StartFile(str(tmp_path / "own.safetensors")), "new", tmp_path / "new")
    trained_with = read_recipe(parent)
    recipe, _ = branched_recipe(tmp_path / "own.safetensors", None, {"data": "synthetic"})
    assert (recipe.mean, recipe.std) == (trained_with.mean, trained_with.std) != (HALF, HALF)
    assert jobs.note.startswith("Images are normalized as the file says (mean 0.4914, ")


@pytest.mark.slow
def test_a_person_says_how_the_file_is_read_that_a_run_starts_from(parent: Path, tmp_path: Path) -> None:
    state = read_network(parent / "net_001.pth").network.state_dict()
    average = {name: tensor * 2 if tensor.is_floating_point() else tensor for name, tensor in state.items()}
    torch.save({"model": state, "ema": average}, tmp_path / "both.pth")
    changes = {
        "data": "synthetic",
        "width": 8,
        "device": "cpu",
        "train_images": 100,
        "test_images": 20,
        "batch_size": 50,
    }
    start = str(tmp_path / "both.pth")
    new_run(changes, "quick", StartFile(start, "ema", "imagenet"), "new", tmp_path / "new").close()
    recipe, _ = branched_recipe(
        tmp_path / "both.pth", "quick", changes, Reading(weights="ema", normalization=NORMALIZATIONS["imagenet"])
    )
    assert (recipe.mean, recipe.std) == NORMALIZATIONS["imagenet"]
    assert recipe.parent is not None
    assert recipe.parent.weights == "ema"
    (tmp_path / START_NAME).write_bytes((tmp_path / "both.pth").read_bytes())
    first = initial_weights(recipe, tmp_path)()
    assert torch.equal(first["fc.weight"], average["fc.weight"])


@pytest.mark.parametrize("start", [None, "net_001.pth"])
def test_how_a_file_is_read_is_said_of_other_files_alone(parent: Path, tmp_path: Path, start: str | None) -> None:
    path = str(parent / start) if start is not None else None
    with pytest.raises(BadInput, match=r"--normalize.* and --weights"):
        new_run({"data": "synthetic"}, None, StartFile(path, "", "half"), "new", tmp_path / "new")
