"""Runs behind links and without rights, paths with `~`, and other numbers of epochs."""

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cifar_tui.cli import app
from cifar_tui.cli.train_jobs import resumed_run
from cifar_tui.data_sets import absolute_source
from cifar_tui.errors import BadInput
from cifar_tui.files.home_path import in_home
from cifar_tui.option import absolute_folder
from cifar_tui.runs.find import all_runs, find_run
from cifar_tui.runs.listing import RunListing
from tests.engine import trained
from tests.run_folders import put_finished_run


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    return tmp_path / "runs"


def test_a_link_beside_the_runs_is_no_second_run_and_still_finds_it(place: Path, tmp_path: Path) -> None:
    run = put_finished_run(place, "one")
    (place / "latest").symlink_to("one")
    (place / "gone").symlink_to("nowhere")
    (place / "round").symlink_to("round")
    moved = put_finished_run(tmp_path / "elsewhere", "two")
    (place / "two").symlink_to(moved)
    assert sorted(all_runs(place)) == [run, place / "two"], "a run that was moved has no other name here"
    listed = [one.name for piece in RunListing(place).look() for one in piece.changed]
    assert sorted(listed) == ["one", "two"]
    assert find_run("latest").resolve() == run


def test_a_home_folder_is_meant_by_its_sign(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert absolute_folder("~/d") == absolute_source("~/d") == str(tmp_path / "d")
    assert in_home("~/x") == tmp_path / "x"
    assert in_home("a~b") == Path("a~b")
    run = put_finished_run(tmp_path / "mine", "one")
    assert find_run("~/mine/one") == run


def test_runs_that_cannot_be_read_are_named(place: Path) -> None:
    put_finished_run(place, "one")
    broken = put_finished_run(place, "two")
    (broken / "recipe.json").write_text("{")
    done = CliRunner().invoke(app, ["runs"])
    assert "one" in done.stdout
    assert "1 run cannot be read: two (" in done.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may look into every folder")
def test_a_folder_without_rights_is_not_called_empty(place: Path) -> None:
    put_finished_run(place, "one").chmod(0)
    done = CliRunner().invoke(app, ["runs"])
    assert "one (Permission denied, owner " in done.stderr
    assert "There are no runs" not in done.stdout
    (place / "one").chmod(0o700)


def test_no_runs_are_no_lines_of_json(place: Path) -> None:
    assert CliRunner().invoke(app, ["runs", "--json"]).stdout == ""


@pytest.mark.slow
def test_other_epochs_say_what_the_rate_does(place: Path) -> None:
    trained.run(place / "one", epochs=2)
    jobs = resumed_run("one", {"epochs": 6}, set())
    (change,) = [text for text in jobs.changes if "schedule" in text]
    assert change.startswith("the schedule now spans 6 epochs: the rate goes from 0.0")
    jobs.close()


@pytest.mark.slow
def test_fewer_epochs_than_are_trained_are_refused(place: Path) -> None:
    trained.run(place / "one", epochs=2)
    with pytest.raises(BadInput, match="is in epoch 2 already: --epochs must be at least 2"):
        resumed_run("one", {"epochs": 1}, set())
