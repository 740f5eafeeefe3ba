"""A folder of images as people have them, through the command."""

import dataclasses
import os
from pathlib import Path

import orjson
import pytest
from PIL import Image

from cifar_tui.presets import preset
from cifar_tui.report.preset_command import preset_command
from tests.program import run


def image_folder(path: Path) -> Path:
    """Ten classes of two images each in train/ and in test/."""
    for split in ("train", "test"):
        for label in range(10):
            place = path / split / f"class{label}"
            place.mkdir(parents=True)
            for number in range(2):
                Image.new("RGB", (32, 32), (label * 25, number, 9)).save(place / f"{number}.png")
    return path


@pytest.mark.slow
def test_broken_images_are_all_named_and_left_out_on_request_also_when_resumed(tmp_path: Path) -> None:
    place = image_folder(tmp_path / "pics")
    (place / "train" / "class1" / "cut.jpg").write_bytes(b"\xff\xd8\xff\xe0 cut")
    (place / "test" / "class2" / "page.png").write_text("<!doctype html>")
    os.mkfifo(place / "train" / "class5" / "pipe.png")
    training = [
        *("train", "--data", "pics", "--preset", "quick", "--width", "8", "--batch-size", "10", "--device", "cpu"),
        *("--headless", "--run-name", "one", "--epochs", "1"),
    ]
    refused = run(tmp_path, *training)
    assert refused.returncode == 2
    for words in ("2 images of ", "train/class1/cut.jpg (", "test/class2/page.png (it is a web page"):
        assert words in refused.stderr
    option = refused.stderr.rstrip(".\n").split(" ")[-1]
    done = run(tmp_path, *training, option)
    assert done.returncode == 0, done.stderr
    assert "Passed over in pics: 1 named pipe (train/class5/pipe.png).\n" in done.stdout
    assert "2 images of " in done.stdout
    resumed = run(tmp_path, "train", "--resume", "one", "--epochs", "2", "--headless")
    assert resumed.returncode == 0, resumed.stderr
    assert "2 images of " in resumed.stdout
    assert "bit-exact. Changed: epochs 1 → 2, the schedule now spans 2 epochs: " in resumed.stdout
    evaluated = run(tmp_path, "evaluate", "one", "--json")
    assert orjson.loads(evaluated.stdout)["images"] == 20
    assert "1 image of " in evaluated.stderr


def test_the_command_for_another_preset_leaves_the_same_images_out() -> None:
    usual = preset("default")
    skipping = dataclasses.replace(usual, skip_unreadable=True)
    assert preset_command(skipping, "quick").endswith("train --preset quick --skip-unreadable")
    assert preset_command(usual, "quick").endswith("train --preset quick")
