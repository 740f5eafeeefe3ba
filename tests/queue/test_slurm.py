"""Handing jobs to SLURM, with a stand-in for sbatch that writes down what it was called with."""

import os
import shlex
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from cifar_tui.cli import app
from cifar_tui.cli.commands import load_command
from cifar_tui.events import RunFinished
from cifar_tui.queue.store import QueueStore
from tests import scripted
from tests.run_folders import put_run

SMALL = "--data synthetic --preset quick --width 8"
SBATCH = """#!/bin/sh
for word in "$@"; do printf '%s\\0' "$word" >> "$CALLS/$$"; done
case "$*" in *refused*) echo "sbatch: error: invalid partition" >&2; exit 1;; esac
ls "$CALLS" | wc -l | tr -d ' ' | sed 's/^/100/; s/$/;cluster/'
"""


@pytest.fixture(autouse=True)
def _with_sbatch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    binaries = tmp_path / "bin"
    binaries.mkdir()
    (tmp_path / "calls").mkdir()
    (binaries / "sbatch").write_text(SBATCH)
    (binaries / "sbatch").chmod(0o755)
    monkeypatch.setenv("PATH", f"{binaries}:{os.environ['PATH']}")
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))


def queue(words: str) -> str:
    done = CliRunner().invoke(app, ["queue", *shlex.split(words)])
    return done.output if done.exit_code == 0 else f"{done.output}{done.exception}"


def calls(place: Path) -> dict[str, list[str]]:
    """The words of each call, by the name of its job."""
    found = [path.read_text().split("\0")[:-1] for path in (place / "calls").iterdir()]
    return {next(word for word in words if word.startswith("--job-name="))[11:]: words for words in found}


def states() -> dict[str, tuple[str, str]]:
    jobs = map(orjson.loads, queue("list --json").splitlines())
    return {job["run"]: (job["state"], job["slurm"]) for job in jobs}


def test_every_job_is_handed_over_once_with_the_options_that_were_typed(tmp_path: Path) -> None:
    queue(f"add {SMALL} --lr 0.1,0.2 --sweep rates --yes")
    shown = queue("run --slurm '--gres=gpu:1 --comment=\"two words\"'")
    assert "rates-lr0.1 was handed to SLURM as job 1001." in shown
    words = calls(tmp_path)["rates-lr0.2"]
    assert words[:3] == ["--parsable", "--job-name=rates-lr0.2", "--dependency=singleton"]
    assert "--comment=two words" in words
    assert words[-1].startswith("--wrap=exec ")
    assert states() == {"rates-lr0.1": ("in SLURM", "1001"), "rates-lr0.2": ("in SLURM", "1002")}
    assert "No job waits." in queue("run --slurm ''")
    assert len(list((tmp_path / "calls").iterdir())) == 2


def test_what_slurm_is_to_run_is_a_command_that_trains_the_run(tmp_path: Path) -> None:
    queue(f"add {SMALL} --run-name one --tag night")
    queue("run --slurm ''")
    command = shlex.split(calls(tmp_path)["one"][-1].removeprefix("--wrap=exec "))
    assert command[1:4] == ["-P", "-m", "cifar_tui"]
    context = load_command("train").make_context("train", command[5:])
    assert context.params["run_name"] == "one"
    assert context.params["outf"] == tmp_path / "runs" / "one"
    assert context.params["headless"]
    assert context.params["auto_resume"]


def test_a_job_that_waits_for_others_gets_a_dependency_or_is_left(tmp_path: Path) -> None:
    queue(f"add {SMALL} --seed 0,1 --sweep seeds --yes")
    queue(f"add {SMALL} --run-name after --after seeds-seed1")
    queue("add --run-name final --from best:seeds --epochs 2")
    shown = queue("run --slurm ''")
    assert "1 job left in the queue" in shown
    assert "--dependency=singleton,afterany:1002" in calls(tmp_path)["after"]
    assert states()["final"][0] == "waiting"


def test_a_refusal_is_told_and_what_was_handed_over_before_stays_so(tmp_path: Path) -> None:
    queue(f"add {SMALL} --run-name one")
    assert "sbatch has refused one: sbatch: error: invalid partition" in queue("run --slurm --partition=refused")
    assert states()["one"] == ("waiting", "")
    assert "a quote that does not end" in queue('run --slurm "\'--x"')


def test_a_run_that_slurm_has_finished_is_seen_in_its_folder(tmp_path: Path) -> None:
    queue(f"add {SMALL} --run-name one")
    queue("run --slurm ''")
    put_run(tmp_path / "runs", "one", [*scripted.opening()[1:], *scripted.epochs(1), RunFinished(50, 0.5)])
    assert states()["one"] == ("finished", "1001")
    queue("run --slurm ''")
    (entry,) = QueueStore(tmp_path / "runs").read().in_order()
    assert (entry.state, entry.outcome) == ("ended", "finished")


def test_a_dropped_job_of_slurm_says_how_to_cancel_it() -> None:
    queue(f"add {SMALL} --run-name one")
    queue("run --slurm ''")
    assert "SLURM still has it: scancel 1001" in queue("drop one")
