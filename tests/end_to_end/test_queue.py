"""A night's worth of runs: a sweep of small ones, with a kill of the queue's process and of a run in the middle."""

import os
import signal
import subprocess
from pathlib import Path

import orjson
import pytest

from cifar_tui.events import EpochDone, RunFinished
from cifar_tui.files.lock_owner import process_here
from cifar_tui.files.run_files import journal_path
from cifar_tui.queue.store import QueueStore, runner_of
from cifar_tui.runs.lock import is_being_trained, trainer_of
from cifar_tui.runs.records.journal import read_events
from tests.program import command, environment, run
from tests.waiting import eventually

RECIPE = [
    *("--data", "synthetic", "--preset", "quick", "--width", "8", "--train-images", "500", "--test-images", "100"),
    *("--batch-size", "25", "--device", "cpu", "--epochs", "4"),
]
RUNS = [f"rates-lr{rate}-seed{seed}" for rate in ("0.05", "0.1") for seed in (0, 1)]


def states(folder: Path) -> dict[str, str]:
    lines = run(folder, "queue", "list", "--json").stdout.splitlines()
    return {job["run"]: job["state"] for job in map(orjson.loads, lines)}


def start_queue(folder: Path, *options: str) -> None:
    done = run(folder, "queue", "run", "--detach", *options)
    assert done.returncode == 0, done.stderr


def queue_process(folder: Path) -> int:
    return process_here(runner_of(QueueStore(folder / "runs")))


def epochs_done(folder: Path, name: str) -> int:
    journal = journal_path(folder / "runs" / name)
    return sum(isinstance(event, EpochDone) for event in read_events(journal)) if journal.exists() else 0


@pytest.mark.slow
def test_a_sweep_survives_kills_and_every_run_is_trained_once(tmp_path: Path) -> None:
    added = run(tmp_path, "queue", "add", *RECIPE, "--lr", "0.05,0.1", "--seed", "0..1", "--sweep", "rates", "--yes")
    assert added.returncode == 0, added.stderr
    assert list(states(tmp_path)) == RUNS
    start_queue(tmp_path)
    eventually(lambda: epochs_done(tmp_path, RUNS[0]) >= 1)
    os.kill(queue_process(tmp_path), signal.SIGKILL)
    eventually(lambda: queue_process(tmp_path) == 0)
    start_queue(tmp_path)
    eventually(lambda: epochs_done(tmp_path, RUNS[1]) >= 1)
    os.kill(process_here(trainer_of(tmp_path / "runs" / RUNS[1])), signal.SIGKILL)
    eventually(lambda: set(states(tmp_path).values()) == {"finished"})
    eventually(lambda: queue_process(tmp_path) == 0)
    for name in RUNS:
        events = list(read_events(journal_path(tmp_path / "runs" / name)))
        assert sum(isinstance(event, RunFinished) for event in events) == 1
        assert (tmp_path / "runs" / name / "tags.txt").read_text() == "rates\n"
    log = (tmp_path / "runs" / ".queue" / "log.txt").read_text()
    assert f"{RUNS[1]} was killed; it resumes from its last state" in log
    assert log.rstrip().endswith("The queue is done.")


@pytest.mark.slow
@pytest.mark.parametrize("on_term", ["finish", "stop"])
def test_a_signal_lets_the_runs_train_on_or_has_them_save_and_wait(tmp_path: Path, on_term: str) -> None:
    long = [*RECIPE[:-1], "500"]
    run(tmp_path, "queue", "add", *long, "--run-name", "one")
    process = subprocess.Popen(
        command("queue", "run", "--on-term", on_term),
        cwd=tmp_path,
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    eventually(lambda: epochs_done(tmp_path, "one") >= 1)
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=120)[0].decode()
    assert process.returncode == 143
    folder = tmp_path / "runs" / "one"
    if on_term == "stop":
        assert "1 run will save and end; its job waits again." in said
        assert not is_being_trained(folder)
        assert states(tmp_path) == {"one": "waiting"}
        return
    assert is_being_trained(folder)
    assert states(tmp_path) == {"one": "running"}
    dropped = run(tmp_path, "queue", "drop", "one")
    assert "Its run saves and ends." in dropped.stdout
    eventually(lambda: not is_being_trained(folder))
