"""Runs are compared by what differs, averaged over seeds, and nothing is averaged or compared silently."""

import csv
import dataclasses
import io
import xml.etree.ElementTree as ET

import pytest

from cifar_tui.errors import BadInput
from cifar_tui.own_model import OwnModel
from cifar_tui.presets import preset
from cifar_tui.recipe import Ancestor
from cifar_tui.report import results_svg, svg
from cifar_tui.report.baseline import find_baseline
from cifar_tui.report.results import Results, compare_runs, with_baseline
from cifar_tui.report.results_plot import MOST_LINES, plot_of
from cifar_tui.report.results_records import results_csv, results_record
from cifar_tui.report.results_text import notes, table_lines, title
from tests.report.made_up_runs import MadeUpRun, made_up, sweep


def heads(results: Results) -> list[str]:
    return table_lines(results)[0].split()


def all_text(results: Results) -> str:
    return "\n".join([title(results), *table_lines(results), *notes(results)])


def test_only_what_differs_is_a_column_and_seeds_are_averaged() -> None:
    results = compare_runs(sweep())
    assert results.fields == ("learning_rate",)
    assert [len(row.accuracy.by_seed) for row in results.rows] == [3, 3, 2]
    row = results.rows[0]
    assert row.accuracy.mean == pytest.approx(0.885)
    assert row.accuracy.deviation == pytest.approx(0.00180278, abs=1e-8)
    assert [row.best for row in results.rows] == [False, True, False]


def test_the_table_of_a_sweep() -> None:
    results = compare_runs(sweep())
    assert title(results) == "3 settings, 9 runs: short on CIFAR-10, 20 epochs; test accuracy after the last epoch"
    assert table_lines(results) == [
        "   lr    seeds  test %        difference              time",
        "   0.05  3      88.50 ± 0.18  -1.10 (-2.28 to +0.08)  20:00",
        "*  0.1   3      89.60 ± 0.36  baseline                20:00",
        "   0.2   2 +1   88.92 ± 0.74  -0.68 (-4.79 to +3.44)  20:00",
    ]
    assert notes(results) == [
        "* Best: lr 0.1, by the mean test accuracy of 3 seeds.",
        "Chosen by the test images, so that this accuracy is a little optimistic.",
        "Difference: in percentage points, to lr 0.1, the preset's own choices, with 95 % intervals (paired t, of runs "
        "with the same seed; Welch's t where the seeds differ).",
        "± is the standard deviation over seeds.",
        "1 run has not finished and is not averaged: lr0.2-s2 (training, epoch 7/20).",
    ]


@pytest.mark.parametrize("state", ["training", "stopped", "failed", "killed", "paused"])
def test_only_a_finished_run_is_averaged(state: str) -> None:
    results = compare_runs([made_up("a", 0.9), made_up("b", 0.1, seed=1, state=state)])
    (row,) = results.rows
    assert row.accuracy.by_seed == {0: 0.9}
    assert [one.name for one in row.unfinished] == ["b"]
    assert f"b ({state}, epoch 20/20)" in all_text(results)


@pytest.mark.parametrize("accuracy", [None, float("nan"), 1e308, -0.5])
def test_a_run_without_an_accuracy_is_counted_and_not_averaged(accuracy: float | None) -> None:
    results = compare_runs([made_up("a", accuracy), made_up("b", 0.9, learning_rate=0.2)])
    assert [(len(row.runs), len(row.unfinished)) for row in results.rows] == [(0, 1), (1, 0)]
    assert table_lines(results)[1].split() == ["0.1", "0", "+1", "–", "–", "–"]
    assert results.baseline is results.rows[1]


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), -float("inf"), 1e308])
def test_a_time_that_is_none_is_not_averaged(seconds: float) -> None:
    results = compare_runs([made_up("a", 0.9, seconds=seconds), made_up("b", 0.9, seed=1, seconds=60.0)])
    assert table_lines(results)[1].endswith("01:00")
    assert compare_runs([made_up("a", 0.9, seconds=seconds)]).rows[0].runs


def test_no_run_that_has_finished_is_no_error() -> None:
    results = compare_runs([made_up("a", None, state="training")])
    assert results.baseline is None
    assert "a (training, epoch 20/20)" in all_text(results)
    assert plot_of(results) is None
    with pytest.raises(BadInput, match="No run has finished yet"):
        results_svg.results_svg(results)


