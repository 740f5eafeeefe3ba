"""Runs of people's own networks: trained, resumed to the bit, evaluated, branched and exported."""

import dataclasses
import re
from pathlib import Path

import pytest
import torch

from cifar_tui.checkpoint_events import CheckpointSaved, ComparisonDone, EvaluationDone, EvaluationFailed
from cifar_tui.control import Evaluate, RequestQueue, Stop
from cifar_tui.engine.checkpoints.checkpoint import read_network
from cifar_tui.engine.checkpoints.export import export_weights
from cifar_tui.engine.checkpoints.initial_weights import recipe_for_external
from cifar_tui.engine.data.dataset import DataSet
from cifar_tui.engine.evaluation.evaluate_checkpoint import evaluate_checkpoint
from cifar_tui.engine.network import own_network
from cifar_tui.errors import BadInput, CheckpointDamaged
from cifar_tui.events import EpochDone, Event, Noted, RunFinished, RunResumed, StepDone
from cifar_tui.files.run_files import MODEL_NAME
from cifar_tui.jobs.attached import AttachedJobs
from cifar_tui.jobs.local import compare
from cifar_tui.recipe import Recipe
from cifar_tui.runs.folder import RunFolder, read_recipe
from cifar_tui.runs.new_run import NewRun, branch
from cifar_tui.runs.own_code import AllowedCode, allow_file, allow_run
from cifar_tui.runs.reading import Reading
from tests.engine import trained
from tests.engine.training.test_resume import outcome
from tests.own_networks import CNN, FILES, permissions, write_model

__all__ = ["permissions"]
pytestmark = pytest.mark.usefixtures("permissions")


def recipe_of(folder: Path, name: str = "cnn", **changes: object) -> Recipe:
    return trained.tiny_recipe(model=allow_file(f"{write_model(folder, FILES[name])}:make"), sizes="whole", **changes)


def run_of(recipe: Recipe, folder: Path, script: trained.Script | None = None) -> trained.Person:
    place = NewRun(recipe=recipe, name="one", folder=folder).make()
    return trained.train(recipe, place, script, None)


def evaluated(folder: Path, reading: Reading | None = None, checkpoint: str = "net_002.pth") -> list[Event]:
    said: list[Event] = []
    options = {"load_data": trained.easy_images, "reading": reading or Reading()}
    evaluate_checkpoint(read_recipe(folder), folder, checkpoint, said.append, RequestQueue(), **options)  # type: ignore[arg-type]
    return said


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("moment", [StepDone, EpochDone])
def test_a_run_stopped_and_resumed_is_the_unbroken_run(tmp_path: Path, name: str, moment: type[Event]) -> None:
    recipe = recipe_of(tmp_path, name)
    whole = run_of(recipe, tmp_path / "whole")
    assert isinstance(whole.said[-1], RunFinished)
    torch.manual_seed(3)
    torch.rand(100)
    run_of(recipe, tmp_path / "cut", {moment: [Stop()]})
    torch.rand(7)
    resumed = trained.resume(tmp_path / "cut")
    assert resumed.heard(RunResumed)[0].inexact_because == ""
    assert outcome(tmp_path / "cut") == outcome(tmp_path / "whole")


def test_dropout_draws_anew_in_every_step(tmp_path: Path) -> None:
    recipe = recipe_of(tmp_path, "cnn", learning_rate=1e-9, batch_size=100, crop_padding=0, cutout=0, flip="none")
    losses = [step.loss for step in run_of(recipe, tmp_path / "one").heard(StepDone)]
    assert len(set(losses)) == len(losses) > 1, "the same images in each"


def test_a_live_run_evaluates_its_own_checkpoints(tmp_path: Path) -> None:
    person = run_of(recipe_of(tmp_path), tmp_path / "one", {CheckpointSaved: [Evaluate("net_001.pth")]})
    (done,) = person.heard(EvaluationDone)
    assert done.accuracy == person.heard(EpochDone)[0].test_accuracy


def test_its_checkpoints_are_read_by_its_own_code_and_evaluate_as_they_were_tested(tmp_path: Path) -> None:
    recipe = recipe_of(tmp_path, "vit")
    person = run_of(recipe, tmp_path / "one")
    (done,) = [event for event in evaluated(tmp_path / "one") if isinstance(event, EvaluationDone)]
    assert done.accuracy == person.heard(EpochDone)[-1].test_accuracy
    assert done.loss == pytest.approx(person.heard(EpochDone)[-1].test_loss, rel=1e-4)
    assert (tmp_path / "one" / "net_002.verdict.json").exists()


