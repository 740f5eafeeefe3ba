"""Charts draw whenever they are shown: the tests look at what they show, not at when."""

import random
from collections.abc import Callable

import pytest

from cifar_tui.tui.browser.browser import CheckpointBrowser
from cifar_tui.tui.charts import chart
from cifar_tui.tui.dashboard.dashboard import Dashboard
from cifar_tui.tui.dialogs.questions import described
from cifar_tui.tui.evaluation.misclassified import MisclassifiedScreen
from cifar_tui.tui.evaluation.verdict_screen import VerdictScreen


@pytest.fixture(autouse=True)
def _no_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chart, "BUDGET_SHARE", 1e9)


@pytest.fixture(autouse=True)
def _charts_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test waits a second for a chart."""
    monkeypatch.setattr(chart, "LEAST_SECONDS", 0.0)


@pytest.fixture
def press_all() -> Callable[[], list[str]]:
    """Every key a screen has, in an order that differs from screen to screen but not from time to time."""
    names = {
        key
        for screen in (Dashboard, CheckpointBrowser, VerdictScreen, MisclassifiedScreen)
        for binding in described(screen.BINDINGS)
        for key in binding.key.split(",")
        if binding.action not in ("app.leave", "app.detach", "app.command_palette")
    }
    return lambda: random.Random(0).sample(sorted(names), len(names))