def test_runs_that_repeat_a_seed_are_one_sample() -> None:
    runs = [made_up("a", 0.90), made_up("a-again", 0.92), made_up("b", 0.95, seed=1)]
    (row,) = compare_runs(runs).rows
    assert row.accuracy.by_seed == {0: pytest.approx(0.91), 1: 0.95}
    assert "1 run repeats a seed: it is averaged with the other of that seed, as one." in notes(compare_runs(runs))


def test_devices_folders_and_files_are_no_settings() -> None:
    places = [("cuda:0", "all", "/a"), ("cuda:1", "best+last:2", "/b"), ("cpu", "all", "/c")]
    runs = [made_up(f"s{n}", 0.9, seed=n, device=d, keep=k, data_dir=p) for n, (d, k, p) in enumerate(places)]
    assert [len(row.runs) for row in compare_runs(runs).rows] == [3]


def test_of_several_presets_only_what_none_of_them_says_is_a_column() -> None:
    runs = [made_up(name, 0.9, recipe=preset(name)) for name in ("quick", "short", "max")]
    assert compare_runs(runs).fields == ("preset",)
    assert compare_runs([*runs, made_up("x", 0.9, recipe=preset("quick"), cutout=3)]).fields == ("preset", "cutout")


def test_a_preset_on_other_images_is_still_that_preset() -> None:
    runs = [made_up(name, 0.9, recipe=preset("short").with_data(name)) for name in ("cifar10", "cifar100")]
    assert compare_runs(runs).fields == ("data",)


def test_accuracies_on_other_images_are_not_compared() -> None:
    runs = [made_up(f"{data}-{seed}", 0.9 - 0.3 * (data == "cifar100") + seed / 100, data=data, seed=seed, epochs=e)
            for data in ("cifar10", "cifar100") for seed in (0, 1) for e in (10, 20)]  # fmt: skip
    results = compare_runs(runs)
    assert results.fields == ("data", "epochs")
    assert [row.best for row in results.rows] == [True, False, True, False]
    assert [row.difference is None for row in results.rows] == [False, True, True, True]
    assert results.rows[1].is_baseline
    assert notes(results)[0].startswith("The runs were measured on different images")
    fewer = compare_runs([made_up("a", 0.9), made_up("b", 0.9, test_images=100)])
    assert fewer.differ_in_images


def test_other_networks_are_a_column_and_named() -> None:
    mine = OwnModel(file="nets.py", function="make", sha256="ab" * 32)
    changed = dataclasses.replace(mine, sha256="cd" * 32)
    results = compare_runs([made_up("a", 0.9), made_up("b", 0.9, model=mine), made_up("c", 0.9, model=changed)])
    assert heads(results)[0] == "network"
    for name in ("ResNet-18", "nets.py:make (ababab)", "nets.py:make (cdcdcd)"):
        assert name in all_text(results)
    assert "The runs train different networks" in all_text(results)


def test_a_parent_and_changes_of_the_rate_are_settings() -> None:
    parent = Ancestor(run="one", checkpoint="net_007.pth", sha256="0" * 64, epoch=7)
    results = compare_runs([made_up("a", 0.9), made_up("b", 0.9, parent=parent)])
    assert {"new weights", "one, epoch 7"} <= {line[3:17].strip() for line in table_lines(results)[1:]}
    changed = compare_runs([made_up("a", 0.9), made_up("b", 0.9, rate_changes=((120, 0.5),))])
    assert "×0.5 from step 120" in all_text(changed)


def test_with_images_held_out_these_decide_and_the_test_is_shown_too() -> None:
    runs = [
        made_up("a", 0.90, validation_images=5_000, last_validation=0.91, best_validation=0.92),
        made_up("b", 0.95, validation_images=5_000, learning_rate=0.2, last_validation=0.89, best_validation=0.90),
    ]
    results = compare_runs(runs)
    assert results.measure == "validation"
    assert [row.best for row in results.rows] == [True, False]
    assert heads(results) == ["lr", "seeds", "validation", "%", "test", "%", "difference", "time"]
    assert "the test images had no part in it" in all_text(results)
    mixed = compare_runs([*runs, made_up("c", 0.96)])
    assert (mixed.measure, mixed.mixed) == ("test", True)
    assert "Only some of the runs hold images out" in all_text(mixed)


def test_the_best_epoch_by_the_test_images_is_called_optimistic() -> None:
    results = compare_runs([made_up("a", 0.90, best_accuracy=0.93)], by="best")
    assert results.rows[0].accuracy.mean == 0.93
    assert "epoch" in heads(results)
    assert "The best epoch of each run was chosen by the test images: its accuracy is optimistic." in notes(results)


