import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from cifar_tui.history.series import Points
from cifar_tui.report.ticks import nice_step
from cifar_tui.tui.charts.canvas import Trace, draw
from cifar_tui.tui.charts.scale import Limits, nice_limits, step_limit
from cifar_tui.tui.widgets.rows import Row, bar, cut, fitted

WILD = st.floats(allow_nan=True, allow_infinity=True)


def text(cells: list[list[tuple[str, int]]]) -> list[str]:
    return ["".join(run for run, _ in line) for line in cells]


def test_a_known_curve_has_exactly_these_rows() -> None:
    x = np.arange(0.0, 9.0)
    cells = draw([Trace(Points(x, x), 2)], 12, 4, (0, 8), (0, 8), "braille")
    assert text(cells) == [
        "          ⡠⠄",
        "      ⢀⠤⠒⠉  ",
        "  ⣀⠤⠒⠉⠁     ",
        "⠐⠊          ",
    ]
    assert {style for line in cells for run, style in line if run.strip()} == {2}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(WILD, WILD), max_size=40), st.integers(12, 60), st.integers(4, 20))
def test_nothing_that_is_given_to_the_canvas_takes_the_process_down(
    points: list[tuple[float, float]], width: int, height: int
) -> None:
    x, y = np.array([x for x, _ in points]), np.array([y for _, y in points])
    cells = draw([Trace(Points(x, y), 1, dots="●")], width, height, (0, 100), (0, 3), "braille")
    assert [len(row) for row in text(cells)] == [width] * height


@given(st.floats(0, 1e6), st.floats(0, 1e6), st.integers(2, 10))
def test_limits_hold_the_data_and_their_ends_are_ticks(low: float, extra: float, most: int) -> None:
    limits = nice_limits(low, low + extra, most, None)
    slack = limits.tick * 1e-6
    assert limits.low <= low + slack
    assert limits.high >= low + extra - slack
    assert 2 <= len(limits.ticks()) <= most + 3


def test_limits_stay_while_they_serve() -> None:
    before = nice_limits(0.0, 2.3, 4, None)
    assert nice_limits(0.0, 1.9, 4, before) is before
    assert nice_limits(0.0, 0.4, 4, before) != before
    assert nice_limits(0.0, 3.1, 4, before).high > before.high


@pytest.mark.parametrize(("span", "most", "step"), [(2.3, 4, 1), (1.0, 4, 0.25), (100, 5, 20), (0.03, 3, 0.01)])
def test_ticks_are_round(span: float, most: int, step: float) -> None:
    assert nice_step(span, most) == pytest.approx(step)
    assert Limits(0, step * 2, step).ticks() == pytest.approx([0, step, 2 * step])


def test_the_step_axis_doubles_until_it_is_the_whole_run() -> None:
    limits = [step_limit(step, 2_600) for step in range(2_601)]
    assert limits == sorted(limits)
    assert limits[-1] == 2_600
    assert len(set(limits)) <= 9
    assert all(limit >= step for step, limit in enumerate(limits))


@given(st.floats(-1, 2), st.integers(1, 50))
def test_a_bar_fills_its_width(share: float, width: int) -> None:
    assert sum(len(run) for run, _ in bar(share, width)) == width


def test_what_does_not_fit_is_left_out_whole() -> None:
    pieces: list[Row] = [(("first", ""),), (("much too long to fit", ""),), (("last", ""),)]
    assert "".join(run for run, _ in fitted(pieces, 14)) == "first   last"


@given(st.text(alphabet="ab 中文é…", max_size=30), st.integers(0, 20))
def test_cut_words_fit_their_cells(words: str, width: int) -> None:
    assert cell_len(cut(words, width)) <= width
    assert cut(words, cell_len(words)) == words
