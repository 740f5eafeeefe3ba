"""The surroundings of a command: a terminal that a screen can be drawn on, or a starter that waits for a report."""

import os
import sys

REPORT_TO = "CIFAR_TUI_REPORT_TO"
"""Names, in a detached process's environment, the descriptor on which its starter waits for one report."""


def terminal_fit_for_a_screen() -> bool:
    """Return True if a screen can be drawn: textual draws on stderr, reads stdin, and never ends without a terminal."""
    if not (sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()):
        return False
    if os.environ.get("TERM", "dumb") in ("", "dumb"):
        return False
    # Textual's default of 100 ms, in which an escape may still become an arrow key, is felt on every way back.
    os.environ.setdefault("ESCDELAY", "50")
    return "utf" in (sys.stderr.encoding or "").lower()


def report_descriptor() -> int | None:
    """Return the descriptor to report on, in a process that was started detached; it is not handed on."""
    descriptor = os.environ.pop(REPORT_TO, None)
    return int(descriptor) if descriptor is not None else None
