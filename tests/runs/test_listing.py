"""The list of runs is read in pieces, and at another look only what has changed."""

import os
from pathlib import Path

import pytest

from cifar_tui.files.run_files import RECIPE_NAME
from cifar_tui.runs.listing import FIRST_PIECE, RunListing, RunsPiece
from cifar_tui.runs.run_note import write_note
from tests import scripted
from tests.run_folders import put_finished_run, put_live_run, put_stopped_run, write_events


def settled(place: Path) -> None:
    """Age the folders: one that has just changed is read again."""
    for folder in place.iterdir():
        os.utime(folder, ns=(1_700_000_000_000_000_000, 1_700_000_000_000_000_000))


def changed(pieces: list[RunsPiece]) -> list[str]:
    return [one.name for piece in pieces for one in piece.changed]


def test_the_first_rows_come_before_everything_is_read_the_newest_first(tmp_path: Path) -> None:
    for number in range(FIRST_PIECE + 2):
        folder = put_stopped_run(tmp_path, f"run-{number:02}")
        os.utime(folder, (1_700_000_000 + number, 1_700_000_000 + number))
    first, last = RunListing(tmp_path).look()
    assert changed([first]) == [f"run-{number:02}" for number in reversed(range(2, FIRST_PIECE + 2))]
    assert changed([last]) == ["run-01", "run-00"]
    assert (first.complete, last.complete) == (False, True)


def test_another_look_yields_only_what_has_changed(tmp_path: Path) -> None:
    put_finished_run(tmp_path, "one"), put_finished_run(tmp_path, "two")
    (tmp_path / "no-run").mkdir()
    settled(tmp_path)
    listing = RunListing(tmp_path)
    assert sorted(changed(list(listing.look()))) == ["one", "two"]
    assert changed(list(listing.look())) == []
    write_note(tmp_path / "two", "the better one")
    (piece,) = listing.look()
    assert [(one.name, one.note) for one in piece.changed] == [("two", "the better one")]
    (tmp_path / "one").rename(tmp_path.parent / "elsewhere")
    (piece,) = listing.look()
    assert piece.gone == {tmp_path / "one"}


def test_a_live_run_moves_and_a_folder_that_does_not_change_is_read_while_it_lives(tmp_path: Path) -> None:
    folder = put_live_run(tmp_path, "one", [*scripted.opening()[1:], scripted.step(1)])
    settled(tmp_path)
    listing = RunListing(tmp_path)
    ((one,),) = [piece.changed for piece in listing.look()]
    assert (one.state, one.live, one.step) == ("training", True, 1)
    assert one.seconds_left == pytest.approx(26 * 50 - 1 + 26 * 10 / 3), "steps and tests"
    settled(tmp_path)
    assert changed(list(listing.look())) == []
    write_events(folder.path, [scripted.step(number) for number in range(2, 51)] + [scripted.epoch(1)])
    settled(tmp_path)
    ((one,),) = [piece.changed for piece in listing.look()]
    assert (one.step, one.best_epoch) == (50, 1)
    assert one.seconds_left == pytest.approx(25 * 55)
    folder.close()
    settled(tmp_path)
    ((one,),) = [piece.changed for piece in listing.look()]
    assert (one.state, one.live) == ("killed", False)


def test_runs_that_cannot_be_read_are_counted_and_other_folders_are_not(tmp_path: Path) -> None:
    put_finished_run(tmp_path, "one")
    (tmp_path / "no-run").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / RECIPE_NAME).write_text("{")
    listing = RunListing(tmp_path)
    assert [piece.unreadable for piece in listing.look()] == [1]
    put_finished_run(tmp_path, "other")
    (tmp_path / "broken" / RECIPE_NAME).write_bytes((tmp_path / "other" / RECIPE_NAME).read_bytes())
    (piece,) = listing.look()
    assert (piece.unreadable, sorted(changed([piece]))) == (0, ["broken", "other"])


def test_there_is_nothing_to_list_where_there_is_no_folder(tmp_path: Path) -> None:
    (piece,) = RunListing(tmp_path / "runs").look()
    assert piece == RunsPiece((), frozenset(), complete=True)
