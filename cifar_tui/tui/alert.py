"""Calls a person who looks elsewhere when the run has ended or waits for them."""

from collections.abc import Callable
from typing import Literal

from cifar_tui.history.run_history import RunHistory
from cifar_tui.report import run_summary
from cifar_tui.text import safe_text

Alert = Literal["none", "bell", "osc9", "osc777"]
BELL = "\a"


class Alerter:
    """Sends the terminal one call for every end and every trouble."""

    def __init__(self, alert: Alert, write: Callable[[str], None]) -> None:
        """Call the way a person chose; `write` sends the terminal something that is not shown."""
        self._alert = alert
        self._write = write

    def show(self, history: RunHistory) -> None:
        """Call if the run's new state is one to call for."""
        words = ""
        if history.ending is not None:
            words = run_summary.outcome(history)
        elif history.nonfinite_loss is not None:
            words = f"The loss of step {history.nonfinite_loss.at_step:,} is no number: training waits for an answer."
        if words and self._alert != "none":
            self._write(sequence(self._alert, words))


def sequence(alert: Alert, words: str) -> str:
    """What makes a terminal ring, or show words as a notification (OSC 9, as iTerm2; OSC 777, as urxvt)."""
    plain = safe_text(words).replace(";", ",")
    if alert == "osc9":
        return f"\x1b]9;cifar-tui: {plain}{BELL}"
    if alert == "osc777":
        return f"\x1b]777;notify;cifar-tui;{plain}{BELL}"
    return BELL if alert == "bell" else ""
