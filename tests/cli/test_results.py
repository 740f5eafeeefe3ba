"""`cifar-tui results`: which runs it takes, and what it prints of them."""

import dataclasses
import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cifar_tui.cli import app
from cifar_tui.cli import results as results_module
from cifar_tui.errors import BadInput
from cifar_tui.files.run_files import recipe_path
from cifar_tui.presets import preset
from cifar_tui.runs.tags import write_tags
from tests.run_folders import put_result

SHORT = dataclasses.replace(preset("short"), epochs=2)
NOISE = (-0.002, 0.0005, 0.0015)


def put_sweep(place: Path, tag: str = "night") -> None:
    """Two rates, two decays and three seeds, of which one run was killed."""
    for number, (rate, decay) in enumerate([(0.05, 1e-3), (0.05, 5e-4), (0.1, 1e-3), (0.1, 5e-4)]):
        for seed in range(3):
            recipe = dataclasses.replace(SHORT, learning_rate=rate, weight_decay=decay, seed=seed)
            accuracy = 0.88 + number / 300 + NOISE[(seed + number) % 3] * (1 + number / 2)
            name = f"r{number}-s{seed}"
            write_tags(put_result(place, name, accuracy, recipe, finished=name != "r3-s2"), [tag])


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "runs"


def results(*words: str) -> Result:
    done = CliRunner().invoke(app, ["results", *words])
    assert done.exit_code == 0, done.output or done.exception
    return done


def refusal(*words: str) -> str:
    done = CliRunner().invoke(app, ["results", *words])
    assert isinstance(done.exception, BadInput), done.output
    assert not done.stdout
    return str(done.exception)


def printed_at(monkeypatch: pytest.MonkeyPatch, columns: int, *words: str) -> str:
    monkeypatch.setattr(results_module, "terminal_columns", lambda: columns)
    return results(*words).stdout


TABLE = """\

   lr    weight decay  seeds  test %        difference              time
   0.05  0.0005        3      88.33 ± 0.27  -0.33 (-1.70 to +1.03)  01:50
   0.05  0.001         3      88.00 ± 0.18  -0.67 (-1.85 to +0.52)  01:50
*  0.1   0.0005        2 +1   88.81 ± 0.44  +0.15 (-1.56 to +1.85)  01:50
   0.1   0.001         3      88.67 ± 0.36  baseline                01:50

* Best: lr 0.1, weight decay 0.0005, by the mean test accuracy of 2 seeds.
Chosen by the test images, so that this accuracy is a little optimistic.
"""
AT_120 = f"""\
4 settings, 12 runs: short on CIFAR-10, 2 epochs; test accuracy after the last epoch
{TABLE}\
Difference: in percentage points, to lr 0.1, weight decay 0.001, the preset's own choices, with 95 % intervals (paired
t, of runs with the same seed; Welch's t where the seeds differ).
± is the standard deviation over seeds.
1 run has not finished and is not averaged: r3-s2 (killed, epoch 2/2).
"""
AT_80 = f"""\
4 settings, 12 runs: short on CIFAR-10, 2 epochs; test accuracy after the last
epoch
{TABLE}\
Difference: in percentage points, to lr 0.1, weight decay 0.001, the preset's
own choices, with 95 % intervals (paired t, of runs with the same seed; Welch's
t where the seeds differ).
± is the standard deviation over seeds.
1 run has not finished and is not averaged: r3-s2 (killed, epoch 2/2).
"""
AT_60 = """\
   lr    weight decay  seeds  test %        time
   0.05  0.0005        3      88.33 ± 0.27  01:50
   0.05  0.001         3      88.00 ± 0.18  01:50
*  0.1   0.0005        2 +1   88.81 ± 0.44  01:50
   0.1   0.001         3      88.67 ± 0.36  01:50
No room for: difference. A wider terminal or a pipe has them.
"""


