"""Job scripts and the unit of the documentation, with stand-ins for SLURM and systemd: each goes on to the end."""

import configparser
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import torch
from pseudo_terminal import PATIENCE_SECONDS as ONE_PROCESS_SECONDS

from tests.faults.several import NUMBER, SMALL, free_port
from tests.faults.trainers import SMALL as SMALLER
from tests.invariants import Evidence, check, journal_lines

DOCS = Path(__file__).parents[2] / "docs"
SRUN = """#!/usr/bin/env bash
# Stands for SLURM's: starts the command on two machines, which are folders here, and passes a signal on.
for machine in first second; do (cd "$machine" && exec "$@" >> "../$machine.output" 2>&1) & started+=($!); done
trap 'kill -TERM "${started[@]}"' TERM
for one in "${started[@]}"; do
    code=0; wait "$one" || code=$?
    while kill -0 "$one" 2> /dev/null; do code=0; wait "$one" || code=$?; done
    [[ $code == 0 ]] || failed=1
done
exit "${failed:-0}"
"""
SCONTROL = """#!/bin/sh
if [ "$1" = requeue ]; then echo "$2" >> requeued; else echo 127.0.0.1; sleep 0.2; echo 127.0.0.2; fi
"""
"""The second machine comes late, as it may: nobody must have gone away after the first."""
JOB = {"SLURM_JOB_ID": "7", "SLURM_NNODES": "2", "SLURM_GPUS_ON_NODE": "2", "SLURM_JOB_NODELIST": "host[1-2]"}
PATIENCE_SECONDS = 3 * ONE_PROCESS_SECONDS
"""A job starts up to six processes, and may have to do so three times over, beside as many of other tests."""
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture
def slurm(tmp_path: Path) -> dict[str, str]:
    """The environment of a job, with stand-ins for what SLURM brings along."""
    (tmp_path / "bin").mkdir()
    ours = f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m cifar_tui "$@"\n'
    for name, content in {"srun": SRUN, "scontrol": SCONTROL, "cifar-tui": ours}.items():
        (tmp_path / "bin" / name).write_text(content)
        (tmp_path / "bin" / name).chmod(0o755)
    plain = {name: value for name, value in os.environ.items() if name not in NUMBER}
    path = os.pathsep.join([str(tmp_path / "bin"), plain["PATH"]])
    ours_alone = {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(DOCS.parent), "PATH": path}
    return {**plain, **JOB, **ours_alone, "PORT": str(free_port())}


