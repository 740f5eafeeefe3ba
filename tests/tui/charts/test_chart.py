import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from cifar_tui.history.series import Points
from cifar_tui.report.ticks import nice_step
from cifar_tui.tui.charts.axes import YAxis
from cifar_tui.tui.charts.canvas import STRAY, Trace, corners, draw
from cifar_tui.tui.charts.scale import Limits, fitted_limits, step_limit, within
from cifar_tui.tui.widgets.rows import Row, bar, cut, fitted

WILD = st.floats(allow_nan=True, allow_infinity=True)


def text(cells: list[list[tuple[str, int]]]) -> list[str]:
    return ["".join(run for run, _ in line) for line in cells]


def test_a_known_curve_has_exactly_these_rows() -> None:
    x = np.arange(0.0, 9.0)
    cells = draw([Trace(Points(x, x), 2)], 12, 4, (0, 8), (0, 8), "braille")
    assert text(cells) == [
        "         ⢀⡠⠄",
        "      ⣀⠤⠊⠁  ",
        "  ⢀⡠⠒⠉      ",
        "⠐⠊⠁         ",
    ]
    assert {style for line in cells for run, style in line if run.strip()} == {2}


@given(st.lists(st.tuples(st.floats(0, 3), st.floats(-40, 40)), min_size=1, max_size=60))
def test_a_line_goes_through_few_points_and_strays_from_none(points: list[tuple[float, float]]) -> None:
    across, up = np.cumsum([gap for gap, _ in points]), np.array([height for _, height in points])
    kept = corners(across.tolist(), up.tolist())
    assert kept == sorted(set(kept))
    assert {0, len(points) - 1} <= set(kept)
    for start, end in itertools.pairwise(kept):
        between = np.interp(across[start:end], across[[start, end]], up[[start, end]])
        straying = np.abs(between - up[start:end])
        assert straying[across[start:end] < across[end]].max(initial=0.0) <= STRAY + 1e-6


def test_a_straight_line_is_drawn_through_its_ends() -> None:
    assert corners([0.0, 1.0, 2.0, 3.5, 4.0], [1.0, 2.0, 3.1, 4.5, 5.0]) == [0, 4]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(WILD, WILD), max_size=40), st.integers(12, 60), st.integers(4, 20))
def test_nothing_that_is_given_to_the_canvas_takes_the_process_down(
    points: list[tuple[float, float]], width: int, height: int
) -> None:
    x, y = np.array([x for x, _ in points]), np.array([y for _, y in points])
    cells = draw([Trace(Points(x, y), 1, dots="●")], width, height, (0, 100), (0, 3), "braille")
    assert [len(row) for row in text(cells)] == [width] * height


def test_a_later_line_takes_its_cells_for_itself_and_shares_them_where_both_should_be_seen() -> None:
    x = np.arange(0.0, 9.0)
    crowd, line = Points(x, x % 2 * 8), Points(x, x * 0 + 4.0)
    alone = draw([Trace(line, 2)], 12, 3, (0, 8), (0, 8), "braille")
    crossed = draw([Trace(crowd, 1), Trace(line, 2)], 12, 3, (0, 8), (0, 8), "braille")
    assert text(crossed)[1] == text(alone)[1], "the crowd's dots are not in the line's cells"
    shared = draw([Trace(line, 1), Trace(line, 2, shares_with=1)], 12, 3, (0, 8), (0, 8), "braille")
    styles = [style for run, style in shared[1] for _ in run]
    assert set(styles) == {1, 2}


def test_what_lies_off_the_scale_draws_no_line_along_the_edge() -> None:
    x = np.arange(0.0, 9.0)
    y = np.array([9.0, 9, 9, 9, 4, 9, 9, 9, 9])
    (top, *_) = text(draw([Trace(Points(x, y), 1)], 18, 4, (0, 8), (0, 8), "braille"))
    assert len(top.strip()) <= 6


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6), st.integers(2, 40))
def test_limits_hold_the_data_use_the_room_and_their_ticks_are_even(low: float, extra: float, rows: int) -> None:
    limits = fitted_limits(low, low + extra, rows)
    slack = limits.tick * 1e-6
    assert limits.low <= low + slack
    assert limits.high >= low + extra - slack
    if rows >= 12 and extra > max(abs(low), 1) * 1e-6:
        assert extra >= 0.6 * (limits.high - limits.low)
    labels, gutter = YAxis(limits, logarithmic=False).labels(rows, 10, lambda value: f"{value:.6g}"[:8])
    labelled = [row for row, label in enumerate(labels) if label.strip()]
    assert all(len(label) == gutter for label in labels)
    assert len({after - before for before, after in itertools.pairwise(labelled)}) <= 1
    assert len(labelled) >= 2 or rows < 4


def test_limits_stay_while_they_serve() -> None:
    before = fitted_limits(0.4, 2.3, 16)
    assert before.serve(0.5, 2.2)
    assert not before.serve(0.5, 0.9)
    assert not before.serve(0.4, 3.1)


@pytest.mark.parametrize(("low", "high"), [(0.02, 0.97), (0.5, 1.0), (0.93, 0.9999), (0.0, 1.0)])
def test_an_axis_of_shares_does_not_go_beyond_what_there_can_be(low: float, high: float) -> None:
    limits = within(fitted_limits(low, high, 16), 0.0, 1.0, 16)
    row = (limits.high - limits.low) / 15
    assert limits.low <= low + 1e-9
    assert high <= limits.high + 1e-9
    assert limits.low >= -1e-9
    assert limits.high < 1 + row or low - row < 0


@pytest.mark.parametrize(("span", "most", "step"), [(2.3, 4, 1), (1.0, 4, 0.25), (100, 5, 20), (0.03, 3, 0.01)])
def test_ticks_are_round(span: float, most: int, step: float) -> None:
    assert nice_step(span, most) == pytest.approx(step)
    assert Limits(0, step * 2, step).ticks() == pytest.approx([0, step, 2 * step])


def test_the_step_axis_ends_a_little_beyond_the_run_or_where_it_goes() -> None:
    limits = [step_limit(step, 2_600) for step in range(2_601)]
    assert limits == sorted(limits)
    assert limits[-1] == 2_600
    assert all(step <= limit <= max(20, step * 1.34) for step, limit in enumerate(limits))
    assert len(set(limits)) < 40, "every new end draws all charts again"
    assert step_limit(1_234, 2_600, live=False) == 1_234, "nothing is to come"


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
