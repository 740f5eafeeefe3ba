"""The command as a person runs it: in a process of its own, without and with a terminal."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from PIL import Image
from pseudo_terminal import PseudoTerminal

from cifar_tui.cli.commands import COMMANDS, load_all, load_command
from cifar_tui.cli.presets import presets
from cifar_tui.cli.queue import QUEUE_COMMANDS
from cifar_tui.presets import PRESETS
from tests.program import command, environment, run

TINY = [
    *("--data", "synthetic", "--preset", "quick", "--width", "8", "--train-images", "200", "--test-images", "100"),
    *("--batch-size", "50", "--device", "cpu"),
]


@pytest.mark.slow
def test_a_headless_run_says_everything_and_leaves_every_file(tmp_path: Path) -> None:
    done = run(tmp_path, "train", *TINY, "--epochs", "2", "--run-name", "one", "--headless")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    for text in ("synthetic images", "epoch 2/2 done", "saved net_002.pth", "Finished 8 steps"):
        assert text in done.stdout
    folder = tmp_path / "runs" / "one"
    names = {path.name for path in folder.iterdir()}
    assert names >= {"journal.jsonl", "recipe.json", "log.txt", "acc.txt", "net_001.pth", "net_001.json", "net_002.pth"}
    lines = (folder / "log.txt").read_text().split("\n")
    assert len(lines) == 9
    assert all(re.fullmatch(r"\d{3}  \d{5} \|Loss: \d+\.\d{3} \| Acc: \d+\.\d{3}% ", line) for line in lines[:-1])
    assert re.fullmatch(r"(EPOCH=\d{3},Accuracy= \d+\.\d{3}%\n){2}", (folder / "acc.txt").read_text())
    assert orjson.loads((folder / "net_001.json").read_bytes())["synthetic"] is True
    resumed = run(tmp_path, "train", "--resume", "one", "--epochs", "3", "--headless")
    assert resumed.returncode == 0, resumed.stderr
    assert (
        "Resumed after step 8, bit-exact. Changed: epochs 2 → 3, the schedule now spans 3 epochs: the rate goes from "
        in resumed.stdout
    )
    assert "epoch 1/" not in resumed.stdout
    lines = (folder / "log.txt").read_text().splitlines()
    assert [int(line.split()[1]) for line in lines] == list(range(1, 13))
    plain = orjson.loads(run(tmp_path, "evaluate", "one", "--json").stdout)
    last = [orjson.loads(line) for line in (folder / "journal.jsonl").read_bytes().splitlines()]
    (third,) = (event for event in last if event["event"] == "EpochDone" and event["epoch"] == 3)
    assert (plain["checkpoint"], plain["accuracy"], plain["tta"]) == ("net_003.pth", third["test_accuracy"], False)
    both = run(tmp_path, "evaluate", str(folder / "net_003.pth"), "--tta")
    assert "each evaluated with its mirror image (flip-TTA)" in both.stdout
    moved = run(tmp_path, "export", "one", "moved.safetensors")
    assert moved.stdout.startswith("Wrote moved.safetensors: net_003.pth, ")
    preset = ("--data", "synthetic", "--preset", "quick", "--device", "cpu", "--json")
    elsewhere = orjson.loads(run(tmp_path, "evaluate", "moved.safetensors", *preset).stdout)
    assert (elsewhere["checkpoint"], elsewhere["images"]) == ("moved.safetensors", 2_000)
    for text in ("top-3 accuracy", "calibration error", "precision    recall        F1", "crescent", "Most confused:"):
        assert text in both.stdout
    kept = orjson.loads((folder / "net_003.verdict.json").read_bytes())
    assert (kept["verdict"]["accuracy"], kept["verdict"]["tta"]) == (plain["accuracy"], False)
    Image.new("RGB", (40, 60), "teal").save(tmp_path / "own.png")
    seen = run(tmp_path, "predict", "one", "own.png", "none.png")
    assert seen.returncode == 1
    assert re.fullmatch(r"own\.png: (\w+ \d+\.\d\d %(, |\n)){3}", seen.stdout)
    assert seen.stderr == "Cannot read none.png: No such file or directory.\n"
    refused = run(tmp_path, "train", "--resume", "one", "--seed", "3", "--headless")
    assert refused.returncode == 2
    assert "--seed cannot change in a run that is resumed" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--preset", "fast"], "There is no preset 'fast'"),
        (["--lr", "-1"], "learning rate must be a number above 0"),
        (["--batch-size", "0"], "batch size must be 1 or more"),
        pytest.param(
            ["--train-images", "10001", "--test-images", "100"],
            "There are only 10,000 training images",
            marks=pytest.mark.slow,
        ),
        (["--data", "nowhere"], "nowhere"),
        (["--precision", "int8"], "--precision cannot be 'int8'"),
        (["--device", "cuda"], "There is no CUDA device here"),
        (["--width", "3"], "multiple of 8"),
        (["--run-name", "../up"], "cannot be a run's name"),
        (["--outf", "full"], "is not empty"),
        (["--resume", "nowhere"], "There is no run 'nowhere'"),
        pytest.param(
            ["--validation-images", "10000", "--train-images", "10000"],
            "leave none to train on",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_bad_input_ends_in_one_sentence(tmp_path: Path, arguments: list[str], sentence: str) -> None:
    import torch

    if "cuda" in arguments and torch.cuda.is_available():
        pytest.skip("there is a CUDA device here")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("mine")
    done = run(tmp_path, "train", "--headless", "--data", "synthetic", *arguments)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert [path.name for path in (tmp_path / "full").iterdir() if path.name != "run.lock"] == ["mine"]
    assert not (tmp_path / "runs").exists() or not any((tmp_path / "runs").iterdir())


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nowhere"], "There is no run 'nowhere'"),
        (["x" * 300], "There is no run 'xxx"),
        (["loose.pth", "--preset", "fast"], "There is no preset 'fast'"),
    ],
)
def test_what_cannot_be_evaluated_is_answered_with_a_sentence(
    tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    (tmp_path / "loose.pth").write_bytes(b"weights")
    done = run(tmp_path, "evaluate", *arguments)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_file_that_is_no_checkpoint_or_wants_to_run_code_ends_in_one_sentence(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    (tmp_path / "loose.pth").write_bytes(b"weights")
    (tmp_path / "hostile.pth").write_bytes(f"cposix\nsystem\n(Vtouch {canary}\ntR.".encode())
    for name, sentence in (
        ("loose.pth", "loose.pth is not a checkpoint: its format is unknown, or it is damaged.\n"),
        ("hostile.pth", "Refused: the file wants to run posix.system. Nothing was executed.\n"),
    ):
        done = run(tmp_path, "evaluate", name)
        assert (done.returncode, done.stdout, done.stderr) == (1, "", sentence)
    assert not canary.exists()


@pytest.mark.slow
def test_without_a_network_the_console_names_the_ways_out(tmp_path: Path) -> None:
    done = run(tmp_path, "train", CIFAR_TUI_CIFAR10_URL="http://127.0.0.1:9/x")
    assert done.returncode == 2
    assert "--data synthetic" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_list_of_commands_says_what_their_help_says() -> None:
    for name, (_module, line) in COMMANDS.items():
        assert load_command(name).help.splitlines()[0] == line
    for name, (_module, line) in QUEUE_COMMANDS.items():
        assert load_command(name, QUEUE_COMMANDS).help.splitlines()[0] == line


def test_presets_are_told_to_scripts(capsys: pytest.CaptureFixture[str]) -> None:
    presets(as_json=True)
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(one["recipe"]["preset"], one["recipe"]["epochs"]) for one in told] == [
        (name, named.recipe.epochs) for name, named in PRESETS.items()
    ]


def test_the_presets_fit_an_ordinary_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    presets()
    shown = capsys.readouterr().out.splitlines()
    assert all(name in "\n".join(shown) for name in PRESETS)
    assert max(map(len, shown)) <= 80


def test_help_and_presets_load_neither_torch_nor_textual() -> None:
    check = "import sys\nfrom cifar_tui.cli import app\n"
    check += "for sys.argv[1:] in {all!r}:\n    try:\n        app()\n    except SystemExit:\n        pass\n"
    check += "    slow = {{'torch', 'textual', 'plotext', 'torchvision', 'numpy'}} & set(sys.modules)\n"
    check += "    print('loaded for', sys.argv[1:], sorted(slow))"
    # `train` forks before it loads anything with threads, numpy first of all; for the others it is time.
    everything = [["--help"], ["presets"], *([*name.split(), "--help"] for name, _ in load_all())]
    done = subprocess.run(
        [sys.executable, "-c", check.format(all=everything)], capture_output=True, text=True, timeout=120, check=True
    )
    loaded = [line for line in done.stdout.splitlines() if line.startswith("loaded for")]
    assert loaded == [f"loaded for {arguments} []" for arguments in everything]


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_saves_and_ends(tmp_path: Path, number: int, code: int) -> None:
    process = subprocess.Popen(
        command("train", *TINY, "--epochs", "500", "--run-name", "one", "--headless"),
        cwd=tmp_path,
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("saved"):
                process.send_signal(number)
                break
        rest = process.stdout.read()
        assert process.wait(120) == code
    assert " after step " in rest


TERMINALS: list[PseudoTerminal] = []


@pytest.fixture(autouse=True)
def _no_program_left_behind() -> Iterator[None]:
    yield
    while TERMINALS:
        TERMINALS.pop().close()


def in_terminal(
    folder: Path, *arguments: str, size: tuple[int, int] = (120, 40), term: str = "xterm-256color", **more: str
) -> PseudoTerminal:
    variables = environment(folder, **more)
    terminal = PseudoTerminal(command(*arguments), size=size, term=term, folder=folder, environment=variables)
    TERMINALS.append(terminal)
    return terminal


def test_a_person_trains_pauses_evaluates_stops_and_leaves(tmp_path: Path) -> None:
    terminal = in_terminal(tmp_path, "train", *TINY, "--epochs", "500", "--run-name", "one")
    terminal.wait_for("best on the test set")
    terminal.press("p")
    assert "run one" in terminal.wait_for("Paused")
    terminal.press("e")
    terminal.wait_for("100 test images in")
    terminal.press("\x1b")
    terminal.wait_for("Learning rate")
    terminal.press("p")
    terminal.wait_for("Training")
    terminal.press("s")
    terminal.wait_for("Stop this run?")
    terminal.press("y")
    terminal.wait_for("Stopped after step")
    terminal.press("e")
    terminal.wait_for("100 test images in")
    terminal.press("r")
    terminal.wait_for("● Training")
    terminal.press("s")
    terminal.wait_for("Stop this run?")
    terminal.press("y")
    terminal.wait_for("Stopped after step")
    terminal.press("q")
    assert terminal.exit_code() == 0
    assert b"Stopped after step" in terminal.raw.rsplit(b"\x1b[?1049l", 1)[1]


@pytest.mark.slow
def test_without_the_data_set_a_person_can_train_on_synthetic_pictures(tmp_path: Path) -> None:
    tiny = ["--width", "8", "--train-images", "200", "--test-images", "100", "--batch-size", "50", "--epochs", "500"]
    terminal = in_terminal(tmp_path, "train", *tiny, size=(80, 24), CIFAR_TUI_CIFAR10_URL="http://127.0.0.1:9/x")
    terminal.wait_for("The data set is not here")
    terminal.press("s")
    terminal.wait_for("● Training")
    assert [path.name.endswith("-synthetic") for path in (tmp_path / "runs").iterdir()] == [True]
    os.kill(terminal.pid, signal.SIGTERM)
    assert terminal.exit_code() == 143


@pytest.mark.slow
def test_a_run_folder_in_use_is_refused_by_a_sentence_on_the_shell(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("mine")
    terminal = in_terminal(tmp_path, "train", *TINY, "--outf", "full")
    assert terminal.exit_code() == 2
    assert b"is not empty" in terminal.raw


@pytest.mark.slow
def test_a_dumb_terminal_gets_plain_lines_and_a_screen_changes_no_bit(tmp_path: Path) -> None:
    dumb = in_terminal(tmp_path, "train", *TINY, "--epochs", "1", "--outf", "dumb", size=(200, 40), term="dumb")
    dumb.wait_for("Finished 4 steps")
    assert dumb.exit_code() == 0
    assert b"\x1b" not in dumb.raw
    screen = in_terminal(tmp_path, "train", *TINY, "--epochs", "1", "--outf", "screen")
    screen.wait_for("Finished 4 steps")
    screen.press("q")
    assert screen.exit_code() == 0
    sidecars = [orjson.loads((tmp_path / name / "net_001.json").read_bytes()) for name in ("dumb", "screen")]
    assert sidecars[0]["sha256"] == sidecars[1]["sha256"]


@pytest.mark.slow
def test_some_hundred_steps_of_the_tutorial_preset_write_the_tutorials_files(tmp_path: Path) -> None:
    """Every line is compared with what the tutorial's own statements print for the losses in the journal."""
    tiny = ["--width", "8", "--train-images", "541", "--test-images", "20", "--batch-size", "9", "--epochs", "2"]
    done = run(tmp_path, "train", "--preset", "tutorial", "--data", "synthetic", *tiny, "--outf", "model", "--headless")
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "model"
    events = [orjson.loads(line) for line in (folder / "journal.jsonl").read_bytes().splitlines()]
    steps = [event for event in events if event["event"] == "StepDone"]
    assert len(steps) == 122
    expected = []
    for epoch in range(2):
        sum_loss, correct, total, length = 0.0, 0.0, 0.0, 61
        for i, step in enumerate(steps[epoch * length : (epoch + 1) * length]):
            sum_loss += step["loss"]
            correct += round(step["accuracy"] * step["images"])
            total += step["images"]
            values = (epoch + 1, (i + 1 + epoch * length), sum_loss / (i + 1), 100.0 * correct / total)
            expected.append("%03d  %05d |Loss: %.03f | Acc: %.3f%% " % values)
    assert (folder / "log.txt").read_text().split("\n")[:-1] == expected
    accuracies = [event["test_accuracy"] for event in events if event["event"] == "EpochDone"]
    assert (folder / "acc.txt").read_text() == "".join(
        "EPOCH=%03d,Accuracy= %.3f%%" % (number, 100.0 * accuracy) + "\n"
        for number, accuracy in enumerate(accuracies, 1)
    )
    assert {step["learning_rate"] for step in steps} == {0.1}
    assert steps[60]["images"] == 1