def test_another_file_that_a_person_names_is_used_and_told_and_nothing_is_stored(
    tmp_path: Path, permissions: dict[str, AllowedCode]
) -> None:
    run_of(recipe_of(tmp_path), tmp_path / "one")
    permissions.clear()
    other = allow_file(f"{write_model(tmp_path, '# changed' + CNN)}:make")
    said = evaluated(tmp_path / "one", Reading(models=(other,)))
    assert isinstance(said[-1], EvaluationDone)
    assert any("one was trained with nets.py:make" in event.text for event in said if isinstance(event, Noted))
    assert not (tmp_path / "one" / "net_002.verdict.json").exists()


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_exported_without_its_code_it_is_read_again_with_it(
    tmp_path: Path, permissions: dict[str, AllowedCode], suffix: str
) -> None:
    recipe = recipe_of(tmp_path, "tied")
    run_of(recipe, tmp_path / "one")
    permissions.clear()
    export_weights(tmp_path / "one" / "net_002.pth", tmp_path / f"own{suffix}")
    with pytest.raises(CheckpointDamaged, match=r"yours with --model FILE\.py:make"):
        read_network(tmp_path / f"own{suffix}")
    allow_run(tmp_path / "one", recipe)
    assert recipe.model is not None
    own = read_network(tmp_path / f"own{suffix}", Reading(models=(recipe.model,)))
    ours = read_network(tmp_path / "one" / "net_002.pth")
    state = ours.network.state_dict()
    assert own.classes == 10
    assert all(torch.equal(state[key], tensor) for key, tensor in own.network.state_dict().items())


def test_a_checkpoint_of_another_network_is_named(tmp_path: Path) -> None:
    run_of(recipe_of(tmp_path), tmp_path / "one")
    export_weights(tmp_path / "one" / "net_002.pth", tmp_path / "own.pth")
    vit = allow_file(f"{write_model(tmp_path, FILES['vit'])}:make")
    with pytest.raises(CheckpointDamaged, match=r"does not fit nets\.py:make: it has no places, but 0\.weight"):
        read_network(tmp_path / "own.pth", Reading(models=(vit,)))


def test_a_run_starts_from_its_checkpoint_with_the_same_code(tmp_path: Path) -> None:
    recipe = recipe_of(tmp_path)
    run_of(recipe, tmp_path / "one")
    new = dataclasses.replace(branch(tmp_path / "one" / "net_002.pth", 1, 0.01), folder=tmp_path / "two", name="two")
    place = new.make()
    assert (tmp_path / "two" / MODEL_NAME).read_bytes() == (tmp_path / "one" / MODEL_NAME).read_bytes()
    person = trained.train(new.recipe, place, None, None)
    fresh = run_of(recipe, tmp_path / "fresh").heard(StepDone)[0].loss
    assert person.heard(StepDone)[0].loss < fresh - 0.05, "what was learned is still known"


def test_from_other_classes_the_layer_of_the_classes_is_fresh(tmp_path: Path) -> None:
    run_of(recipe_of(tmp_path), tmp_path / "one")
    export_weights(tmp_path / "one" / "net_002.pth", tmp_path / "own.pth")
    own = recipe_of(tmp_path).model
    assert own is not None
    recipe, _ = recipe_for_external(
        tmp_path / "own.pth", recipe_of(tmp_path, classes=3), Reading(models=(own,), classes=3), normalization=True
    )
    assert (recipe.classes, recipe.model) == (10, own)
    recipe = dataclasses.replace(recipe, classes=3)
    place = NewRun(recipe=recipe, name="two", folder=tmp_path / "two", start=tmp_path / "own.pth").make()
    person = trained.train(recipe, place, None, None, load_data=three_classes)
    assert isinstance(person.said[-1], RunFinished)


def three_classes(*_: object) -> DataSet:
    data = trained.easy_images()
    three = [dataclasses.replace(one, labels=one.labels % 3) for one in (data.train, data.test)]
    return dataclasses.replace(data, classes=data.classes[:3], train=three[0], test=three[1])


# What arrives with a run or a checkpoint never makes this program run a file.


@pytest.fixture
def arrived(tmp_path: Path, permissions: dict[str, AllowedCode]) -> tuple[Path, Path]:
    """A run that came from elsewhere, and its canary."""
    canary = tmp_path / "canary"
    path = write_model(tmp_path, CNN, canary=canary)
    run_of(trained.tiny_recipe(model=allow_file(f"{path}:make")), tmp_path / "one")
    canary.unlink()
    permissions.clear()
    return tmp_path / "one", canary


def test_nothing_of_a_run_that_arrived_is_run(arrived: tuple[Path, Path], tmp_path: Path) -> None:
    folder, canary = arrived
    refusal = "runs only where you name it on the command line, as in: .*evaluate .*net_002.pth --model .*model.py:make"
    with pytest.raises(BadInput, match=refusal):
        evaluated(folder)
    with pytest.raises(BadInput, match=refusal):
        read_network(folder / "net_002.pth")
    export_weights(folder / "net_002.pth", tmp_path / "own.pth")
    export_weights(folder / "net_002.pth", tmp_path / "own.safetensors")
    with pytest.raises(BadInput, match="runs only where it is named"):
        trained.resume(folder)
    with pytest.raises(BadInput, match="runs only where it is named"):
        branch(folder / "net_002.pth", 1, 0.1).make()
    assert not canary.exists()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("quick")] == [], "no folder is left"


