"""What the shell completes, and that it loads nothing slow for it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cifar_tui.presets import PRESETS, preset
from cifar_tui.runs.folder import RunFolder
from cifar_tui.runs.tags import write_tags
from tests import scripted


def complete(folder: Path, *words: str, shell: str = "complete_bash") -> list[str]:
    """The answers for the last word, as bash or zsh would ask for them."""
    check = "import sys\nsys.argv[0] = 'cifar-tui'\nfrom cifar_tui.cli import main\ntry:\n    main()\nfinally:\n"
    check += "    loaded = {'torch', 'textual', 'plotext', 'numpy'} & set(sys.modules)\n    print(sorted(loaded))"
    asked = {
        "COMP_WORDS": "\n".join(["cifar-tui", *words]),
        "COMP_CWORD": str(len(words)),
        "_TYPER_COMPLETE_ARGS": " ".join(["cifar-tui", *words]),
        "_CIFAR_TUI_COMPLETE": shell,
    }
    done = subprocess.run(
        [sys.executable, "-c", check],
        cwd=folder,
        env={**os.environ, **asked},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    *answers, loaded = done.stdout.splitlines()
    assert (loaded, done.stderr) == ("[]", "")
    return [answer for answer in answers if answer]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("one", "other", "two"):
        RunFolder.create(tmp_path / "runs" / name, name, preset("quick")).close()
    for number in (1, 2, 12):
        scripted.put_checkpoint(tmp_path / "runs" / "two", number)
    return tmp_path


def test_runs_are_completed(folder: Path) -> None:
    for command in ("attach", "pause", "stop"):
        assert sorted(complete(folder, command, "")) == ["one", "other", "two"]
        assert sorted(complete(folder, command, "o")) == ["one", "other"]
    assert complete(folder, "train", "--resume", "tw") == ["two"]


def test_results_complete_tags_and_runs(folder: Path) -> None:
    write_tags(folder / "runs" / "two", ["tonight"])
    assert sorted(complete(folder, "results", "t")) == ["tonight", "two"]


@pytest.mark.slow
def test_checkpoints_are_completed_also_where_a_colon_ends_a_word(folder: Path) -> None:
    for command in (["evaluate"], ["export"], ["compare", "one"], ["train", "--from"]):
        assert complete(folder, *command, "tw") == ["two", "two:12", "two:2", "two:1"]
        assert complete(folder, *command, "two", ":") == ["12", "2", "1"]
        assert complete(folder, *command, "two", ":", "1") == ["12", "1"]
    assert "two:12" in complete(folder, "predict", "two:1", shell="complete_zsh")[0].replace("\\", "")


def test_presets_and_themes_are_completed(folder: Path) -> None:
    assert complete(folder, "train", "--preset", "") == list(PRESETS)
    assert complete(folder, "train", "--theme", "ni") == ["night"]
    assert complete(folder, "train", "--device", "c") == ["cpu", "cuda"]


def test_the_script_of_a_shell_is_shown() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "cifar_tui", "--show-completion", "bash"],
        env={**os.environ, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "COMP_WORDS" in shown.stdout
