"""Alerts a person who looks elsewhere when the run has ended or waits for an answer."""

from collections.abc import Callable
from typing import Literal

from cifar_tui import text
from cifar_tui.history.run_history import RunHistory
from cifar_tui.report import run_summary

Alert = Literal["none", "bell", "osc9", "osc777"]
BELL = "\a"


class Alerter:
    """Sends the terminal one alert for every end and every trouble."""

    def __init__(self, alert: Alert, write: Callable[[str], None]) -> None:
        """Alert in the chosen way; `write` sends the terminal a sequence that is not shown."""
        self._alert = alert
        self._write = write

    def show(self, history: RunHistory) -> None:
        """Send an alert if the run's new state asks for one."""
        message = ""
        if history.ending is not None:
            message = run_summary.outcome(history)
        elif history.nonfinite_loss is not None:
            bad = history.nonfinite_loss
            message = f"The loss of step {bad.at_step:,} is {text.loss(bad.loss)}. Training waits for your answer."
        if message and self._alert != "none":
            self._write(alert_sequence(self._alert, message))


def alert_sequence(alert: Alert, message: str) -> str:
    """Return the bytes that ring the bell, or show a notification (OSC 9, as iTerm2; OSC 777, as urxvt)."""
    plain = text.safe_text(message).replace(";", ",")
    if alert == "osc9":
        return f"\x1b]9;cifar-tui: {plain}{BELL}"
    if alert == "osc777":
        return f"\x1b]777;notify;cifar-tui;{plain}{BELL}"
    return BELL if alert == "bell" else ""