def test_the_baseline_is_the_presets_own_row_else_the_first_else_what_is_named() -> None:
    assert "to lr 0.1, the preset's own choices" in all_text(compare_runs(sweep()))
    others = [run for run in sweep() if run.recipe.learning_rate != 0.1]
    assert "to lr 0.05, the first row" in all_text(compare_runs(others))
    results = compare_runs(sweep())
    for typed in ("lr0.2-s1", "runs/lr0.2-s1", "runs/lr0.2-s2/", "lr=0.2", "lr=2e-1", "learning-rate=0.2", "--lr=0.20"):
        row = find_baseline(results, typed)
        assert row.recipe.learning_rate == 0.2
    named = with_baseline(results, find_baseline(results, "lr=0.2"))
    assert "to lr 0.2, with 95 % intervals" in all_text(named)
    assert [row.is_baseline for row in named.rows] == [False, False, True]


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("nothing", "is none of these runs. Type a run's name, or a setting as name=value: lr=0.05"),
        ("lr=7", "is none of these settings: lr 0.05; lr 0.1; lr 0.2"),
        ("lr=much", "is none of these settings"),
        ("cutout=3", "do not differ in 'cutout'. They differ in: lr."),
        ("", "is none of these runs"),
        ("\x1b[2J", "is none of these runs"),
    ],
)
def test_a_baseline_that_is_none_is_refused(typed: str, message: str) -> None:
    with pytest.raises(BadInput) as refused:
        find_baseline(compare_runs(sweep()), typed)
    assert message in str(refused.value)
    assert "\x1b" not in str(refused.value)


def test_a_baseline_must_be_one_row_and_have_finished() -> None:
    runs = [made_up("a", 0.9, epochs=5), made_up("b", 0.9, width=32), made_up("c", None, width=16, state="killed")]
    results = compare_runs(runs)
    with pytest.raises(BadInput, match="is several of these settings: epochs 20, width 16; epochs 20, width 32"):
        find_baseline(results, "epochs=20")
    with pytest.raises(BadInput, match="No run of the baseline 'c' has finished"):
        find_baseline(results, "c")


@pytest.mark.parametrize("width", [30, 40, 60, 80, 120])
def test_the_table_fits_and_says_what_it_leaves_out(width: int) -> None:
    runs = [
        made_up(f"r{n}", 0.9, seed=n, learning_rate=0.1 + n, weight_decay=n / 10, momentum=0.5 + n / 10, ema=n / 10)
        for n in range(4)
    ]
    lines = table_lines(compare_runs(runs), width)
    assert max(map(len, lines[:5])) <= width
    assert lines[0].split()[0] == "lr"
    assert "test %" in lines[0]
    assert ("No room for:" in lines[-1]) == (width <= 60)


def rows_of(written: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(written, newline="")))


def test_the_table_for_a_spreadsheet() -> None:
    written = results_csv(compare_runs(sweep()))
    assert written.count("\r\n") == 4 == written.count("\n")
    rows = rows_of(written)
    assert [row["lr"] for row in rows] == ["0.05", "0.1", "0.2"]
    assert [(row["seeds"], row["unfinished"], row["best"], row["baseline"]) for row in rows] == [
        ("3", "0", "0", "0"),
        ("3", "0", "1", "1"),
        ("2", "1", "0", "0"),
    ]
    assert float(rows[0]["accuracy"]) == pytest.approx(0.885)
    assert (rows[0]["method"], rows[1]["difference"], rows[1]["difference_low"]) == ("paired", "", "")


def test_no_text_becomes_a_formula_in_a_spreadsheet() -> None:
    runs = [made_up("a", 0.9, data="/x/=1+1"), made_up("b", 0.9, data='/x/a "b", c')]
    assert [row["data"] for row in rows_of(results_csv(compare_runs(runs)))] == ["'=1+1", 'a "b", c']


def test_the_record_for_scripts() -> None:
    record = results_record(compare_runs(sweep()), ["bad (why)"])
    assert (record["measure"], record["by"], record["fields"]) == ("test", "last", ["learning_rate"])
    rows = record["rows"]
    assert isinstance(rows, list)
    assert rows[2]["unfinished"] == [{"name": "lr0.2-s2", "seed": 2, "state": "training", "epoch": 7}]
    assert [one["seed"] for one in rows[2]["runs"]] == [0, 1]
    assert rows[0]["difference"]["method"] == "paired"
    assert record["unreadable"] == ["bad (why)"]


