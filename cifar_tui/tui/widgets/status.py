"""The status panel: recipe, data, progress and numbers of the run."""

import math
from typing import Literal

from cifar_tui import text
from cifar_tui.checkpoint_events import EvaluationProgressed
from cifar_tui.control import requester_name
from cifar_tui.history.run_history import RunHistory, State
from cifar_tui.report import run_summary
from cifar_tui.tui.widgets.rows import Row, Rows, Span, bar, cut, fitted

Awaited = Literal["pause", "resume", "stop", "stalled"]
"""Shown beside the state: a request that is not confirmed yet, or that no heartbeat arrives."""

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
}
BAR_WIDTH = 24
LABEL_GAP = "   "


class StatusPanel(Rows):
    """Four rows on the run, coloured by its state."""

    def __init__(self) -> None:
        super().__init__(id="status")
        self._state_class = ""
        self._me = requester_name()

    def show(self, history: RunHistory, awaited: Awaited | None) -> None:
        """Show a history; `awaited` is a request that the engine has not confirmed yet."""
        state_class = f"-{history.state.replace(' ', '-')}"
        if state_class != self._state_class:
            self.remove_class(self._state_class) if self._state_class else None
            self.add_class(state_class)
            self._state_class = state_class
        width = self.size.width
        rows = [
            _title_row(history, awaited, self._me, width),
            _progress_row(history, width),
            _numbers_row(history, width),
            _news_row(history, width),
        ]
        self.set_rows(rows)


def _title_row(history: RunHistory, awaited: Awaited | None, me: str, width: int) -> Row:
    sign, word = BADGES[history.state]
    badge: Row = ((f" {sign} {word} ", "badge"),)
    if history.state == "paused" and history.paused_by not in ("", me):
        badge = (*badge, (f" by {text.safe_text(history.paused_by, 20)}", "warn"))
    if awaited is not None and history.live:
        badge = (*badge, (f" {AWAITED_TEXT[awaited]}", "warn"))
    used = sum(len(part) for part, _ in badge) + len(LABEL_GAP)
    pieces: list[Row] = [_recipe_text(history, width - used)]
    if history.training is not None:
        pieces.append(((run_summary.on_what(history), "dim"),))
    if history.started is not None:
        pieces.append(((f"run {text.safe_text(history.started.run, 40)}", "dim"),))
    return (*badge, (LABEL_GAP, ""), *fitted(pieces, width - used))


def _recipe_text(history: RunHistory, width: int) -> Row:
    recipe = history.started.recipe if history.started is not None else None
    synthetic = recipe is not None and (recipe.synthetic or (recipe.parent is not None and recipe.parent.synthetic))
    return ((cut(run_summary.what_is_trained(history), width), "warn" if synthetic else "value"),)


def _progress_row(history: RunHistory, width: int) -> Row:
    training, started = history.training, history.started
    if training is None or started is None:
        return _preparing_row(history, width)
    epochs = started.recipe.epochs
    epoch = max(history.epoch, 1)
    in_epoch = (history.step - (epoch - 1) * training.steps_per_epoch) / training.steps_per_epoch
    pieces = [
        _meter("epoch", f"{epoch}/{epochs}", in_epoch, width),
        _meter("step", f"{history.step:,}/{training.total_steps:,}", history.step / training.total_steps, width),
    ]
    left = history.seconds_left
    if history.live and math.isfinite(left):
        pieces.append(((text.duration(left), "value"), (" left", "label")))
    return fitted(pieces, width)


def _meter(label: str, value: str, share: float, width: int) -> Row:
    cells = BAR_WIDTH if width >= 110 else 12 if width >= 76 else 6
    return ((f"{label} ", "label"), (f"{value} ", "value"), *bar(share, cells), (f" {share:.0%}", "label"))


def _preparing_row(history: RunHistory, width: int) -> Row:
    progress = history.progress
    if progress is None:
        return ()
    line: Span = (run_summary.progress_line(progress), "value")
    if not progress.total or not progress.unit:
        return fitted([(line,)], width)
    return fitted([(line,), bar(progress.done / progress.total, BAR_WIDTH)], width)


def _numbers_row(history: RunHistory, width: int) -> Row:
    step = history.last_step
    if step is None:
        return ()
    loss = step.loss if not math.isfinite(step.loss) else history.curves.loss_now
    accuracy = history.curves.accuracy_now
    pieces: list[Row] = [
        _number("loss", text.loss(loss), "bad" if not math.isfinite(loss) else "value"),
        _number("accuracy", text.percent(accuracy, 1)),
        _number("rate", text.rate(step.learning_rate)),
        ((text.throughput(history.images_per_second), "value"),),
    ]
    if history.best is not None:
        best = f"{text.percent(history.best.test_accuracy)} "
        pieces.append((("best test ", "label"), (best, "good"), (f"epoch {history.best.epoch}", "label")))
    return fitted(pieces, width)


def _number(label: str, value: str, style: str = "value") -> Row:
    return ((f"{label} ", "label"), (value, style))


def _news_row(history: RunHistory, width: int) -> Row:
    """The most important news: an evaluation, a test, the outcome, or the newest note."""
    evaluation = history.evaluation
    if evaluation is not None:
        done = evaluation.done if isinstance(evaluation, EvaluationProgressed) else 0
        message = f"Evaluating {evaluation.checkpoint}, {done:,} of {evaluation.images:,} images"
        return fitted([((message, "accent"),), bar(done / evaluation.images, BAR_WIDTH)], width)
    if history.training is not None and history.progress is not None:
        return _preparing_row(history, width)
    if history.ending is not None:
        style = "bad" if history.state in ("failed", "no data") else "good" if history.state == "finished" else "warn"
        return ((cut(run_summary.outcome(history), width), style),)
    if history.finish_after:
        return ((f"Stops after epoch {history.finish_after}: f calls it off"[:width], "warn"),)
    if history.notes:
        return ((cut(run_summary.note_text(history.notes[-1]), width), "warn"),)
    return ()
