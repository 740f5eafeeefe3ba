"""Hints name a command that works where the person stands."""

import sys
from pathlib import Path

import pytest

from cifar_tui.system.invocation import command_line


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / ".venv" / "bin"
    folder.mkdir(parents=True)
    script = folder / "cifar-tui"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(sys, "executable", str(folder / "python"))
    return script


def test_on_the_path_it_is_the_name(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(script.parent))
    for called in (str(script), "/x/cifar_tui/__main__.py"):
        monkeypatch.setattr(sys, "argv", [called])
        assert command_line("attach three") == "cifar-tui attach three"


def test_elsewhere_it_is_the_path_that_was_typed(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for called in (".venv/bin/cifar-tui", str(script)):
        monkeypatch.setattr(sys, "argv", [called, "train"])
        assert command_line("runs") == f"{called} runs"


def test_another_program_of_that_name_on_the_path_is_not_named(
    script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other" / "cifar-tui"
    other.parent.mkdir()
    other.write_text("#!/bin/sh\n")
    other.chmod(0o755)
    monkeypatch.setenv("PATH", str(other.parent))
    monkeypatch.setattr(sys, "argv", [str(script)])
    assert command_line() == str(script)


def test_a_module_of_a_python_names_the_script_beside_it(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/x/cifar_tui/__main__.py"])
    assert command_line("runs") == ".venv/bin/cifar-tui runs"
    script.unlink()
    assert command_line("runs") == ".venv/bin/python -m cifar_tui runs"


def test_a_path_with_spaces_is_quoted(script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moved = tmp_path / "my tools" / "cifar-tui"
    moved.parent.mkdir()
    script.rename(moved)
    monkeypatch.setattr(sys, "argv", ["my tools/cifar-tui"])
    assert command_line("runs") == "'my tools/cifar-tui' runs"
