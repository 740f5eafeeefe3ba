"""The rows of the header that change all the time. Every number keeps its width, so that nothing jumps."""

import math
from collections.abc import Iterator

from cifar_tui import text
from cifar_tui.history.run_history import RunHistory
from cifar_tui.report import run_summary
from cifar_tui.tui.widgets.rows import Row, Span, bar, cells_of, cut, fitted

MOST_BAR, LEAST_BAR = 24, 4
"""Cells of a progress bar."""
GAP = 3
TIMES, LONG_TIMES = 40, 48
"""Cells for the times of a run of less than an hour, and of a longer one."""
WIDE = 110
"""Columns from which there is always room for the longer: an estimate that wavers around an hour moves nothing."""
LONGEST_LEFT = 1e9
"""Seconds left that are believed."""
NO_LEFT, NO_END = " " * len("12 min left"), " " * len(" · ends 12:00")
"""Room for times that nobody knows yet."""


def progress_row(history: RunHistory, waited: float, now: float, width: int, *, ticking: bool) -> Row:
    """Return epoch, step and times in as much detail as fits; `waited` are the seconds since the last step.

    They count as trained while the clock is `ticking`. `now` is in seconds since 1970.
    """
    if history.training is None or history.started is None:
        return work_row(history, waited, width) if history.live else ()
    elapsed = run_summary.seconds_elapsed(history) + (waited if ticking and history.step else 0.0)
    times = list(_times(history, elapsed, now))
    epochs = history.started.recipe.epochs
    epoch = max(history.epoch, 1)
    in_epoch = (history.step - (epoch - 1) * history.training.steps_per_epoch) / history.training.steps_per_epoch
    in_run = history.step / history.training.total_steps
    epoch_count, step_count = _count("epoch", epoch, epochs), _count("step", history.step, history.training.total_steps)
    longer = width >= WIDE or elapsed + history.seconds_left >= 3_600
    reserved = max(LONG_TIMES if longer else TIMES, cells_of(times[0]))
    cells = (width - cells_of(epoch_count, step_count) - reserved - 2 * GAP - 2 * 7) // 2
    if cells >= LEAST_BAR:
        bars = [_meter(epoch_count, in_epoch, cells), _meter(step_count, in_run, cells)]
        return fitted([*bars, times[0]], width)
    steps_and_share = (*step_count, _share(in_run))
    for steps, shown in [(steps_and_share, one) for one in times[:2]] + [(step_count, one) for one in times]:
        if cells_of(epoch_count, steps, shown) + 2 * GAP <= width:
            return fitted([epoch_count, steps, shown], width)
    return fitted([step_count, times[-1], epoch_count], width)


def _times(history: RunHistory, elapsed: float, now: float) -> Iterator[Row]:
    """Yield the time so far, the time left and the hour of the end, in less and less detail."""
    clock: Row = ((text.clock(elapsed), "value"), (" elapsed", "label"))
    if not history.step:
        clock = ((" " * cells_of(clock), ""),)
    if not history.live:
        yield clock
        return
    left = history.seconds_left
    rest: Row = ((NO_LEFT, ""),)
    ends: Row = ((NO_END, ""),)
    dot: Span = ("   ", "")
    if left < LONGEST_LEFT:
        rest, dot = ((text.rough_duration(left), "value"), (" left", "label")), (" · ", "label")
        if history.state != "paused":  # nobody knows when it goes on
            ends = ((" · ends ", "label"), (text.hour(now + left, now), "value"))
    yield (*clock, dot, *rest, *ends)
    yield (clock[0], dot, *rest, *ends)
    yield (*rest, *ends)
    yield rest


def _count(label: str, done: int, total: int) -> Row:
    value = f"{done:,}/{total:,}"
    return ((f"{label} ", "label"), (f"{value:<{2 * len(f'{total:,}') + 1}}", "value"))


def _meter(count: Row, share: float, cells: int) -> Row:
    return (*count, (" ", ""), *bar(share, min(cells, MOST_BAR)), _share(share))


def _share(share: float) -> Span:
    return (f" {text.percent(share, 0):>5}", "label")


def work_row(history: RunHistory, waited: float, width: int) -> Row:
    """Return what is done beside training, with a bar where its amount is known, and a clock where it is not."""
    progress = history.progress
    if progress is None or not progress.unit:
        message = run_summary.progress_line(progress) if progress is not None else "Loading…"
        seconds = waited + (progress.seconds if progress is not None else 0.0)
        return ((cut(f"{message} {text.clock(seconds)}", width), "value"),)
    line: Row = ((cut(run_summary.progress_line(progress), width), "value"),)
    return fitted([line, bar(progress.done / progress.total, MOST_BAR)] if progress.total else [line], width)


def numbers_rows(history: RunHistory, waited: float, width: int) -> tuple[Row, Row]:
    """Return the numbers of the latest steps, and those that do not fit beside them."""
    step, training = history.last_step, history.training
    if training is None or history.started is None:
        return (), ()
    if step is None:
        waiting = history.state == "training" and history.live
        return (((f"Waiting for the first step… {text.clock(waited)}", "value"),) if waiting else ()), ()
    loss = step.loss if not math.isfinite(step.loss) else history.curves.loss_now.value
    pieces: list[Row] = [
        _number("loss", f"{text.loss(loss):<6}", "value" if math.isfinite(loss) else "bad"),
        _number("accuracy", f"{text.percent(history.curves.accuracy_now.value, 1):<7}"),
        _best(history, "best test" if width >= 70 else "best"),
        _number("rate", f"{text.rate(step.learning_rate):<9}"),
    ]
    if math.isfinite(history.images_per_second):
        pieces.append(((f"{text.throughput(history.images_per_second):<15}", "value"),))
    first = 0
    while first < len(pieces) and cells_of(*pieces[: first + 1]) + GAP * first <= width:
        first += 1
    return fitted(pieces[:first], width), fitted(pieces[first:], width)


def _best(history: RunHistory, label: str) -> Row:
    best = history.best
    epochs = len(str(history.started.recipe.epochs)) if history.started is not None else 0
    if best is None:
        return _number(label, f"{'–':<{14 + epochs}}", "label")
    value = f"{text.percent(best.test_accuracy)} "
    return ((f"{label} ", "label"), (value, "good"), (f"epoch {best.epoch:<{epochs}}", "label"))


def _number(label: str, value: str, style: str = "value") -> Row:
    return ((f"{label} ", "label"), (value, style))
