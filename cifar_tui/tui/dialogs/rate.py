"""The question about another learning rate."""

import math
from collections.abc import Callable

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input, Static

from cifar_tui import text
from cifar_tui.control import ChangeRate
from cifar_tui.tui.dialogs.modal import Modal
from cifar_tui.tui.dialogs.questions import Choice, Question

FOLLOW_SECONDS = 0.5
"""Between two looks at the present rate, which moves with the schedule."""
LARGE_FACTOR = 10.0
"""From this factor on, up or down, a change is repeated before it is applied: it may be a slip."""


class RateQuestion(Modal[ChangeRate | None]):
    """Asks for a learning rate: a number, or a factor like `x0.5`."""

    def __init__(self, rate: Callable[[], float]) -> None:
        """Ask for the rate after the present one, which `rate` returns."""
        super().__init__()
        self._rate = rate

    def compose(self) -> ComposeResult:
        """Lay out the question."""
        with Vertical(classes="dialog"):
            yield Static("Change the learning rate", classes="dialog-title")
            yield Static(self._detail(), id="rate-now", classes="dialog-detail")
            yield Input(placeholder="a rate like 0.05, or x0.5 to halve it", compact=True)
            yield Static("Enter sets it, escape cancels.", id="rate-trouble", markup=False)

    def on_mount(self) -> None:
        """Keep up with the schedule."""
        self.set_interval(FOLLOW_SECONDS, self._follow)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Answer with the rate, or show what is wrong with it."""
        try:
            self.dismiss(parse_rate(event.value))
        except ValueError as error:
            self.query_one("#rate-trouble", Static).update(str(error))

    def _follow(self) -> None:
        self.query_one("#rate-now", Static).update(self._detail())

    def _detail(self) -> str:
        return f"It is {text.rate(self._rate())} now. The change applies from the next step on; the schedule continues."


def large_change_question(now: float, new: float) -> Question | None:
    """Return the question before a rate is changed by more than a factor of ten; None for a smaller change."""
    if 1 / LARGE_FACTOR <= new / now <= LARGE_FACTOR:
        return None
    times = f"{new / now:.3g} times as much" if new > now else f"1/{now / new:.3g} of it"
    return Question(
        f"Set the learning rate to {text.rate(new)}?",
        f"It is {text.rate(now)} now: {text.rate(new)} is {times}.",
        [Choice("n", "Cancel", "primary"), Choice("y", f"Set {text.rate(new)}", "error")],
    )


def parse_rate(entry: str) -> ChangeRate:
    """Parse a rate like `0.05`, or a factor like `x0.5`. Raises ValueError with a sentence for anything else."""
    typed = entry.strip().lower()
    relative = typed[:1] in ("x", "*", "×")
    try:
        rate = float(typed[1:] if relative else typed)
    except ValueError:
        rate = math.nan
    if not (math.isfinite(rate) and rate > 0):
        raise ValueError(f"'{text.safe_text(typed, 20)}' must be a number above 0, like 0.05, or a factor like x0.5.")
    return ChangeRate(rate, relative)
