"""The front end without a screen: a run's events as plain lines, for pipes, logs and CI."""

import contextlib
import itertools
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import FrameType
from typing import TextIO, TypeVar

import orjson

from cifar_tui import text
from cifar_tui.checkpoint_events import (
    CheckpointDeleted,
    CheckpointFailed,
    CheckpointSaved,
    ComparisonDone,
    EvaluationDone,
    EvaluationFailed,
    EvaluationProgressed,
)
from cifar_tui.control import SaveNow, SetAttended, Stop
from cifar_tui.events import (
    DataReady,
    EpochDone,
    LossNotFinite,
    NoteAdded,
    Noted,
    Paused,
    Progressed,
    RateChanged,
    Reopened,
    Resumed,
    RolledBack,
    RunResumed,
    RunStarted,
    StepDone,
    TrainingStarted,
)
from cifar_tui.history.run_history import FeedItem, RunHistory
from cifar_tui.jobs.session import RunConnection
from cifar_tui.report import comparison_text, run_summary, verdict_text
from cifar_tui.report.preset_command import preset_command
from cifar_tui.report.run_time import shorter_preset, times_text
from cifar_tui.system.foreground import SAVE_AND_END

POLL_SECONDS = 0.2
"""Time between two polls of the events."""
LINE_SECONDS = 10.0
"""Time between two lines on the training's progress."""
PROGRESS_SECONDS = 2.0
"""Time between two lines on the progress of anything else."""

Handler = Callable[[int, FrameType | None], None] | signal.Handlers


def follow(
    connection: RunConnection, history: RunHistory | None = None, *, resumed: bool = False, because: str = ""
) -> int:
    """Print a run until it ends, from where `history` left it. Returns the exit code.

    The events of a `resumed` run from before it was resumed are not printed. `because` is recorded as the reason why
    nobody watches the run any more.

    Ctrl-C once stops after the step under way and saves; twice saves now; three times leaves at once. SIGTERM and a
    scheduler's warning stop and save, too.
    """
    console = Console(history or RunHistory(), sys.stdout, silent=resumed)
    connection.submit(SetAttended(attended=False, because=because))
    interrupts = Interrupts(connection, console)
    with interrupts.handled():
        for events in poll_until_ended(connection):
            console.show(events)
            console.show_waiting()
    connection.join()
    report_outcome(console.history)
    return run_summary.exit_code(console.history, interrupts.exit_code)


def report_outcome(history: RunHistory) -> None:
    """Print the end of a run: success to the output, trouble to stderr."""
    line = run_summary.outcome(history)
    if line and history.started is not None and run_summary.exit_code(history) == 0:
        line += f" The run is in {history.started.folder}."
    with contextlib.suppress(OSError, ValueError):
        print(line, file=sys.stderr if run_summary.exit_code(history) else sys.stdout, flush=True)


def report_evaluation(
    connection: RunConnection, *, as_json: bool, also: Callable[[EvaluationDone], None] | None = None
) -> int:
    """Print a checkpoint's evaluation once it is there, its progress to stderr meanwhile. Returns the exit code.

    `also` is called with it then.
    """
    report = verdict_text.verdict_record if as_json else _in_width(verdict_text.verdict_lines)
    return _report(connection, EvaluationDone, report, also)


def report_comparison(connection: RunConnection, *, as_json: bool) -> int:
    """Print a comparison once it is there, its progress to stderr meanwhile. Returns the exit code."""
    report = comparison_text.comparison_record if as_json else comparison_text.comparison_lines
    return _report(connection, ComparisonDone, report)


def _in_width(lines: Callable[[EvaluationDone, int | None], list[str]]) -> Callable[[EvaluationDone], list[str]]:
    """Return the same for the width of the terminal; for a pipe or a file, which have none, as wide as it is."""
    return lambda done: lines(done, shutil.get_terminal_size().columns if sys.stdout.isatty() else None)


Result = TypeVar("Result", EvaluationDone, ComparisonDone)


