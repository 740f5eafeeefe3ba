"""The status panel: recipe, data, progress and numbers of the run."""

import math
from typing import Literal

from rich.cells import cell_len

from cifar_tui import text
from cifar_tui.checkpoint_events import EvaluationProgressed
from cifar_tui.control import requester_name
from cifar_tui.history.run_history import Note, RunHistory, State
from cifar_tui.report import run_summary
from cifar_tui.tui.intervals import ScreenIntervals
from cifar_tui.tui.widgets.progress_rows import numbers_rows, progress_row, work_row
from cifar_tui.tui.widgets.rows import Row, Rows, bar, cells_of, cut, cut_middle, fitted

Awaited = Literal["pause", "resume", "stop", "stalled", "looking"]
"""Shown beside the state: a request that is not confirmed yet, that no heartbeat arrives, that another user trains."""

BADGES: dict[State, tuple[str, str]] = {
    "starting": ("◌", "Starting"),
    "preparing": ("◌", "Preparing"),
    "training": ("●", "Training"),
    "testing": ("◐", "Testing"),
    "paused": ("‖", "Paused"),
    "stopped": ("■", "Stopped"),
    "finished": ("✓", "Finished"),
    "failed": ("✗", "Failed"),
    "no data": ("✗", "No data"),
}
"""Sign and text of every state: colour is never the only sign."""

AWAITED_TEXT: dict[Awaited, str] = {
    "pause": "Pausing…",
    "resume": "Resuming…",
    "stop": "Stopping…",
    "stalled": "No sign of life",
    "looking": "Looking only",
}
EVALUATION_BAR = 24
LONGER = 0.05
"""The slowest of several processes is named from this share on."""
GAP = "   "
SHORTENED = ((True, 40), (False, 40), (False, 16), (False, 8))
"""Ways to say what is trained, the longest first: with the counts of images, and the ancestor's name in so many."""
LEAST_NAMES = 36
"""Cells for what is trained and the run's name, where the slowest process is named beside them."""
LEAST_NAME, MOST_NAME = 12, 40
"""Cells for the run's name, however little or much room there is."""


class StatusPanel(Rows):
    """Four rows on the run, coloured by its state, with clocks that tick while it works."""

    def __init__(self, intervals: ScreenIntervals, known: RunHistory | None = None) -> None:
        """Show nothing yet; the notes of a `known` history are no news."""
        super().__init__(id="status")
        self._intervals = intervals
        self._state_class = ""
        self._me = requester_name()
        self._history: RunHistory | None = None
        self._awaited: Awaited | None = None
        self._stage: tuple[object, ...] = ()
        self._stage_began = 0.0
        self._note: Note | None = known.notes[-1] if known is not None and known.notes else None
        self._note_came = -math.inf

    def on_mount(self) -> None:
        """Start the clocks."""
        self.set_interval(self._intervals.clock, self._tick)

    def show(self, history: RunHistory, awaited: Awaited | None) -> None:
        """Show a history; `awaited` is a request that the engine has not confirmed yet."""
        state_class = f"-{history.state.replace(' ', '-')}"
        if state_class != self._state_class:
            self.remove_class(self._state_class) if self._state_class else None
            self.add_class(state_class)
            self._state_class = state_class
        now = self._intervals.now()
        work = history.progress.what if history.progress is not None else ""
        stage = (id(history), history.state, history.step, work, history.training is None)
        if stage != self._stage:
            self._stage, self._stage_began = stage, now
        newest = history.notes[-1] if history.notes else None
        if newest is not self._note:
            self._note, self._note_came = newest, now
        self._history, self._awaited = history, awaited
        self._draw()

    def _tick(self) -> None:
        # A screen on which nothing happens sends nothing, for its rows stay the same.
        if self._history is not None and self.size.width:
            self._draw()

    def _draw(self) -> None:
        history, width, now = self._history, self.size.width, self._intervals.now()
        if history is None:
            return
        waited = max(now - self._stage_began, 0.0)
        numbers, more = numbers_rows(history, waited, width)
        news = _news_row(history, waited, width)
        if not news and self._note is not None and now - self._note_came < self._intervals.note:
            news = _warning(run_summary.note_text(self._note), width)
        trains_on = history.state == "training" and history.evaluation is None and self._awaited != "stalled"
        self.set_rows(
            [
                _title_row(history, self._awaited, self._me, width),
                progress_row(history, waited, now, width, ticking=trains_on),
                numbers,
                news or _standing_warning(history, width) or more,
            ]
        )


