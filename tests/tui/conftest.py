"""The keys of all screens, and a clock that stands still."""

import random
import time
from collections.abc import Callable, Iterator

import pytest

from cifar_tui.tui.browser.browser import CheckpointBrowser
from cifar_tui.tui.dashboard.dashboard import Dashboard
from cifar_tui.tui.dialogs.questions import with_tooltips
from cifar_tui.tui.evaluation.evaluation_screen import EvaluationScreen
from cifar_tui.tui.evaluation.misclassified import MisclassifiedScreen
from tests.tui.drive import SetClock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[SetClock]:
    """A clock in UTC that only a test moves."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield SetClock()
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def press_all() -> Callable[[], list[str]]:
    """Every key a screen has, in an order that differs from screen to screen but not from time to time."""
    names = {
        key
        for screen in (Dashboard, CheckpointBrowser, EvaluationScreen, MisclassifiedScreen)
        for binding in with_tooltips(screen.BINDINGS)
        for key in binding.key.split(",")
        if binding.action not in ("app.leave", "app.detach", "app.command_palette")
    }
    return lambda: random.Random(0).sample(sorted(names), len(names))
