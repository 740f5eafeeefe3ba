"""Compares checkpoints beside a run that trains: in a process of its own, on the CPU, at low priority.

The process is this module as a program: it prints its events as JSON lines.
"""

import contextlib
import dataclasses
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import orjson

from cifar_tui.checkpoint_events import ComparisonDone, EvaluationFailed
from cifar_tui.control import CancelEvaluation, Request, RequestQueue, Stop
from cifar_tui.errors import CifarTuiError
from cifar_tui.event_records import event_from_record, event_to_record
from cifar_tui.events import Event
from cifar_tui.history.feed import FeedQueue
from cifar_tui.history.run_history import FeedItem
from cifar_tui.jobs.compare import CompareJob
from cifar_tui.runs.compared_checkpoint import ComparedCheckpoint, compared_checkpoint
from cifar_tui.runs.own_code import allow_run, allowed_keys
from cifar_tui.system.invocation import SAFE_PATH

NICENESS = 10
"""Niceness of its process, from 0 to 19: the training goes first."""
NO_WORD = "The comparison ended without a result: its process was killed or crashed. Try again."


class CompareProcess:
    """A comparison in another process, as a connection to it."""

    def __init__(self, weights: Sequence[Path]) -> None:
        self.elsewhere = False
        self.silent_seconds = 0.0
        self.other_user = ""
        self._events: FeedQueue[FeedItem] = FeedQueue()
        self._process = subprocess.Popen(
            [sys.executable, SAFE_PATH, "-m", __name__, ",".join(allowed_keys()), *map(str, weights)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._thread = threading.Thread(target=self._read, name="comparison", daemon=True)
        self._thread.start()

    def poll(self) -> list[FeedItem]:
        """Return every event since the last call, in order; never waits."""
        return self._events.poll()

    @property
    def ended(self) -> bool:
        """True once the process has ended."""
        return not self._thread.is_alive()

    def accepts(self, verb: type[Request]) -> bool:
        """Return True for a request to cancel; it accepts no other."""
        return not self.ended and issubclass(verb, CancelEvaluation | Stop)

    def submit(self, request: Request) -> None:
        """Cancel the comparison: it holds nothing that could be lost."""
        if isinstance(request, CancelEvaluation | Stop):
            self._process.terminate()

    def join(self, seconds: float | None = None) -> bool:
        """Wait for the process, at most so long. Returns whether it has ended."""
        self._thread.join(seconds)
        return self.ended

    def _read(self) -> None:
        result: Event | None = None
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                with contextlib.suppress(ValueError):
                    event = event_from_record(orjson.loads(line))
                    result = event if isinstance(event, ComparisonDone | EvaluationFailed) else result
                    self._events.put(event)
        self._process.wait()
        if result is None:
            self._events.put(EvaluationFailed("", NO_WORD, damaged=False))


def main(allowed: str, weights: Sequence[str]) -> None:
    """Compare, and print every event; `allowed` is what the process that started this one may run."""
    os.nice(NICENESS)
    try:
        compared = [_on_the_processor(compared_checkpoint(Path(one))) for one in weights]
        for one in compared:
            if one.recipe.model is not None and one.recipe.model.key in allowed.split(","):
                allow_run(one.weights.parent, one.recipe)
        job = CompareJob(compared)
        job.run(_print, RequestQueue())
    except CifarTuiError as error:
        _print(EvaluationFailed("", str(error), damaged=False))


def _on_the_processor(compared: ComparedCheckpoint) -> ComparedCheckpoint:
    """Return the same, evaluated where it takes no memory from a run that trains on a GPU."""
    precision = "fp32" if compared.recipe.precision == "fp16" else compared.recipe.precision
    return dataclasses.replace(compared, recipe=dataclasses.replace(compared.recipe, device="cpu", precision=precision))


def _print(event: Event) -> None:
    """Print one line; the program ends where nobody reads it."""
    print(orjson.dumps(event_to_record(event)).decode(), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
