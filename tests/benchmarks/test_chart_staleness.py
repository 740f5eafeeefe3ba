"""The measuring of staleness finds a chart that stands still, on screens that are written here."""

import math
from collections.abc import Callable

import pytest
from chart_staleness import (
    STEPS_PER_EPOCH,
    TITLES,
    ScreenWatch,
    accuracy_at,
    charts_drawn,
    loss_at,
    newest_step,
    panel,
    quantile,
    rate_at,
)
from made_up_runs import STEPS_PER_SECOND

BEGAN = 1_000_000.0
SECONDS = 40
WIDTH = 44
LEGENDS: dict[str, Callable[[int], str]] = {
    "loss": lambda step: f"· batch {loss_at(step):.4g}  ━ smooth light {loss_at(max(step - 40, 0)):.4g}",
    "accuracy": lambda step: f"· batch {100 * accuracy_at(step):.1f} %  ● test 3.0 %",
    "rate": lambda step: f"━ rate {rate_at(step):.3g}",
}


def chart(name: str, curve_step: int, legend_step: int) -> list[str]:
    """A chart of three rows whose curve reaches one step, and whose legend names another."""
    if not curve_step:
        rows, legend = ["", "Waiting for the first step", ""], ""
    else:
        column = curve_step // 100
        rows, legend = ["2", " " * column + "⣀", "1              50       step 100"], f" {LEGENDS[name](legend_step)} "
    return [
        f"╭─ {TITLES[name]} ".ljust(WIDTH + 1, "─") + "╮",
        *(f"│{row.ljust(WIDTH)}│" for row in rows),
        "╰" + legend.rjust(WIDTH, "─") + "╯",
    ]


def frame(step: int, **shown: tuple[int, int]) -> list[str]:
    """A screen after a step; every part that is not named shows it."""
    epochs = shown.get("epochs", (step, step))[0] // STEPS_PER_EPOCH
    parts = {name: chart(name, *shown.get(name, (step, step))) for name in TITLES}
    table = [
        "╭─ Epochs ──────────╮",
        "│ Epoch  Loss       │",
        f"│   {epochs or '–'}    1.4018     │",
        "╰─────────╯".ljust(21),
    ]
    side_by_side = [left + right for left, right in zip(parts["loss"], parts["accuracy"], strict=True)]
    header = f" epoch 1/30 ━━╸── 44%   step {shown.get('header', (step, step))[0]:,}/6,000 ━━╸── 5%"
    return [header, *side_by_side, *parts["rate"], *table]


def watched(shown: Callable[[int], dict[str, tuple[int, int]]]) -> ScreenWatch:
    """Ten looks a second at screens that are drawn once a second, except for the parts that `shown` names."""
    watch = ScreenWatch(BEGAN)
    for look in range(10 * SECONDS):
        now = BEGAN + look / 10
        step = int(now - BEGAN) * STEPS_PER_SECOND
        watch.look(frame(step, **shown(step)), now)
    return watch


def test_charts_that_are_drawn_once_a_second_are_no_older() -> None:
    watch = watched(lambda step: {})
    assert set(watch.parts) == {*TITLES, "header", "epochs"}
    for name, part in watch.parts.items():
        # An epoch ends with a second here, and is in the table at once.
        assert max(part.ages) == pytest.approx(0.0 if name == "epochs" else 0.9, abs=0.1), name


@pytest.mark.parametrize("frozen", TITLES)
def test_a_chart_that_stands_still_from_its_first_drawing_on_is_found(frozen: str) -> None:
    watch = watched(lambda step: {frozen: (min(step, 100), min(step, 100))} if step < 3_400 else {})
    ages = watch.parts[frozen].ages
    assert max(ages) == pytest.approx(33.0, abs=0.3)
    assert quantile(ages, 0.95) > 30
    assert all(max(part.ages) < 1.2 for name, part in watch.parts.items() if name != frozen)


@pytest.mark.parametrize("frozen", TITLES)
def test_a_curve_that_stands_still_below_a_legend_that_moves_is_found(frozen: str) -> None:
    watch = watched(lambda step: {frozen: (min(step, 1_000), step)})
    assert max(watch.parts[frozen].ages) == pytest.approx(SECONDS - 10, abs=0.3)


def test_a_legend_that_stands_still_above_a_curve_that_moves_is_found() -> None:
    watch = watched(lambda step: {"loss": (step, min(step, 1_000))})
    assert max(watch.parts["loss"].ages) == pytest.approx(SECONDS - 10, abs=0.3)


def test_a_chart_that_never_comes_is_as_old_as_the_first_step() -> None:
    watch = watched(lambda step: {"rate": (0, 0)})
    assert max(watch.parts["rate"].ages) == pytest.approx(SECONDS, abs=0.3)


def test_a_header_and_a_table_that_stand_still_are_found() -> None:
    watch = watched(lambda step: {"header": (min(step, 500), 0), "epochs": (min(step, 1_000), 0)})
    assert max(watch.parts["header"].ages) == pytest.approx(SECONDS - 5, abs=0.3)
    # The sixth epoch ends after 12 s, and is never in the table.
    assert max(watch.parts["epochs"].ages) == pytest.approx(SECONDS - 12, abs=0.3)


@pytest.mark.parametrize("name", TITLES)
def test_a_value_names_its_step(name: str) -> None:
    for step in (20, 333, 2_500, 5_990):
        assert math.isclose(newest_step(TITLES[name], LEGENDS[name](step), step), step, abs_tol=8)


def test_a_value_of_the_future_names_no_step() -> None:
    assert newest_step("Loss", LEGENDS["loss"](5_000), 1_000) == 0


def test_a_chart_without_room_is_not_on_the_screen() -> None:
    assert panel(frame(100), "Device") is None
    assert panel(frame(100)[:3], "Loss") is None


def test_charts_are_drawn_when_each_has_a_curve() -> None:
    assert charts_drawn(frame(500))
    assert not charts_drawn(frame(500, accuracy=(0, 0)))
    assert not charts_drawn(["", "nothing yet"])
