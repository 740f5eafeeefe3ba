"""`cifar-tui log`: what happened in a run, for people and for scripts."""

from pathlib import Path

import orjson
import pytest

from cifar_tui.cli.log import log
from cifar_tui.errors import BadInput
from cifar_tui.events import RunFinished
from cifar_tui.files.run_files import journal_path
from tests import scripted
from tests.run_folders import put_live_run, put_run

EVENTS = [*scripted.opening()[1:], *scripted.epochs(2)]


def test_a_run_is_told_as_plain_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = put_run(tmp_path, "one", [*EVENTS, RunFinished(100, 0.5)])
    log(str(run))
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" done")[0] for line in lines if " done: " in line] == ["epoch 1/26", "epoch 2/26"]
    assert lines[-1].startswith("Finished 100 steps")


def test_a_live_run_is_told_as_far_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = put_live_run(tmp_path, "one", EVENTS)
    log(str(run.path))
    run.close()
    assert capsys.readouterr().out.splitlines()[-1] == "saved net_002.pth"


def test_json_is_the_journal(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    run = put_run(tmp_path, "one", EVENTS)
    log(str(run), as_json=True)
    printed = capfdbinary.readouterr().out
    assert printed == journal_path(run).read_bytes()
    assert orjson.loads(printed.splitlines()[-1])["event"] == "CheckpointSaved"


def test_without_a_name_it_is_the_run_that_trains_or_else_the_newest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInput, match="There are no runs"):
        log()
    live = put_live_run(tmp_path / "runs", "one", EVENTS)
    put_run(tmp_path / "runs", "two", [*EVENTS, RunFinished(100, 0.5)])
    log()
    assert "Finished" not in capsys.readouterr().out
    other = put_live_run(tmp_path / "runs", "three", EVENTS)
    with pytest.raises(BadInput, match="2 runs are being trained: name the one you mean"):
        log()
    live.close()
    other.close()