def _report(
    connection: RunConnection,
    kind: type[Result],
    report: Callable[[Result], list[str]] | Callable[[Result], dict[str, object]],
    also: Callable[[Result], None] | None = None,
) -> int:
    """Print an evaluation's result, in lines or as JSON, or why there is none. Returns the exit code."""
    result: Result | None = None
    failure: EvaluationFailed | None = None
    notes: list[str] = []
    progress = Console(RunHistory(), sys.stderr)

    def cancel(_signal: int, _frame: FrameType | None) -> None:
        connection.submit(Stop())

    with handling({signal.SIGINT: cancel, signal.SIGTERM: cancel}):
        for event in itertools.chain.from_iterable(poll_until_ended(connection)):
            if isinstance(event, kind):
                result = event
            elif isinstance(event, EvaluationFailed):
                failure = event
            elif isinstance(event, Noted):
                notes.append(event.text)
                print(event.text, file=sys.stderr)
            elif sys.stderr.isatty():
                progress.show([event])
    if result is None:
        print(failure.reason if failure is not None else "", file=sys.stderr)
        return failure.exit_code if failure is not None else 1
    reported = report(result)
    if isinstance(reported, dict):
        reported["notes"] = notes
    print("\n".join(reported) if isinstance(reported, list) else orjson.dumps(reported).decode())
    if also is not None:
        also(result)
    return 0


def poll_until_ended(
    connection: RunConnection, enough: Callable[[], bool] = lambda: False
) -> Iterator[Sequence[FeedItem]]:
    """Yield the events as they are polled, until the engine has ended, or it is enough, and none is left."""
    while True:
        over = connection.ended or enough()
        yield connection.poll()
        if over:
            return
        time.sleep(POLL_SECONDS)


