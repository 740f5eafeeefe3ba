"""A command gets the event on its standard input, and nothing it does costs more than a bounded time."""

import json
import os
import shlex
from pathlib import Path

import psutil
import pytest

from cifar_tui.notify.command import CommandTarget
from cifar_tui.notify.messenger import notification
from cifar_tui.notify.target import Failure
from tests.waiting import eventually

HOSTILE = "$(touch injected) `touch injected`; touch injected\n'\""
pytestmark = pytest.mark.fault(26)
FAILED = notification("failed", {"run": HOSTILE, "folder": HOSTILE, "sentence": HOSTILE})


def test_a_command_gets_one_line_of_json_and_nothing_of_it_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert CommandTarget("cat > got").deliver(FAILED) is None
    content = (tmp_path / "got").read_text(encoding="utf-8")
    assert content.count("\n") == 1
    assert json.loads(content) == dict(FAILED)
    assert [path.name for path in tmp_path.iterdir()] == ["got"]


def test_a_folder_whose_name_is_no_utf_8_is_told_all_the_same(tmp_path: Path) -> None:
    folder = os.fsdecode(b"/runs/\xff")
    odd = notification("failed", {"run": os.fsdecode(b"\xff"), "folder": folder, "sentence": "It broke."})
    assert CommandTarget(f"cat > {shlex.quote(str(tmp_path / 'got'))}").deliver(odd) is None
    assert json.loads((tmp_path / "got").read_text(encoding="utf-8"))["folder"] == folder


def test_a_command_gets_no_address_and_none_of_what_makes_a_process_part_of_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("CIFAR_TUI_NOTIFY", "CIFAR_TUI_ON_EVENT", "RANK", "TORCHELASTIC_RUN_ID"):
        monkeypatch.setenv(name, "hidden")
    monkeypatch.setenv("KEPT", "kept")
    assert CommandTarget(f"env > {shlex.quote(str(tmp_path / 'got'))}").deliver(FAILED) is None
    content = (tmp_path / "got").read_text(encoding="utf-8")
    assert "hidden" not in content
    assert "KEPT=kept" in content


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("exit 3", "it ended with exit code 3"),
        ("no-such-command-anywhere", "it ended with exit code 127, command not found"),
        ("/etc/passwd", "it ended with exit code 126, it cannot be executed"),
        ("kill -9 $$", "it was killed (SIGKILL)"),
    ],
)
def test_a_command_that_fails_is_named_with_its_reason(command: str, reason: str) -> None:
    assert CommandTarget(command).deliver(FAILED) == Failure(reason, again=False)


@pytest.mark.parametrize("command", ["true", "exec 0<&-; true", "head -c 1 > /dev/null"])
def test_a_command_need_not_read(command: str) -> None:
    long = notification("failed", {"run": "a", "sentence": "b", "folder": "c" * 1_000_000})
    assert CommandTarget(command).deliver(long) is None


@pytest.mark.slow
def test_a_command_that_hangs_is_killed_with_all_it_has_started(tmp_path: Path) -> None:
    pids = shlex.quote(str(tmp_path / "pids"))
    target = CommandTarget(f"sleep 1000 & echo $! > {pids}; echo $$ >> {pids}; wait", seconds=1.0)
    assert target.deliver(FAILED) == Failure("it took longer than 1 s and was killed", again=False)
    started = [int(word) for word in (tmp_path / "pids").read_text().split()]
    assert len(started) == 2
    eventually(lambda: not any(is_running(pid) for pid in started))


def is_running(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@pytest.mark.slow
def test_a_command_that_prints_for_ever_fills_neither_memory_nor_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    before = psutil.Process().memory_info().rss
    target = CommandTarget("yes; yes >&2", seconds=1.0)
    assert target.deliver(FAILED) == Failure("it took longer than 1 s and was killed", again=False)
    assert psutil.Process().memory_info().rss - before < 50_000_000
    assert capfd.readouterr() == ("", "")


def test_ctrl_c_does_not_reach_a_command(tmp_path: Path) -> None:
    assert CommandTarget(f"ps -o pgid= -p $$ > {shlex.quote(str(tmp_path / 'got'))}").deliver(FAILED) is None
    assert int((tmp_path / "got").read_text()) != os.getpgrp()
