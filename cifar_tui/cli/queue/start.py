"""Starts a job's run as a detached process of its own, or resumes it."""

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

import orjson

from cifar_tui.cli.detached import start_again
from cifar_tui.errors import BadInput
from cifar_tui.files.run_files import journal_path
from cifar_tui.own_model import OwnModel
from cifar_tui.queue.best import best_run
from cifar_tui.queue.job import Job, train_arguments
from cifar_tui.queue.store import QueueStore
from cifar_tui.runs.own_code import allow_file
from cifar_tui.system.invocation import SAFE_PATH
from cifar_tui.text import safe_text

MOST_BYTES = 100_000
"""Of what a process said, the end is kept."""


class TrainProcess:
    """A process that trains a run; what it says before there is a folder is kept."""

    def __init__(self, process: "subprocess.Popen[bytes]", report: int, output: BinaryIO) -> None:
        """Watch a process, the pipe of its report, and the file that it prints into."""
        self._process = process
        self._report = os.fdopen(report, "rb")
        self._output = output
        self._trouble: str | None = None

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    def poll(self) -> int | None:
        """Return its exit code, negative for the signal that killed it; None while it lives."""
        return self._process.poll()

    def trouble(self) -> str:
        """Return the reason why it did not train: its report, or else the last line that it printed."""
        if self._trouble is None:
            self._trouble = self._read_trouble()
            self._report.close()
            self._output.close()
        return self._trouble

    def _read_trouble(self) -> str:
        os.set_blocking(self._report.fileno(), False)
        with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
            content = self._report.read()
            if content:
                return str(orjson.loads(content).get("trouble", ""))
        self._output.seek(0, os.SEEK_END)
        self._output.seek(max(0, self._output.tell() - MOST_BYTES))
        lines = self._output.read().decode(errors="replace").strip().splitlines()
        return safe_text(lines[-1], 500) if lines else ""


class Starter:
    """Starts the runs of a queue's jobs, with the code that its own command line has named."""

    def __init__(self, store: QueueStore, models: Sequence[str]) -> None:
        """Allow the functions that were typed. Raises BadInput."""
        self._store = store
        self._models: dict[tuple[str, str], str] = {}
        for typed in models:
            own: OwnModel = allow_file(typed)
            self._models[own.function, own.sha256] = str(Path(typed).expanduser().absolute())

    def refusal(self, job: Job) -> str:
        """Return why a job may not be started: its network is made by code that was not named. Empty where it may."""
        if not job.model or self._model_key(job) in self._models:
            return ""
        file = safe_text(job.model, 200)
        return (
            f"{job.run} waits: its network is made by code, which runs only where you name it. Run the queue with "
            f"--model {file}, unchanged since the job was added, or drop the job."
        )

    def start(self, job: Job, environment: Mapping[str, str]) -> TrainProcess:
        """Start a job's run, or resume it. Raises CifarTuiError, OSError."""
        arguments = ["train", *self._arguments(job)]
        output = tempfile.TemporaryFile()  # noqa: SIM115 # open for as long as the process
        if job.gpus or job.processes:
            reader, writer = os.pipe()
            os.close(writer)
            process = subprocess.Popen(
                [sys.executable, SAFE_PATH, "-m", "cifar_tui", *arguments, "--headless"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, **environment},
                start_new_session=True,
            )
        else:
            process, reader = start_again(arguments, environment, output.fileno())
        return TrainProcess(process, reader, output)

    def command(self, job: Job) -> list[str]:
        """Return the command that starts a job's run, resumes it, or ends at once where it has finished."""
        return [sys.executable, SAFE_PATH, "-m", "cifar_tui", "train", *self._arguments(job), "--headless"]

    def _arguments(self, job: Job) -> list[str]:
        """Return the options that start a run, or resume it where it is. Raises BadInput."""
        words = train_arguments(self._named(job), self._store.folder_of(job.run), self._start(job))
        return [*words, "--auto-resume"]

    def _start(self, job: Job) -> str:
        """Return the checkpoint to start from; a run that is there keeps the one it has, whatever is the best now."""
        if not job.sweep:
            return job.start
        if journal_path(self._store.folder_of(job.run)).exists():
            return ""
        return str(best_run(self._store.place, job.sweep).checkpoint)

    def _named(self, job: Job) -> Job:
        """Return the job with its code as it was named to this queue's runner. Raises BadInput."""
        if not job.model:
            return job
        if refusal := self.refusal(job):
            raise BadInput(refusal)
        import dataclasses

        return dataclasses.replace(job, model=self._models[self._model_key(job)])

    def _model_key(self, job: Job) -> tuple[str, str]:
        return job.model.rpartition(":")[2], job.model_sha256