def test_the_table_of_a_sweep_at_120_columns(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_sweep(place)
    assert printed_at(monkeypatch, 120) == AT_120


def test_the_table_of_a_sweep_at_80_columns(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_sweep(place)
    assert printed_at(monkeypatch, 80) == AT_80


def test_what_has_no_room_is_left_out_and_named(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_sweep(place)
    assert AT_60 in printed_at(monkeypatch, 60)


def runs_in(done: Result) -> set[str]:
    rows = json.loads(done.stdout)["rows"]
    return {one["name"] for row in rows for one in (*row["runs"], *row["unfinished"])}


def test_runs_are_named_by_name_folder_folder_of_runs_or_tag(place: Path, tmp_path: Path) -> None:
    put_result(place, "one", 0.9, SHORT)
    write_tags(put_result(place, "two", 0.9, dataclasses.replace(SHORT, seed=1)), ["night", "wide"])
    put_result(tmp_path / "elsewhere", "three", 0.9, dataclasses.replace(SHORT, seed=2))
    assert runs_in(results("--json")) == {"one", "two"}
    assert runs_in(results("one", "--json")) == {"one"}
    assert runs_in(results("night", "--json")) == {"two"}
    assert runs_in(results("elsewhere", "--json")) == {"three"}
    assert runs_in(results("elsewhere/three", "runs/one", "--json")) == {"one", "three"}
    assert runs_in(results("night", "wide", "two", "runs/two", "--json")) == {"two"}
    assert len(json.loads(results("night", "two", "--json").stdout)["rows"][0]["runs"]) == 1


def test_a_name_that_is_nothing_is_refused_with_what_there_is(place: Path, tmp_path: Path) -> None:
    write_tags(put_result(place, "one", 0.9, SHORT), ["night"])
    refused = refusal(
        "nigth",
    )
    assert "nor a run of that name, and no run with that tag." in refused
    assert "Tags there: night." in refused
    (tmp_path / "empty").mkdir()
    assert "There are no runs in" in refusal("empty")
    assert "is no run, folder or tag: File name too long." in refusal("x" * 5_000)


def test_only_runs_that_a_filter_describes_are_compared(place: Path) -> None:
    put_sweep(place)
    assert runs_in(results("--where", "lr=0.1 seed<2", "--json")) == {"r2-s0", "r2-s1", "r3-s0", "r3-s1"}
    assert runs_in(results("night", "--where", "state=killed", "--json")) == {"r3-s2"}
    assert "No run matches --where 'lr=7'." in refusal("--where", "lr=7")
    assert "is no term of a filter" in refusal("--where", "nonsense")


def test_without_any_run_it_says_how_to_start_one(place: Path) -> None:
    assert "There are no runs to compare." in refusal()


def test_a_run_that_cannot_be_read_is_named_and_the_others_are_compared(place: Path) -> None:
    put_result(place, "one", 0.9, SHORT)
    recipe_path(put_result(place, "bad", 0.1, SHORT)).write_text("{")
    done = results()
    assert "1 run cannot be read: bad (The recipe in" in done.stderr
    assert "1 setting, 1 run" in done.stdout
    (unreadable,) = json.loads(results("--json").stdout)["unreadable"]
    assert unreadable.startswith("bad (")


def test_a_folder_whose_name_is_no_text_is_compared_too(place: Path) -> None:
    put_result(place, "one", 0.9, SHORT).rename(place / os.fsdecode(b"\xffone"))
    put_result(place, "two", 0.9, SHORT, finished=False).rename(place / os.fsdecode(b"two\xff"))
    assert runs_in(results("--json")) == {"\ufffdone", "two\ufffd"}
    assert "two\ufffd (killed" in results().stdout


def test_a_journal_cut_in_the_middle_of_a_line_is_a_run_that_has_not_finished(place: Path) -> None:
    folder = put_result(place, "one", 0.9, SHORT)
    journal = folder / "journal.jsonl"
    journal.write_bytes(journal.read_bytes()[:-20])
    assert "1 run has not finished and is not averaged: one (killed, epoch 2/2)." in results().stdout


def test_the_best_epoch_and_the_time_come_from_the_journal(place: Path) -> None:
    put_result(place, "one", 0.9, SHORT)
    (row,) = json.loads(results("--by", "best", "--json").stdout)["rows"]
    assert row["runs"][0]["epoch"] == 2
    assert row["seconds"] > 0
    assert "--by cannot be 'worst'" in refusal(
        "--by",
        "worst",
    )


def test_images_held_out_decide(place: Path) -> None:
    recipe = dataclasses.replace(SHORT, validation_images=1_000)
    put_result(place, "one", 0.90, recipe, validation=0.95)
    put_result(place, "two", 0.95, dataclasses.replace(recipe, learning_rate=0.2), validation=0.90)
    rows = json.loads(results("--json").stdout)["rows"]
    assert [(row["accuracy"]["mean"], row["test_accuracy"]["mean"], row["best"]) for row in rows] == [
        (0.95, 0.90, True),
        (0.90, 0.95, False),
    ]


def test_a_spreadsheet_gets_numbers_and_line_ends_of_its_own(place: Path) -> None:
    put_sweep(place)
    written = results("--csv").stdout_bytes
    assert written.count(b"\r\n") == written.count(b"\n") == 5
    assert written.startswith(b"lr,weight_decay,seeds,unfinished,accuracy,")
    assert "choose one" in refusal(
        "--csv",
        "--json",
    )


def test_a_picture_is_written_and_replaces_no_file_unasked(place: Path, tmp_path: Path) -> None:
    put_sweep(place)
    assert "Wrote curve.svg." in results("--svg", "curve.svg").stderr
    assert "<svg" in (tmp_path / "curve.svg").read_text()
    (tmp_path / "curve.svg").write_text("mine")
    assert "curve.svg exists already. Use --force to replace it." in refusal(
        "--svg",
        "curve.svg",
    )
    assert (tmp_path / "curve.svg").read_text() == "mine"
    assert json.loads(results("--svg", "curve.svg", "--force", "--json").stdout)["fields"] == [
        "learning_rate",
        "weight_decay",
    ]
    assert "<svg" in (tmp_path / "curve.svg").read_text()
    assert "ends in .svg" in refusal(
        "--svg",
        "runs.md",
    )
    assert "There is no folder" in refusal(
        "--svg",
        "nowhere/a.svg",
    )


def test_a_picture_of_nothing_finished_is_refused_and_leaves_no_file(place: Path, tmp_path: Path) -> None:
    put_result(place, "one", 0.9, SHORT, finished=False)
    assert "No run has finished yet" in refusal(
        "--svg",
        "curve.svg",
    )
    assert not (tmp_path / "curve.svg").exists()


def test_another_baseline(place: Path) -> None:
    put_sweep(place)
    done = results("--baseline", "lr=0.05 weight-decay=0.0005").stdout
    assert "to lr 0.05, weight decay 0.0005, with" in done
    assert "to lr 0.05, weight decay 0.001, with" in results("--baseline", "r0-s1").stdout
    assert "is several of these settings" in refusal(
        "--baseline",
        "lr=0.05",
    )
