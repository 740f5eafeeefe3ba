"""Training on small files of the form of MNIST and CIFAR-100, from the download folder to an evaluation."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from typer.testing import CliRunner

from cifar_tui.checkpoint_events import EvaluationDone
from cifar_tui.cli import app
from cifar_tui.cli.options import reading_of
from cifar_tui.cli.recipe_options import new_recipe
from cifar_tui.control import RequestQueue, Stop
from cifar_tui.engine.checkpoints.export import export_weights
from cifar_tui.engine.data.load import load
from cifar_tui.engine.evaluation.evaluate_checkpoint import evaluate_checkpoint
from cifar_tui.engine.evaluation.predict import Prediction, Predictor
from cifar_tui.errors import BadInput
from cifar_tui.events import DataReady, EpochDone, Event, Noted, RunFinished, StepDone
from cifar_tui.presets import preset
from cifar_tui.recipe import Recipe
from cifar_tui.runs.checkpoints.sidecars import list_sidecars
from cifar_tui.runs.folder import RunFolder, read_recipe
from tests.engine import trained
from tests.engine.data.test_published import FINE, cifar100, digits, knowing, place
from tests.quick_torchvision import datasets

NAME = "net_001.pth"


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a small MNIST and a small CIFAR-100."""
    files = digits()
    monkeypatch.setattr(datasets, "MNIST", knowing(files))
    place(tmp_path / "data" / "MNIST" / "raw", files)
    archive, small = cifar100()
    monkeypatch.setattr(datasets, "CIFAR100", small)
    place(tmp_path / "data", {small.filename: archive})
    return tmp_path / "data"


def recipe_on(data: str, data_dir: Path, **changes: object) -> Recipe:
    few = {"epochs": 1, "batch_size": 20, "learning_rate": 0.05, "width": 8, "device": "cpu"}
    return new_recipe("quick", {"data": data, "data_dir": str(data_dir), **few, **changes})


def train(folder: Path, recipe: Recipe, script: trained.Script | None = None) -> trained.Person:
    return trained.train(recipe, RunFolder.create(folder, folder.name, recipe), script, None, load_data=load)


def said_by(folder: Path, **choices: Any) -> list[Event]:
    """What an evaluation of a run's checkpoint said."""
    said: list[Event] = []
    evaluate_checkpoint(read_recipe(folder), folder, NAME, said.append, RequestQueue(), **choices)
    return said


def evaluated(folder: Path) -> EvaluationDone:
    done = said_by(folder)[-1]
    assert isinstance(done, EvaluationDone)
    return done


def test_digits_are_trained_evaluated_and_predicted_as_they_were_seen(tmp_path: Path, data_dir: Path) -> None:
    folder = tmp_path / "one"
    person = train(folder, recipe_on("mnist", data_dir))
    (ready,) = person.heard(DataReady)
    assert (ready.description, ready.train_images, ready.test_images) == ("MNIST", 60, 40)
    assert isinstance(person.said[-1], RunFinished)
    done = evaluated(folder)
    assert done.accuracy == person.heard(EpochDone)[0].test_accuracy
    assert done.classes[3] == "three"
    test = load(read_recipe(folder), lambda _: None, lambda: False).test
    predictor = Predictor(read_recipe(folder), folder, NAME)
    for side in (slice(2, 30), slice(None)):
        Image.fromarray(test.pixels[7][side, side]).convert("L").save(tmp_path / "seven.png")
        (one,) = predictor.predict([str(tmp_path / "seven.png")])
        assert isinstance(one, Prediction)
        assert one.pixels == test.pixels[7].tobytes()


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_exported_weights_predict_digits_as_their_run_does(tmp_path: Path, data_dir: Path, suffix: str) -> None:
    run, out = tmp_path / "one", (tmp_path / "taken").with_suffix(suffix)
    train(run, recipe_on("mnist", data_dir))
    Image.effect_noise((40, 60), 90).save(tmp_path / "noise.png")
    done = CliRunner().invoke(app, ["export", str(run / NAME), str(out)])
    assert done.exit_code == 0
    assert ("--normalize mnist" in done.output) == (suffix == ".pth")
    (expected,) = Predictor(read_recipe(run), run, NAME).predict([str(tmp_path / "noise.png")])
    # A .pth has no room for words; export names the option.
    reading = reading_of("", "mnist" if suffix == ".pth" else None, max_pool=False, ours=False)
    predictor = Predictor(preset("default"), tmp_path, out.name, reading)
    (found,) = predictor.predict([str(tmp_path / "noise.png")])
    assert found == expected
    assert "Images are made 28×28 and framed with black, as the network was trained." in predictor.assumptions
    if suffix == ".safetensors":
        assert predictor.classes[3] == "three"


