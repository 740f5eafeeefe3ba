"""The model file of the documentation through every command, and what happens where nobody names it."""

import os
import re
import signal
import subprocess
from pathlib import Path

import orjson
import pytest
from pseudo_terminal import PseudoTerminal

from cifar_tui.files.run_files import MODEL_NAME, journal_path
from tests.own_networks import CNN, write_model
from tests.program import command, environment, run
from tests.waiting import PATIENCE_SECONDS, eventually

ROOT = Path(__file__).parents[2]
SMALL = (
    *("--data", "synthetic", "--preset", "quick", "--train-images", "200", "--test-images", "100"),
    *("--batch-size", "50", "--device", "cpu", "--epochs", "1"),
)


def documented_model(folder: Path) -> Path:
    (example,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "networks.md").read_text(), re.DOTALL)
    (folder / "nets.py").write_text(example)
    return folder / "nets.py"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_command_works_with_the_documented_file(tmp_path: Path) -> None:
    model = ("--model", f"{documented_model(tmp_path).name}:make")
    done = run(tmp_path, "train", *model, *SMALL, "--run-name", "one", "--headless")
    assert done.returncode == 0, done.stderr
    assert "nets.py:make, 22,154 parameters, on CPU" in done.stdout
    assert (tmp_path / "runs" / "one" / MODEL_NAME).read_bytes() == (tmp_path / "nets.py").read_bytes()
    resumed = run(tmp_path, "train", "--resume", "one", "--epochs", "2", "--headless")
    assert resumed.returncode == 0, resumed.stderr
    result = orjson.loads(run(tmp_path, "evaluate", "one", *model, "--json").stdout)
    assert result["images"] == 100
    copy = ("--model", f"runs/one/{MODEL_NAME}:make")
    assert orjson.loads(run(tmp_path, "evaluate", "one", *copy, "--json").stdout)["accuracy"] == result["accuracy"]
    compared = run(tmp_path, "compare", "one:1", "one:2", *model, "--json")
    assert compared.returncode == 0, compared.stderr
    (tmp_path / "a.png").write_bytes(PNG)
    predicted = run(tmp_path, "predict", "one", "a.png", *model, "--json")
    assert len(orjson.loads(predicted.stdout)["pictures"][0]["probabilities"]) == 10
    assert run(tmp_path, "export", "one", "one.safetensors").returncode == 0
    refused = run(tmp_path, "export", "one", "one.onnx")
    assert (refused.returncode, (tmp_path / "one.onnx").exists()) == (2, False)
    assert f"export one one.onnx --model runs/one/{MODEL_NAME}:make" in refused.stderr
    exported = run(tmp_path, "export", "one", "one.onnx", "--model", "nets.py:make")
    assert "compared in onnxruntime" in exported.stdout, exported.stderr
    again = run(tmp_path, "evaluate", "one.safetensors", *model, "--data", "synthetic", "--json")
    assert again.returncode == 0, again.stderr
    child = run(tmp_path, "train", "--from", "one:1", *model, "--run-name", "two", "--epochs", "1", "--headless")
    assert child.returncode == 0, child.stderr
    assert "quick with nets.py:make from one, epoch 1, on synthetic images" in child.stdout
    (tmp_path / "nets.py").unlink()
    assert run(tmp_path, "train", "--resume", "two", "--epochs", "2", "--headless").returncode == 0


PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c6360f8cfc000000301010018dd8db0"
    "0000000049454e44ae426082"
)
"""An image of one pixel."""


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_nothing_runs_a_file_that_nobody_names(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    write_model(tmp_path, CNN, canary=canary)
    assert run(tmp_path, "train", "--model", "nets.py:make", *SMALL, "--run-name", "one", "--headless").returncode == 0
    canary.unlink()
    (tmp_path / "a.png").write_bytes(PNG)
    for refused in (("evaluate", "one"), ("compare", "one:1", "one:1"), ("predict", "one", "a.png")):
        done = run(tmp_path, *refused)
        assert done.returncode == 2
        assert f"{' '.join(refused)} --model runs/one/model.py:make" in done.stderr
        assert done.stderr.count("\n") == 1
    done = run(tmp_path, "train", "--from", "one:1", "--headless")
    assert done.returncode == 2
    assert "train --from one:1 --model runs/one/model.py:make" in done.stderr
    for harmless in (("export", "one", "own.pth"), ("runs",), ("log", "one"), ("export", "one", "one.csv")):
        assert run(tmp_path, *harmless).returncode == 0
    assert not canary.exists()
    with (tmp_path / "runs" / "one" / MODEL_NAME).open("a") as file:
        file.write("#\n")
    done = run(tmp_path, "train", "--resume", "one", "--epochs", "2", "--headless")
    assert (done.returncode, canary.exists()) == (2, False)
    assert "runs/one/model.py is not the code that this run was trained with" in done.stderr


@pytest.mark.slow
def test_screens_of_a_run_that_has_ended_show_the_command_and_run_nothing(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    write_model(tmp_path, CNN, canary=canary)
    assert run(tmp_path, "train", "--model", "nets.py:make", *SMALL, "--run-name", "one", "--headless").returncode == 0
    canary.unlink()
    with PseudoTerminal(command("attach", "one"), folder=tmp_path, environment=environment(tmp_path)) as terminal:
        terminal.wait_for("Finished")
        terminal.press("c")
        terminal.wait_for("net_001.pth")
        terminal.press("e")
        terminal.wait_for("runs only where")
        terminal.press("q")
    assert not canary.exists()


@pytest.mark.slow
def test_errors_in_a_file_are_its_authors_and_leave_no_folder(tmp_path: Path) -> None:
    (tmp_path / "nets.py").write_text("def make(classes):\n    return classes.width\n")
    for more in (("--headless",), ("--detach",), ("--processes", "2")):
        done = run(tmp_path, "train", "--model", "nets.py:make", *SMALL, *more)
        assert done.returncode == 2
        assert 'File "nets.py", line 2, in make' in done.stderr
        assert done.stderr.endswith("AttributeError: 'int' object has no attribute 'width'\n")
        assert "cifar_tui" not in done.stderr
    assert not (tmp_path / "runs").exists()
    assert run(tmp_path, "train", *SMALL, "--width", "8", "--run-name", "resnet", "--headless").returncode == 0
    done = run(tmp_path, "evaluate", "resnet", "--model", "nets.py:make")
    assert (done.returncode, done.stderr) == (2, "resnet was trained with the ResNet-18: leave --model out.\n")
    done = run(tmp_path, "train", "--model", "nets.py:make", "--width", "8")
    assert (done.returncode, "--width is for the ResNet-18" in done.stderr) == (2, True)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_processes_that_train_together_run_it_and_again_after_one_was_lost(tmp_path: Path) -> None:
    write_model(tmp_path, CNN)
    together = ("--epochs", "300", "--run-name", "one", "--processes", "2", "--headless")
    arguments = command("train", "--model", "nets.py:make", *SMALL, *together)
    folder = tmp_path / "runs" / "one"
    with (tmp_path / "output").open("w") as output:
        launcher = subprocess.Popen(arguments, cwd=tmp_path, env=environment(tmp_path), stdout=output, stderr=output)
    try:
        eventually(lambda: bool(list(folder.glob("state_*.json"))))
        (tmp_path / "nets.py").write_text("raise SystemExit('edited since')\n")
        os.kill(rank(launcher.pid, 1), signal.SIGKILL)
        eventually(lambda: "RunResumed" in journal_path(folder).read_text())
        before = len(list(folder.glob("net_*.json")))
        eventually(lambda: len(list(folder.glob("net_*.json"))) > before + 1)
        launcher.terminate()
        assert launcher.wait(PATIENCE_SECONDS) == 143
    finally:
        launcher.kill()
        launcher.wait()
    last = max(folder.glob("net_???.json")).stem.removeprefix("net_")
    more = ("--epochs", str(int(last) + 2), "--processes", "2", "--headless")
    resumed = run(tmp_path, "train", "--resume", "one", *more)
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr


def rank(launcher: int, number: int) -> int:
    """The process of a rank that a launcher has started."""
    for child in map(int, Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split()):
        if f"RANK={number}".encode() in Path(f"/proc/{child}/environ").read_bytes().split(b"\0"):
            return child
    raise AssertionError(f"there is no rank {number}")
