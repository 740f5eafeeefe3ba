"""Requests of a script, or of a person on another terminal, to a run that trains elsewhere."""

import os
import re
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import orjson
import pytest
from pseudo_terminal import PATIENCE_SECONDS, PseudoTerminal

from cifar_tui.events import RunFinished
from cifar_tui.files.append_file import LineFile
from cifar_tui.files.run_files import journal_path
from cifar_tui.presets import preset
from cifar_tui.runs.folder import RunFolder
from cifar_tui.runs.records.journal import append_event
from tests import scripted
from tests.faults.trainers import SMALL, trainer
from tests.invariants import Evidence, check, processes_of
from tests.program import command, run_program
from tests.run_folders import put_live_run

pytestmark = pytest.mark.slow


def run_command(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return run_program(*arguments, folder=folder)


def ended_run(folder: Path, name: str, epochs: int) -> None:
    run = RunFolder.create(folder / "runs" / name, name, preset("quick"))
    file = LineFile(journal_path(run.path))
    for event in [
        scripted.started(run.path, run=name),
        *scripted.opening()[1:],
        *scripted.epochs(epochs),
        RunFinished(epochs * 50, 0.5),
    ]:
        append_event(file, event)
    file.close()
    run.close()


def test_a_run_is_paused_saved_resumed_and_stopped_by_commands(tmp_path: Path) -> None:
    run = tmp_path / "runs" / "one"
    (tmp_path / "runs").mkdir()
    with trainer(run) as one:
        one.wait_for_steps(3)
        assert one.process.pid in processes_of(run), "whoever looks for processes that are left would see it"
        paused = re.fullmatch(
            r"one is paused at step ([\d,]+)\.", run_command(tmp_path, "pause").stdout.strip(), re.DOTALL
        )
        assert paused is not None
        at = int(paused.group(1).replace(",", ""))
        again = run_command(tmp_path, "pause", "one")
        assert (again.returncode, again.stdout) == (0, f"one was paused already, at step {at:,}.\n")
        record = orjson.loads(run_command(tmp_path, "pause", "one", "--json").stdout)
        assert (record["run"], record["state"], record["already"], record["step"]) == ("one", "paused", True, at)
        assert run_command(tmp_path, "save", str(run)).stdout in (
            f"one is saved at step {at:,}.\n",
            f"one was saved already, at step {at:,}.\n",
        )
        (seen,) = run_command(tmp_path, "runs", "--json").stdout.splitlines()
        record = orjson.loads(seen)
        assert (record["run"], record["state"], record["step"], record["live"]) == ("one", "paused", at, True)
        assert run_command(tmp_path, "note", "one", "looks good").stdout == f"Noted in one at step {at:,}.\n"
        assert run_command(tmp_path, "note", "one", "").returncode == 2
        one.wait_for(lambda: f"Step {at:,}: looks good (process " in one.printed)
        assert run_command(tmp_path, "resume", "one").returncode == 0
        one.wait_for_steps(at + 3)
        assert run_command(tmp_path, "stop", "one").stdout.startswith("one: Stopped after step ")
        assert one.exit_code() == 0
        assert "Stopped by process " in one.output
    nobody = run_command(tmp_path, "stop", "one")
    assert nobody.returncode == 2
    assert nobody.stderr == "one is not running. To resume it: cifar-tui train --resume one\n"
    check(run, Evidence(restarted=True))


def test_a_run_that_cannot_be_reached_is_named_with_its_process_and_the_way_to_end_it(tmp_path: Path) -> None:
    run = tmp_path / "runs" / "one"
    (tmp_path / "runs").mkdir()
    with tempfile.TemporaryDirectory(prefix="run-") as unsafe:  # short, as a socket's path has to be
        (Path(unsafe) / f"cifar-tui-{os.getuid()}").write_text("not a folder")
        with trainer(run, environment={"XDG_RUNTIME_DIR": "", "TMPDIR": unsafe}) as one:
            one.wait_for_steps(3)
            advice = f"To save and end it: kill {one.process.pid}"
            assert "This run cannot be attached to: " in one.printed
            assert advice in one.printed
            refused = run_command(tmp_path, "pause", "--wait", "2")
            assert refused.returncode == 1
            assert f"kill {one.process.pid} saves and ends it" in refused.stderr
            subprocess.run(["/bin/sh", "-c", f"kill {one.process.pid}"], check=True)
            assert one.exit_code() == 143
    check(run, Evidence(restarted=True))


@pytest.mark.skipif(bool(os.geteuid()), reason="only root can give a run away")
def test_a_run_of_another_user_is_told_from_one_that_is_slow(tmp_path: Path) -> None:
    run = put_live_run(tmp_path / "runs", "one", scripted.opening()[1:])
    lock = run.path / "run.lock"
    lock.write_text("process 5 on another machine\n")
    os.chown(lock, 54321, 54321)
    refused = run_command(tmp_path, "pause", "one", "--wait", "60")
    assert refused.returncode == 1
    assert "one belongs to user 54321 (process 5 on another machine): only user 54321 can do that." in refused.stderr
    run.close()


def test_a_detached_run_says_how_to_find_it_and_a_refused_one_why(tmp_path: Path) -> None:
    arguments = ["train", *SMALL, "--epochs", "5000", "--run-name", "one", "--detach"]
    started = run_command(tmp_path, *arguments)
    assert started.returncode == 0, started.stderr
    assert "To see it: cifar-tui attach one" in started.stdout
    refused = run_command(tmp_path, *arguments)
    assert refused.returncode == 3
    assert "is being trained by process" in refused.stderr
    assert "Stopped after step" in run_command(tmp_path, "stop").stdout
    run, until = tmp_path / "runs" / "one", time.monotonic() + PATIENCE_SECONDS
    while processes_of(run):  # it says that it has stopped, and then ends
        assert time.monotonic() < until
        time.sleep(0.05)
    check(run, Evidence(restarted=True))


def test_runs_are_listed_and_what_a_crash_left_is_tidied_and_nothing_else(tmp_path: Path) -> None:
    ended_run(tmp_path, "old", 3)
    run = tmp_path / "runs" / "killed"
    with trainer(run) as one:
        one.wait_for_steps(12)
        os.kill(one.process.pid, signal.SIGKILL)
        one.exit_code()
    (run / ".writing-net_001.pth-0123").write_bytes(b"half")
    (run / "notes.txt").write_text("mine")
    lines = run_command(tmp_path, "runs").stdout.splitlines()
    assert lines[0].split()[:4] == ["run", "state", "progress", "best"]
    assert any(line.startswith("old ") and "finished  epoch 3/26" in line for line in lines)
    assert any(line.startswith("killed ") and "  killed  " in line for line in lines)
    tidied = run_command(tmp_path, "runs", "--gc").stdout
    assert "deleted runs/killed/.writing-net_001.pth-0123" in tidied
    assert "deleted runs/killed/control.json" in tidied
    assert run_command(tmp_path, "runs", "--gc").stdout == "There is nothing to delete.\n"
    check(run, Evidence(foreign={run / "notes.txt": b"mine"}, restarted=True))


@pytest.mark.parametrize(("typed", "run"), [("\r", "new"), ("1\r", "old")])
def test_without_a_name_a_run_is_chosen_from_a_list(tmp_path: Path, typed: str, run: str) -> None:
    for name in ("old", "new"):
        ended_run(tmp_path, name, 3)
        os.utime(tmp_path / "runs" / name, (0, 1_000 * ["old", "new"].index(name)))
    with PseudoTerminal(command("attach"), size=(120, 30), folder=tmp_path) as terminal:
        terminal.wait_for("Which one [2]")
        assert "  1 old  finished  epoch 3/26" in terminal.text
        terminal.press(typed)
        terminal.wait_for("✓ Finished")
        assert f"run {run}" in terminal.text
        terminal.press("q")
        assert terminal.exit_code() == 0