def test_exported_weights_remember_that_digits_are_not_mirrored(tmp_path: Path, data_dir: Path) -> None:
    recipe = recipe_on("mnist", data_dir)
    train(tmp_path / "one", recipe)
    export_weights(tmp_path / "one" / NAME, tmp_path / "taken.safetensors")
    elsewhere = dataclasses.replace(recipe.with_data("cifar100"), flip="random", device="cpu")
    with pytest.raises(BadInput, match="mirror image of MNIST"):
        evaluate_checkpoint(
            elsewhere, tmp_path, "taken.safetensors", print, RequestQueue(), tta=True, external=True, keep=False
        )


@pytest.mark.slow
def test_digits_are_mirrored_only_where_they_were_in_training(tmp_path: Path, data_dir: Path) -> None:
    train(tmp_path / "one", recipe_on("mnist", data_dir))
    with pytest.raises(BadInput, match="mirror image of MNIST is no image of its class: leave --tta out"):
        said_by(tmp_path / "one", tta=True)
    with pytest.raises(BadInput, match="mirror image of MNIST"):
        said_by(tmp_path / "one", tta=True, external=True)
    train(tmp_path / "mirrored", recipe_on("mnist", data_dir, flip="random"))
    *notes, done = said_by(tmp_path / "mirrored", tta=True)
    assert Noted("The images of MNIST are mirrored, as they were in training (--flip random).") in notes
    assert isinstance(done, EvaluationDone)
    assert done.tta


@pytest.mark.slow
def test_mirror_images_that_a_person_kept_from_the_training_are_told(tmp_path: Path, data_dir: Path) -> None:
    def notes(**changes: object) -> list[str]:
        recipe = recipe_on("cifar100", data_dir, **changes)
        train(tmp_path / str(recipe.flip), recipe)
        return [one.text for one in said_by(tmp_path / str(recipe.flip), tta=True) if isinstance(one, Noted)]

    assert notes() == []
    (note,) = notes(flip="none")
    assert note.startswith("The network was trained without mirror images (--flip none)")


@pytest.mark.slow
def test_a_run_on_digits_resumes_exactly(tmp_path: Path, data_dir: Path) -> None:
    train(tmp_path / "whole", recipe_on("mnist", data_dir, epochs=2))
    train(tmp_path / "parts", recipe_on("mnist", data_dir, epochs=2), {StepDone: [Stop()]})
    trained.resume(tmp_path / "parts", load_data=load)
    whole, parts = ([one.sha256 for one in list_sidecars(tmp_path / run)][-1] for run in ("whole", "parts"))
    assert whole == parts


@pytest.mark.slow
def test_a_hundred_classes_are_trained_and_evaluated(tmp_path: Path, data_dir: Path) -> None:
    recipe = recipe_on("cifar100", data_dir)
    assert recipe.classes == 100
    person = train(tmp_path / "one", recipe)
    assert isinstance(person.said[-1], RunFinished)
    (ready,) = person.heard(DataReady)
    assert ready.classes == tuple(FINE)
    done = evaluated(tmp_path / "one")
    assert sum(images for _, _, images in done.cells()) == done.images
    assert done.classes == tuple(FINE)


@pytest.mark.slow
def test_other_data_than_the_networks_classes_is_refused(data_dir: Path) -> None:
    recipe = recipe_on("cifar100", data_dir)
    other = Recipe.with_data(recipe, "mnist")
    with pytest.raises(BadInput, match=r"100 classes apart, and these images \(MNIST\) have 10"):
        load(other, lambda _: None, lambda: False)