def _title_row(history: RunHistory, awaited: Awaited | None, me: str, width: int) -> Row:
    sign, word = BADGES[history.state]
    badge: Row = ((f" {sign} {word} ", "badge"),)
    if history.state == "paused" and history.paused_by not in ("", me):
        badge = (*badge, (f" by {text.safe_text(history.paused_by, 20)}", "warn"))
    if awaited is not None and history.live:
        badge = (*badge, (f" {AWAITED_TEXT[awaited]}", "warn"))
    elif slowest := _slowest(history):
        badge = (*badge, (slowest, "warn")) if width - cells_of(badge) - len(slowest) >= LEAST_NAMES else badge
    return (*badge, (GAP, ""), *_names(history, width - cells_of(badge) - len(GAP)))


def _slowest(history: RunHistory) -> str:
    """Return which of several processes holds the others up; empty where none does by much."""
    pace = history.pace if history.state in ("training", "testing") else None
    if pace is None or pace.longer <= LONGER:
        return ""
    return f" slowest rank {pace.slowest}: {text.percent(pace.longer, 0)} longer"


def _names(history: RunHistory, room: int) -> Row:
    """Return what is trained, on which device, in which run: the run's name never goes, and the device goes first."""
    if history.started is None:
        return ()
    recipe = history.started.recipe
    synthetic = recipe.synthetic or (recipe.parent is not None and recipe.parent.synthetic)
    style = "warn" if synthetic else "value"
    name = cut_middle(text.safe_text(history.started.run), MOST_NAME)
    on_what: Row = ((run_summary.on_what(history), "dim"),)
    run: Row = ((f"run {name}", "dim"),)
    trained = ""
    for counts, limit in SHORTENED:
        trained = run_summary.what_is_trained(history, counts=counts, name_limit=limit)
        for pieces in ([((trained, style),), on_what, run], [((trained, style),), run]):
            if cells_of(*pieces) + len(GAP) * (len(pieces) - 1) <= room:
                return fitted([piece for piece in pieces if piece[0][0]], room)
    rest = room - len(GAP) - len("run ")
    beside = rest - cell_len(trained)
    name = cut_middle(name, beside if beside >= LEAST_NAME else max(rest // 2, LEAST_NAME))
    shown = cut(trained, rest - cell_len(name))
    return ((shown, style), (GAP if shown else "", ""), (f"run {name}", "dim"))


def _news_row(history: RunHistory, waited: float, width: int) -> Row:
    """The most important news that stands: an evaluation, a test, or the outcome."""
    evaluation = history.evaluation
    if evaluation is not None:
        done = evaluation.done if isinstance(evaluation, EvaluationProgressed) else 0
        message = f"Evaluating {evaluation.checkpoint}: {done:,} of {evaluation.images:,} images"
        return fitted([((message, "accent"),), bar(done / evaluation.images, EVALUATION_BAR)], width)
    if history.training is not None and history.progress is not None:
        return work_row(history, waited, width)
    if history.ending is not None:
        style = "bad" if history.state in ("failed", "no data") else "good" if history.state == "finished" else "warn"
        return ((cut(run_summary.outcome(history), width), style),)
    return ()


def _standing_warning(history: RunHistory, width: int) -> Row:
    if history.unsaved is not None:
        return _warning(history.unsaved.reason, width)
    if history.finish_after:
        return _warning(f"Stopping after epoch {history.finish_after} (f cancels)", width)
    return ()


def _warning(message: str, width: int) -> Row:
    return ((cut(message, width), "warn"),)
