"""Charts draw whenever they are shown: the tests look at what they show, not at when."""

import random
from collections.abc import Callable

import pytest

from cifar_tui.tui.browser.browser import CheckpointBrowser
from cifar_tui.tui.charts import chart
from cifar_tui.tui.charts.redraw_budget import RedrawBudget
from cifar_tui.tui.dashboard.dashboard import Dashboard
from cifar_tui.tui.dialogs.questions import with_tooltips
from cifar_tui.tui.evaluation.evaluation_screen import EvaluationScreen
from cifar_tui.tui.evaluation.misclassified import MisclassifiedScreen


@pytest.fixture(autouse=True)
def _charts_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test waits for a chart."""
    monkeypatch.setattr(chart, "DEFAULT_BUDGET", RedrawBudget(core_share=1e9, min_seconds=0.0))


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
