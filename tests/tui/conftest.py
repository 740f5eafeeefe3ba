"""Charts draw whenever they are shown: the tests look at what they show, not at when."""

import pytest

from cifar_tui.tui.widgets import chart


@pytest.fixture(autouse=True)
def _no_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chart, "BUDGET_SHARE", 1e9)


@pytest.fixture(autouse=True)
def _charts_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test waits a second for a chart."""
    monkeypatch.setattr(chart, "LEAST_SECONDS", 0.0)
