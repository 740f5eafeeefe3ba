"""Runs of people's own networks that were taken elsewhere: another folder, without the file, or a checkpoint alone."""

import shutil
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from cifar_tui.cli import app
from cifar_tui.errors import BadInput
from cifar_tui.files.run_files import MODEL_NAME
from cifar_tui.runs.folder import read_recipe
from cifar_tui.runs.new_run import NewRun
from cifar_tui.runs.own_code import AllowedCode, allow_file, allow_run
from tests.engine import trained
from tests.own_networks import CNN, permissions, write_model

__all__ = ["permissions"]
NAME = "net_002.pth"
COPY = f"--model there/one/{MODEL_NAME}:make"


@pytest.fixture
def canary(tmp_path: Path, permissions: dict[str, AllowedCode], monkeypatch: pytest.MonkeyPatch) -> Path:
    """The canary of a run in `there/one`, which was trained elsewhere by a file that is gone."""
    canary, before = tmp_path / "canary", tmp_path / "before"
    before.mkdir()
    model = allow_file(f"{write_model(before, CNN, canary=canary)}:make")
    recipe = trained.tiny_recipe(model=model, sizes="whole", data="synthetic", test_images=100)
    trained.train(recipe, NewRun(recipe=recipe, name="one", folder=before / "one").make(), None, None)
    (tmp_path / "there").mkdir()
    shutil.move(before / "one", tmp_path / "there" / "one")
    shutil.rmtree(before)
    canary.unlink()
    permissions.clear()
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (32, 32)).save("grey.png")
    return canary


def refusal(*arguments: str) -> str:
    """The one line that a command is refused with."""
    done = CliRunner().invoke(app, arguments)
    error = done.exception
    assert isinstance(error, BadInput), done.output
    assert "\n" not in str(error)
    return str(error)


@pytest.mark.parametrize(
    "typed",
    [
        "compare there/one:1 there/one:2",
        "predict there/one:2 grey.png",
        "export there/one out.onnx",
        "train --from there/one:2",
    ],
)
def test_a_moved_run_names_the_command_that_was_typed_and_its_copy(typed: str, canary: Path) -> None:
    if typed.startswith("compare"):
        done = CliRunner().invoke(app, typed.split())
        assert f"{typed} {COPY}" in done.output + done.stderr
    else:
        assert refusal(*typed.split()).endswith(f"{typed} {COPY}")
    assert not canary.exists()


def test_a_moved_run_is_evaluated_with_its_copy(canary: Path) -> None:
    refused = CliRunner().invoke(app, ["evaluate", "there/one"])
    assert refused.exit_code == 2
    assert f"evaluate there/one {COPY}" in refused.output + refused.stderr
    assert not canary.exists()
    done = CliRunner().invoke(app, ["evaluate", "there/one", *COPY.split()])
    assert done.exit_code == 0, done.output
    assert "on 100 images" in done.output


def test_where_the_file_is_gone_the_runs_copy_is_named(canary: Path) -> None:
    for command in (["evaluate", "there/one"], ["predict", "there/one", "grey.png"], ["train", "--from", "there/one"]):
        told = refusal(*command, "--model", "nets.py:make")
        assert told == f"There is no file nets.py. The run's own copy is named with {COPY}"
    assert not canary.exists()


def test_where_the_copy_is_gone_or_changed_the_file_is_named(canary: Path) -> None:
    copy = Path("there/one") / MODEL_NAME
    code = copy.read_bytes()
    copy.unlink()
    told = refusal("predict", "there/one", "grey.png")
    assert "made by nets.py:make, of which there/one has no copy, which runs only where you name it" in told
    assert told.endswith("predict there/one grey.png --model nets.py:make")
    with pytest.raises(BadInput, match=r"is gone: put nets\.py there as it was then \(SHA-256 [0-9a-f]{12}…\)"):
        allow_run(copy.parent, read_recipe(copy.parent))
    copy.write_bytes(code + b"#\n")
    with pytest.raises(BadInput, match=r"Nothing of it was run; put nets\.py there as it was then"):
        allow_run(copy.parent, read_recipe(copy.parent))
    assert not canary.exists()
    Path("kept.py").write_bytes(code)
    done = CliRunner().invoke(app, ["predict", "there/one", "grey.png", "--model", "kept.py:make"])
    assert (done.exit_code, canary.exists()) == (0, True)


@pytest.mark.parametrize("kept", [(NAME,), (NAME, NAME.replace(".pth", ".json"))])
def test_a_checkpoint_alone_needs_the_file_to_be_named(kept: tuple[str, ...], canary: Path) -> None:
    for name in kept:
        shutil.copy(Path("there/one") / name, name)
    shutil.move(Path("there/one") / MODEL_NAME, "kept.py")
    for command in (["predict", NAME, "grey.png"], ["export", NAME, "out.safetensors"], ["train", "--from", NAME]):
        done = CliRunner().invoke(app, command)
        assert "or yours with --model FILE.py:make" in str(done.exception)
    assert refusal("train", "--resume", NAME).endswith(f"train --from {NAME}")
    assert not canary.exists()
    done = CliRunner().invoke(app, ["predict", NAME, "grey.png", "--model", "kept.py:make"])
    assert done.exit_code == 0, done.output


def test_a_checkpoint_is_no_run_to_resume(canary: Path) -> None:
    for typed in ("there/one:2", f"there/one/{NAME}"):
        told = refusal("train", "--resume", typed)
        assert "--resume takes a run, not a checkpoint" in told
        assert "train --resume there/one. " in told
        assert told.endswith(f"train --from {typed}")
