"""Folders of other numbers of classes than ten, through every command that works on a checkpoint."""

import re
from pathlib import Path

import orjson
import pytest
from PIL import Image

from tests.program import run

NARROW = ("--preset", "quick", "--width", "8", "--batch-size", "10", "--device", "cpu", "--headless", "--epochs", "1")


def class_folders(path: Path, classes: int, images: int, splits: tuple[str, ...] = ("train", "val")) -> Path:
    """So many classes, which differ by their brightness."""
    for split in splits:
        for label in range(classes):
            place = path / split / f"kind{label:03}"
            place.mkdir(parents=True)
            for number in range(images):
                Image.new("RGB", (32, 32), (label * 255 // classes, number, 9)).save(place / f"{number}.png")
    return path


@pytest.mark.slow
@pytest.mark.parametrize("classes", [2, 37])
def test_every_command_works_with_that_many(tmp_path: Path, classes: int) -> None:
    class_folders(tmp_path / "pics", classes, 8)
    done = run(tmp_path, "train", "--data", "pics", "--run-name", "one", *NARROW)
    assert done.returncode == 0, done.stderr
    resumed = run(tmp_path, "train", "--resume", "one", "--epochs", "2", "--headless")
    assert resumed.returncode == 0, resumed.stderr
    result = orjson.loads(run(tmp_path, "evaluate", "one", "--json").stdout)
    assert len(result["classes"]) == classes
    assert result["images"] == 8 * classes
    compared = run(tmp_path, "compare", "runs/one/net_001.pth", "runs/one/net_002.pth", "--json")
    assert compared.returncode == 0, compared.stderr
    assert len(orjson.loads(compared.stdout)["checkpoints"][0]["class_accuracies"]) == classes
    predicted = run(tmp_path, "predict", "one", "pics/val/kind001/0.png", "--json")
    assert orjson.loads(predicted.stdout)["pictures"][0]["most_probable"][0]["class"].startswith("kind")
    assert run(tmp_path, "export", "one", "one.safetensors").returncode == 0
    again = orjson.loads(run(tmp_path, "evaluate", "one.safetensors", "--data", "pics", "--json").stdout)
    assert (again["accuracy"], again["classes"]) == (result["accuracy"], result["classes"])


@pytest.mark.slow
def test_a_checkpoint_of_other_classes_starts_with_a_fresh_last_layer_and_refuses_other_images(tmp_path: Path) -> None:
    class_folders(tmp_path / "three", 3, 8)
    class_folders(tmp_path / "two", 2, 20, splits=("all",))
    assert run(tmp_path, "train", "--data", "three", "--run-name", "one", *NARROW).returncode == 0
    refused = run(tmp_path, "evaluate", "one", "--data", "synthetic")
    assert refused.returncode == 2
    assert "tells 3 classes apart, and these images (synthetic images) have 10" in refused.stderr
    refused = run(tmp_path, "train", "--resume", "one", "--epochs", "3", "--data", "synthetic", "--headless")
    assert refused.returncode == 2
    assert "one tells 3 classes apart, and these images have 10: name the images" in refused.stderr
    other = ("--data", "two/all", "--test-share", "0.25", "--run-name", "two", "--epochs", "1", "--headless")
    branched = run(tmp_path, "train", "--from", "one", *other)
    assert branched.returncode == 0, branched.stderr
    said = branched.stdout + branched.stderr
    assert "tells 3 classes apart, and these images have 2: the last layer starts from fresh weights." in said
    assert re.search(r"30 \+ 10 images", said)
    assert orjson.loads(run(tmp_path, "evaluate", "two", "--json").stdout)["images"] == 10
