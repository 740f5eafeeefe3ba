import pytest

from cifar_tui.tui.charts.redraw_turns import RedrawTurns
from cifar_tui.tui.intervals import DEFAULT_BUDGET, RedrawBudget


@pytest.mark.parametrize("cost", [0.0001, 0.01, 0.3, 30.0])
def test_charts_rest_within_limits_whatever_they_cost(cost: float) -> None:
    assert DEFAULT_BUDGET.min_seconds <= DEFAULT_BUDGET.seconds_after(cost) <= DEFAULT_BUDGET.max_seconds < 2


def test_all_charts_are_drawn_in_one_turn_and_rest_together() -> None:
    turns = RedrawTurns(RedrawBudget(min_seconds=1e9, max_seconds=1e9))
    with turns.turn():
        for _chart in range(3):
            assert turns.open
            with turns.drawing():
                sum(range(10_000))
    with turns.turn():
        assert not turns.open