@contextlib.contextmanager
def handling(handlers: Mapping[signal.Signals, Handler]) -> Iterator[None]:
    """Handle these signals until the block ends."""
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Console:
    """Turns events into lines."""

    def __init__(self, history: RunHistory, output: TextIO, *, silent: bool = False) -> None:
        """Continue `history` and write to `output`; when that is closed, the run continues without it.

        A `silent` console prints no event from before a run was reopened.
        """
        self._silent = silent
        self.history = history
        self._output = output
        self._step_line_at = 0.0
        self._progress_line_at = 0.0
        self._awaited = ""
        self._waiting_since = 0.0
        self._waiting_line_at = 0.0
        self._advised = False

    def show(self, events: Sequence[FeedItem]) -> None:
        """Apply events to the history and print those that are worth a line."""
        for event in events:
            self.history.apply(event)
            if isinstance(event, Reopened):
                self._silent = False
            for line in self._lines(event):
                self.print_line(line)

    def show_waiting(self) -> None:
        """Print now and then what a run waits for before its first step: on a CPU that may take minutes."""
        now, awaited = time.monotonic(), self._now_awaited()
        if awaited != self._awaited:
            self._awaited, self._waiting_since, self._waiting_line_at = awaited, now, now
        if awaited and now >= self._waiting_line_at:
            self._waiting_line_at = now + LINE_SECONDS
            waited = now - self._waiting_since
            self.print_line(f"{awaited}{f' {text.clock(waited)}' if waited >= 1 else ''}")

    def _now_awaited(self) -> str:
        history = self.history
        if self._silent or not history.live or history.last_step is not None:
            return ""
        if history.started is None:
            return "Loading PyTorch…"
        return "Waiting for the first step…" if history.state == "training" else ""

    def print_line(self, line: str) -> None:
        """Print one line."""
        # A closed pipe or terminal costs the lines, never the run.
        with contextlib.suppress(OSError, ValueError):
            print(line, file=self._output, flush=True)

    def _lines(self, event: FeedItem) -> list[str]:
        if self._silent:
            return []
        match event:
            case RunStarted() | Reopened() if self.history.started is not None:
                event = self.history.started
                return [f"Run {event.run} in {event.folder}"]
            case Progressed():
                return self._progress_lines(event)
            case DataReady():
                return [f"Training {run_summary.what_is_trained(self.history)}"]
            case TrainingStarted():
                network = self.history.started.recipe.network if self.history.started is not None else "Network"
                return [f"{network}, {event.parameters:,} parameters, on {event.device}, {event.precision}"]
            case StepDone():
                return self._step_lines()
            case EpochDone() if self.history.started is not None:
                best = self.history.best is event
                return [run_summary.epoch_line(event, self.history.started.recipe.epochs, best)]
            case CheckpointSaved():
                return [f"saved {event.checkpoint}"]
            case CheckpointDeleted():
                return [f"deleted {event.checkpoint}: {event.reason}"]
            case CheckpointFailed() | Noted() | NoteAdded() | RunResumed() | RateChanged() | RolledBack():
                return [run_summary.note_text(event)]
            case EvaluationProgressed():
                share = Progressed(f"Evaluating {event.checkpoint}", event.done, event.images, "images", 0.0)
                return self._progress_lines(share)
            case Paused():
                return [f"Paused at step {event.step:,}{f' by {event.by}' if event.by else ''}."]
            case Resumed():
                return [f"Resumed at step {event.step:,}."]
            case LossNotFinite():
                return [f"The loss of step {event.at_step:,} is {text.loss(event.loss)}."]
        return []

    def _progress_lines(self, progress: Progressed) -> list[str]:
        now = time.monotonic()
        if progress.unit and progress.done != progress.total and now < self._progress_line_at:
            return []
        self._progress_line_at = now + PROGRESS_SECONDS
        return [run_summary.progress_line(progress)]

    def _step_lines(self) -> list[str]:
        now = time.monotonic()
        if now < self._step_line_at:
            return []
        self._step_line_at = now + LINE_SECONDS
        return [run_summary.step_line(self.history), *self._advice()]

    def _advice(self) -> list[str]:
        """Return, once, the preset to take instead of one that takes longer than an evening here."""
        shorter = None if self._advised else shorter_preset(self.history)
        if shorter is None or self.history.started is None:
            return []
        self._advised = True
        recipe = self.history.started.recipe
        if recipe.parent is not None:  # no command combines its weights with another preset
            return [times_text(shorter)]
        return [f"{times_text(shorter)} To train that instead: {preset_command(recipe, shorter.preset)}"]


class Interrupts:
    """Turns signals into requests while a run is followed."""

    def __init__(self, connection: RunConnection, console: Console) -> None:
        """Submit requests to `connection`, and say so on the console."""
        self.exit_code = 0
        self._connection = connection
        self._console = console
        self._count = 0

    @contextlib.contextmanager
    def handled(self) -> Iterator[None]:
        """Handle Ctrl-C and what saves and ends, and ignore a closed terminal, until the block ends."""
        with handling({**dict.fromkeys(SAVE_AND_END, self._terminate), signal.SIGHUP: signal.SIG_IGN}):
            before = signal.signal(signal.SIGINT, self._interrupt)
            try:
                yield
            finally:
                # All is saved by now: one Ctrl-C more could only cut short the last lines.
                signal.signal(signal.SIGINT, signal.SIG_IGN if self._count else before)

    def _interrupt(self, _signal: int, _frame: FrameType | None) -> None:
        self._count += 1
        self.exit_code = 128 + signal.SIGINT
        if self._count == 1:
            self._console.print_line(
                "Stopping after this step, then saving. Ctrl-C again saves now, a third time quits at once."
            )
            self._connection.submit(Stop())
        elif self._count == 2:
            self._console.print_line("Saving now. Ctrl-C again quits at once and keeps what was saved last.")
            self._connection.submit(SaveNow())
        else:
            os._exit(self.exit_code)

    def _terminate(self, number: int, _frame: FrameType | None) -> None:
        self.exit_code = 128 + number
        self._connection.submit(Stop(signal=signal.Signals(number).name))