def test_a_changed_copy_is_not_run_even_where_the_run_is_resumed(arrived: tuple[Path, Path]) -> None:
    folder, canary = arrived
    with (folder / MODEL_NAME).open("a") as file:
        file.write("# and more\n")
    with pytest.raises(BadInput, match=r"it has changed \(SHA-256 differs\)\. Nothing of it was run"):
        allow_run(folder, read_recipe(folder))
    assert not canary.exists()


def test_a_recipe_that_names_another_file_or_function_runs_neither(arrived: tuple[Path, Path], tmp_path: Path) -> None:
    folder, canary = arrived
    recipe = read_recipe(folder)
    assert recipe.model is not None
    for model in (
        dataclasses.replace(recipe.model, file=str(tmp_path / "nets.py")),
        dataclasses.replace(recipe.model, function="nn"),
        dataclasses.replace(recipe.model, sha256="0" * 64),
    ):
        place = RunFolder.reopen(folder)
        place.write_recipe(dataclasses.replace(recipe, model=model))
        place.close()
        with pytest.raises(BadInput, match="runs only where you name it"):
            evaluated(folder)
    assert not canary.exists()


def test_a_live_run_goes_on_where_its_recipe_is_changed_to_name_other_code(tmp_path: Path) -> None:
    recipe = recipe_of(tmp_path)
    assert recipe.model is not None
    place = NewRun(recipe=recipe, name="one", folder=tmp_path / "one").make()
    place.write_recipe(dataclasses.replace(recipe, model=dataclasses.replace(recipe.model, sha256="0" * 64)))
    person = trained.train(recipe, place, {EpochDone: [Evaluate("net_001.pth")]}, None)
    (failed,) = person.heard(EvaluationFailed)
    assert "runs only where you name it" in failed.reason
    assert isinstance(person.said[-1], RunFinished)


def test_a_last_batch_of_one_image_is_refused_before_anything_is_trained(tmp_path: Path) -> None:
    layers = "nn.Flatten(), nn.LazyBatchNorm1d(), nn.LazyLinear(classes)"
    flat = f"from torch import nn\n\n\ndef make(classes):\n    return nn.Sequential({layers})\n"
    recipe = trained.tiny_recipe(model=allow_file(f"{write_model(tmp_path, flat)}:make"), sizes="whole", batch_size=7)
    with pytest.raises(BadInput, match=r"a single image: choose another --batch-size\. nets\.py:make"):
        run_of(recipe, tmp_path / "one")
    assert isinstance(run_of(dataclasses.replace(recipe, batch_size=8), tmp_path / "two").said[-1], RunFinished)


@pytest.mark.slow
def test_jobs_of_a_run_that_arrived_refuse_and_those_of_one_trained_here_do_not(
    arrived: tuple[Path, Path], tmp_path: Path
) -> None:
    folder, canary = arrived
    jobs = AttachedJobs(folder)
    with pytest.raises(BadInput, match="train --resume"):
        jobs.resume()
    with pytest.raises(BadInput, match="runs only where it is named"):
        jobs.branch("net_002.pth", 1, 0.1)
    session = jobs.evaluate("net_002.pth")
    assert session.join(60)
    failed = session.poll()[-1]
    assert isinstance(failed, EvaluationFailed)
    assert "evaluate" in failed.reason
    assert not canary.exists()
    jobs.close()
    allow_run(folder, read_recipe(folder))
    beside = compare([folder / "net_001.pth", folder / "net_002.pth"], beside=True)
    assert beside.join(120)
    failed = beside.poll()[-1]
    assert isinstance(failed, EvaluationFailed | ComparisonDone)
    assert "runs only where" not in str(failed)
    assert canary.exists(), "this process may run it, so that which it starts may, too"


def test_only_the_command_line_permits_and_only_one_module_runs_code() -> None:
    root = Path(own_network.__file__).parents[2]
    sources = {str(path.relative_to(root)): path.read_text() for path in root.rglob("*.py")}
    running = {name for name, text in sources.items() if re.search(r"(?<![\w.])(exec|eval|__import__)\(|runpy", text)}
    assert running == {"engine/network/own_network.py"}
    permitting = {name for name, source in sources.items() if re.search(r"\ballow_(file|run)\b", source)}
    assert permitting == {
        *("runs/own_code.py", "cli/options.py", "cli/train_jobs.py", "cli/auto_resume.py", "cli/several.py"),
        "cli/queue/start.py",
        *("engine/training/follow.py", "jobs/compare_process.py"),
    }
