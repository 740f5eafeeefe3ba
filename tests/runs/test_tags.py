"""Tags: kept beside a run's records, given as it starts, and added as it is resumed."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cifar_tui.cli.train_jobs import StartFile, new_run
from cifar_tui.errors import BadInput
from cifar_tui.files.run_files import TAGS_NAME
from cifar_tui.presets import preset
from cifar_tui.runs.delete_run import other_files
from cifar_tui.runs.folder import RunFolder
from cifar_tui.runs.new_run import NewRun
from cifar_tui.runs.overview import read_overview
from cifar_tui.runs.tags import MOST_TAGS, change_tags, checked_tags, read_tags, write_tags
from tests.run_folders import put_stopped_run

START = StartFile()


def test_tags_are_kept_in_order_and_once(tmp_path: Path) -> None:
    run = put_stopped_run(tmp_path, "one")
    assert read_overview(run).tags == ()
    write_tags(run, ["night", "lr=0.1", "night", "net/wide"])
    assert (run / TAGS_NAME).read_text() == "night\nlr=0.1\nnet/wide\n"
    assert read_overview(run).tags == read_tags(run) == ("night", "lr=0.1", "net/wide")
    assert change_tags(run, add=["best", "night"], remove=["lr=0.1", "never"]) == ("night", "net/wide", "best")
    assert other_files(run) == []
    assert change_tags(run, remove=["night", "net/wide", "best"]) == ()
    assert not (run / TAGS_NAME).exists()


@pytest.mark.parametrize("tag", ["", "two words", "-x", ".x", "a\nb", "\x1b[2J", "é", "x" * 61, "a,b"])
def test_what_is_no_tag_is_refused_and_changes_nothing(tmp_path: Path, tag: str) -> None:
    run = put_stopped_run(tmp_path, "one")
    write_tags(run, ["night"])
    with pytest.raises(BadInput, match="cannot be a tag"):
        change_tags(run, add=[tag])
    assert read_tags(run) == ("night",)
    with pytest.raises(BadInput, match="cannot be a tag"):
        new_run({"data": "synthetic"}, "quick", START, "two", tmp_path / "two", tags=[tag])
    assert not (tmp_path / "two").exists()


def test_a_run_has_a_limited_number_of_tags(tmp_path: Path) -> None:
    run = put_stopped_run(tmp_path, "one")
    many = [f"tag{number}" for number in range(MOST_TAGS)]
    assert change_tags(run, add=many) == tuple(many)
    with pytest.raises(BadInput, match="up to 50 tags, not 51"):
        change_tags(run, add=["more"])
    assert read_tags(run) == tuple(many)


@given(content=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_a_file_that_somebody_else_wrote_gives_tags_or_none(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    folder = tmp_path_factory.mktemp("run")
    (folder / TAGS_NAME).write_bytes(content)
    tags = read_tags(folder)
    assert checked_tags(tags) == tags


def test_a_file_that_is_no_tags_file_is_none(tmp_path: Path) -> None:
    (tmp_path / TAGS_NAME).write_text("night\n" * 2_000)
    assert read_tags(tmp_path) == (), "too large"
    (tmp_path / TAGS_NAME).unlink()
    (tmp_path / TAGS_NAME).symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere").write_text("night\n")
    assert read_tags(tmp_path) == (), "a link"


def test_a_new_run_has_its_tags_at_once_and_takes_them_along_when_discarded(tmp_path: Path) -> None:
    run = NewRun(recipe=preset("quick"), folder=tmp_path / "one", tags=("night", "wide")).make()
    assert read_tags(run.path) == ("night", "wide")
    run.discard()
    run.close()
    assert not (tmp_path / "one").exists()


def test_a_lived_in_folder_can_be_tagged(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path / "one", "one", preset("quick"))
    assert change_tags(run.path, add=["now"]) == ("now",)
    run.close()