@contextmanager
def batch(script: str, *words: str, folder: Path, environment: dict[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    """A job's shell, which runs until the block ends."""
    with (folder / "output").open("ab") as output:
        command = [str(DOCS / script), *words]
        shell = subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        yield shell
    finally:
        for process in psutil.Process(shell.pid).children(recursive=True) if shell.poll() is None else []:
            process.kill()
        shell.kill()
        shell.wait()


def wait_until(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


def count(run: Path, event: str) -> int:
    lines = journal_lines(run) if (run / "journal.jsonl").exists() else []
    return [line["event"] for line in lines].count(event)


def test_a_job_of_one_gpu_is_requeued_until_its_run_has_finished(tmp_path: Path, slurm: dict[str, str]) -> None:
    run, requeued = tmp_path / "runs" / "one", tmp_path / "requeued"
    words = ("slurm-one.sh", "one", *SMALLER, "--epochs")
    for warnings in (1, 2):
        with batch(*words, "30", folder=tmp_path, environment=slurm) as shell:
            steps = count(run, "StepDone")
            wait_until(lambda steps=steps: count(run, "StepDone") > steps + 5)  # type: ignore[misc]
            shell.send_signal(signal.SIGUSR1)
            assert shell.wait(PATIENCE_SECONDS) == 138, (tmp_path / "output").read_text()
        assert requeued.read_text().split() == ["7"] * warnings
    for _ in range(2):
        with batch(*words, "30", folder=tmp_path, environment=slurm) as shell:
            assert shell.wait(PATIENCE_SECONDS) == 0, (tmp_path / "output").read_text()
    with batch("slurm-one.sh", "two", *SMALLER, "--epochs", "0", folder=tmp_path, environment=slurm) as shell:
        assert shell.wait(PATIENCE_SECONDS) == 2
    assert requeued.read_text().split() == ["7"] * 2, "what has finished, or cannot start, is not requeued"
    assert count(run, "RunResumed") == 2
    assert "one has finished its 30 epochs" in (tmp_path / "output").read_text()
    check(run, Evidence(restarted=True))


needs_gloo = pytest.mark.skipif(
    not (torch.distributed.is_available() and torch.distributed.is_gloo_available()), reason="needs gloo"
)


@needs_gloo
@pytest.mark.fault(25)
def test_two_machines_train_one_run_and_outlive_a_lost_process(tmp_path: Path, slurm: dict[str, str]) -> None:
    """Two launchers on loopback, each with two processes."""
    machines = [tmp_path / "first", tmp_path / "second"]
    for folder in machines:
        folder.mkdir()
    with batch("slurm.sh", *SMALL, "--epochs", "12", folder=tmp_path, environment=slurm) as shell:
        run = wait_for_run(machines)
        wait_until(lambda: bool(list(run.glob("state_*.json"))))
        started = psutil.Process(shell.pid).children(recursive=True)
        (last,) = [process for process in started if process.environ().get("RANK") == "3"]
        assert Path(last.cwd()) in machines
        last.kill()
        assert shell.wait(PATIENCE_SECONDS) == 0, [(tmp_path / f"{one.name}.output").read_text() for one in machines]
    events = [line["event"] for line in journal_lines(run)]
    assert events.count("RunResumed") == 1
    assert events[-1] == "RunFinished"
    assert [path.name for path in tmp_path.glob("*/runs")] == ["runs"], "one machine alone has the run"
    assert not (tmp_path / "requeued").exists()
    check(run, Evidence(restarted=True))


@needs_gloo
def test_a_job_of_two_machines_is_requeued_and_goes_on(tmp_path: Path, slurm: dict[str, str]) -> None:
    """Both see one folder, as the script says: another machine may be the first. Each has one process."""
    slurm["SLURM_GPUS_ON_NODE"] = "1"
    machines = [tmp_path / "first", tmp_path / "second"]
    (tmp_path / "runs").mkdir()
    for folder in machines:
        folder.mkdir()
        (folder / "runs").symlink_to(tmp_path / "runs")
    run = tmp_path / "runs" / "job-7"
    outputs = [tmp_path / "first.output", tmp_path / "second.output"]
    with batch("slurm.sh", *SMALL, "--epochs", "12", folder=tmp_path, environment=slurm) as shell:
        wait_until(lambda: count(run, "StepDone") > 5)
        shell.send_signal(signal.SIGUSR1)
        assert shell.wait(PATIENCE_SECONDS) != 0, [one.read_text() for one in outputs]
    assert (tmp_path / "requeued").read_text() == "7\n"
    assert journal_lines(run)[-1]["event"] == "RunStopped"
    for _ in range(2):  # the second has nothing to do on either machine, and does not wait
        again = {**slurm, "PORT": str(free_port())}
        with batch("slurm.sh", *SMALL, "--epochs", "12", folder=tmp_path, environment=again) as shell:
            assert shell.wait(PATIENCE_SECONDS) == 0, [one.read_text() for one in outputs]
    assert (tmp_path / "requeued").read_text() == "7\n"
    (resumed,) = [line for line in journal_lines(run) if line["event"] == "RunResumed"]
    assert resumed["inexact_because"] == ""
    assert count(run, "RunFinished") == 1
    assert any("has finished its 12 epochs" in one.read_text() for one in outputs)
    check(run, Evidence(restarted=True))


def wait_for_run(machines: list[Path]) -> Path:
    found: list[Path] = []

    def there() -> bool:
        found.extend(
            run for run in (machine / "runs" / "job-7" for machine in machines) if (run / "journal.jsonl").exists()
        )
        return bool(found)

    wait_until(there)
    return found[0]


class Service:
    """Stands for systemd: starts a unit's command, and again as the unit says (systemd.service(5))."""

    def __init__(self, unit: Path, name: str, home: Path) -> None:
        parser = configparser.RawConfigParser(interpolation=None)
        parser.optionxform = str  # type: ignore[method-assign,assignment]
        parser.read(unit)
        self._service = dict(parser["Service"])
        assert self._service["Restart"] == "on-failure"
        filled = {key: value.replace("%i", name).replace("%h", str(home)) for key, value in self._service.items()}
        self.command, self.folder = shlex.split(filled["ExecStart"]), filled["WorkingDirectory"]

    def start(self, *words: str) -> "subprocess.Popen[bytes]":
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(DOCS.parent)}
        command = [sys.executable, "-m", "cifar_tui", *self.command[1:], *words]
        return subprocess.Popen(command, cwd=self.folder, env=environment, stdout=subprocess.DEVNULL)

    def starts_again(self, code: int) -> bool:
        """Whether it starts again after this exit code, or the negative of a signal that killed it."""

        def listed(key: str) -> bool:
            names = self._service[key].split()
            return str(code) in names if code >= 0 else signal.Signals(-code).name in names

        if listed("RestartPreventExitStatus"):
            return False
        clean = code in (0, -signal.SIGHUP, -signal.SIGINT, -signal.SIGTERM, -signal.SIGPIPE)
        return listed("RestartForceExitStatus") or not (clean or listed("SuccessExitStatus"))


def test_a_service_resumes_its_run_until_it_has_finished(tmp_path: Path) -> None:
    service = Service(DOCS / "cifar-tui@.service", "one", tmp_path)
    assert service.command[0] == f"{tmp_path}/.local/bin/cifar-tui"
    assert service.command[1:3] == ["train", "--headless"]
    run = tmp_path / "runs" / "one"
    for number in (signal.SIGUSR1, signal.SIGKILL, signal.SIGXCPU):
        process = service.start(*SMALLER, "--epochs", "30")
        steps = count(run, "StepDone")
        wait_until(lambda steps=steps: count(run, "StepDone") > steps + 5)  # type: ignore[misc]
        process.send_signal(number)
        assert service.starts_again(process.wait(PATIENCE_SECONDS))
    process = service.start(*SMALLER, "--epochs", "30")
    assert process.wait(PATIENCE_SECONDS) == 0
    assert not service.starts_again(0)
    assert count(run, "RunResumed") == 3
    check(run, Evidence(restarted=True))
    refused = service.start(*SMALLER, "--epochs", "30", "--seed", "3").wait(PATIENCE_SECONDS)
    assert (refused, service.starts_again(refused)) == (2, False)


@pytest.mark.parametrize(("code", "again"), [(0, False), (1, False), (3, False), (143, False), (138, True), (-9, True)])
def test_a_service_starts_again_after_what_another_start_mends(tmp_path: Path, code: int, again: bool) -> None:
    assert Service(DOCS / "cifar-tui@.service", "one", tmp_path).starts_again(code) is again


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd")
def test_systemd_reads_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / "cifar-tui@one.service"
    text = (DOCS / "cifar-tui@.service").read_text()
    unit.write_text(text.replace("%h/.local/bin/cifar-tui", "/bin/true"))
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)}
    command = ["systemd-analyze", "verify", "--user", "--man=no", str(unit)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if "Failed to initialize manager" in done.stderr:
        pytest.skip("systemd cannot be asked here")
    assert "cifar-tui@one.service" not in done.stderr, done.stderr
    assert done.returncode == 0, done.stderr