def test_rates_of_a_decade_have_a_logarithmic_axis_and_other_numbers_do_not() -> None:
    rates = [made_up(f"{rate}", 0.9, learning_rate=rate) for rate in (0.01, 0.1, 1.0)]
    plot = plot_of(compare_runs(rates))
    assert plot is not None
    assert (plot.x_name, plot.x_ticks) == ("lr (log)", ((-2.0, "0.01"), (-1.0, "0.1"), (0.0, "1")))
    narrow = plot_of(compare_runs([*rates[:1], made_up("b", 0.9, learning_rate=0.05)]))
    with_zero = plot_of(compare_runs([made_up("a", 0.9, ema=0.0), made_up("b", 0.9, ema=0.9)]))
    assert narrow is not None
    assert with_zero is not None
    assert (narrow.x_name, with_zero.x_name) == ("lr", "ema")


def test_two_swept_fields_are_one_line_for_each_value_of_the_second() -> None:
    runs = [made_up(f"{a}{b}", 0.9, learning_rate=a, schedule=b) for a in (0.1, 0.2) for b in ("triangle", "cosine")]
    plot = plot_of(compare_runs(runs))
    assert plot is not None
    assert (plot.field, [line.label for line in plot.lines]) == (
        "learning_rate",
        ["schedule cosine", "schedule triangle"],
    )
    assert [len(line.points) for line in plot.lines] == [2, 2]


def test_categories_stand_beside_each_other() -> None:
    plot = plot_of(compare_runs([made_up(a, 0.9, schedule=a) for a in ("triangle", "cosine", "constant")]))
    assert plot is not None
    assert (plot.numbers, plot.x_ticks) == (False, ((0.0, "constant"), (1.0, "cosine"), (2.0, "triangle")))


def test_a_wide_interval_does_not_flatten_the_points() -> None:
    runs = [made_up(f"{rate}{seed}", 0.8 + rate + seed / 100, learning_rate=rate, seed=seed)
            for rate in (0.1, 0.15) for seed in (0, 1)]  # fmt: skip
    plot = plot_of(compare_runs(runs))
    assert plot is not None
    assert plot.lines[0].points[0].half_width is not None
    assert plot.lines[0].points[0].half_width > 0.06
    assert plot.y_range[1] - plot.y_range[0] < 0.15


def elements(drawn: str, kind: str) -> list[ET.Element]:
    return ET.fromstring(drawn).findall(f"{{http://www.w3.org/2000/svg}}{kind}")


def test_the_picture_has_a_dot_for_each_seed_and_an_interval_for_each_mean() -> None:
    drawn = results_svg.results_svg(compare_runs(sweep()))
    assert len(elements(drawn, "circle")) == 8 + 3
    assert len(elements(drawn, "line")) == 3
    assert {"0.05", "0.1", "0.2"} <= {one.text for one in elements(drawn, "text")}


def test_names_in_the_picture_cannot_be_markup() -> None:
    runs = [made_up("a", 0.9, data="/x/<script>&"), made_up("b", 0.9)]
    assert "<script>" not in results_svg.results_svg(compare_runs(runs))


def test_many_lines_are_drawn_up_to_a_number() -> None:
    runs = [made_up(f"{n}{e}", 0.9, epochs=e, cutout=n) for n in range(15) for e in range(1, 20)]
    plot = plot_of(compare_runs(runs))
    assert plot is not None
    assert (len(plot.lines), plot.hidden_lines) == (MOST_LINES, 15 - MOST_LINES)
    assert "3 more lines not drawn" in results_svg.results_svg(compare_runs(runs))


def _luminance(colour: str) -> float:
    shares = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [share / 12.92 if share <= 0.03928 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_its_colours_can_be_read_on_a_white_and_on_a_dark_ground() -> None:
    assert "prefers-color-scheme: dark" in svg.DARK_STYLE
    for ground in ("#ffffff", "#0d1117"):
        for colour in results_svg.COLOURS:
            low, high = sorted((_luminance(ground), _luminance(colour)))
            assert (high + 0.05) / (low + 0.05) >= 3.5, (ground, colour)


def test_a_thousand_runs_of_many_settings_are_compared() -> None:
    runs: list[MadeUpRun] = [
        made_up(f"{n}", 0.5 + n / 4_000, seed=n % 5, learning_rate=n // 5 / 100 + 0.01) for n in range(1_000)
    ]
    results = compare_runs(runs)
    assert len(results.rows) == 200
    assert all(len(row.runs) == 5 for row in results.rows)


def test_the_title_of_runs_of_one_kind_names_its_images() -> None:
    assert title(compare_runs([made_up("one", 0.9)])).startswith("1 setting, 1 run: CIFAR-10, 20 epochs; ")
