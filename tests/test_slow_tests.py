"""Slow tests are left out with a sentence, and run where they are asked for."""

import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = "tests/end_to_end"
SLOW = "test_a_signal_ends_it_as_it_ends_any_program"


def collected(*words: str) -> str:
    command = [sys.executable, "-m", "pytest", "--collect-only", "--numprocesses", "0", *words]
    root = Path(__file__).parents[1]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=120, check=False).stdout


def test_a_folder_leaves_them_out_and_says_so() -> None:
    seen = collected(FOLDER)
    assert SLOW not in seen
    assert "test_a_run_is_opened_left_and_deleted" in seen
    assert "slow tests are left out; --all, their file or -k runs them." in seen


@pytest.mark.parametrize(
    "words",
    [
        [f"{FOLDER}/test_all_runs.py"],
        pytest.param([f"{FOLDER}/test_all_runs.py::{SLOW}"], marks=pytest.mark.slow),
        pytest.param([FOLDER, "-k", "signal_ends"], marks=pytest.mark.slow),
        pytest.param([FOLDER, "-m", "slow"], marks=pytest.mark.slow),
        pytest.param([FOLDER, "--all"], marks=pytest.mark.slow),
    ],
    ids=["file", "test", "-k", "-m", "--all"],
)
def test_what_is_asked_for_is_not_left_out(words: list[str]) -> None:
    seen = collected(*words)
    assert SLOW in seen
    assert "left out" not in seen
