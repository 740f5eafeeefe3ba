"""The pictures of the documentation: there in every theme and size, and drawn from a copy of a run."""

from pathlib import Path
from xml.etree import ElementTree

import pytest
from recording import STORIES
from screenshot import EXAMPLES, KEYS, PICTURES, SIZES, THEMES, VIEWS, copy_runs, living, matrix

from cifar_tui.files.run_files import LOCK_NAME, journal_path
from cifar_tui.presets import preset
from cifar_tui.runs.checkpoints.sidecars import list_sidecars
from cifar_tui.runs.folder import RunFolder
from cifar_tui.runs.lock import is_being_trained
from cifar_tui.runs.records.journal import read_events
from cifar_tui.runs.records.recorder import Recorder
from cifar_tui.tui.settings.theme_files import theme_folders
from cifar_tui.tui.settings.themes import find_themes
from tests.scripted import STEPS_PER_EPOCH, epochs, opening, put_checkpoint, put_verdict

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run of three epochs, each with a checkpoint, that has ended."""
    folder = RunFolder.create(tmp_path / "runs" / "one", "one", preset("quick"))
    recorder = Recorder(folder)
    for event in [*opening(folder.path), *epochs(3)]:
        recorder.append_event(event)
    recorder.close()
    for number in (1, 2, 3):
        put_checkpoint(folder.path, number)
    put_verdict(folder.path, 3)
    folder.close()
    return folder.path


def test_a_run_is_copied_as_it_was_after_a_step(run: Path, tmp_path: Path) -> None:
    copy = copy_runs(run, tmp_path / "copy", 2 * STEPS_PER_EPOCH + 10)
    assert copy == tmp_path / "copy" / "runs" / "one"
    steps = [getattr(event, "step", 0) for event in read_events(journal_path(copy))]
    assert max(steps) == 2 * STEPS_PER_EPOCH + 10
    assert [one.epoch for one in list_sidecars(copy)] == [1, 2]
    assert not (copy / "net_003.verdict.json").exists()
    assert not (copy / "net_002.pth").is_symlink()
    assert (copy / "net_002.pth").samefile(run / "net_002.pth")


def test_the_run_itself_stays_as_it_is(run: Path, tmp_path: Path) -> None:
    before = {path.name: path.read_bytes() for path in run.iterdir() if path.name != LOCK_NAME}
    with living(copy_runs(run, tmp_path / "copy", 60)):
        pass
    assert {path.name: path.read_bytes() for path in run.iterdir() if path.name != LOCK_NAME} == before


def test_without_a_step_everything_is_copied(run: Path, tmp_path: Path) -> None:
    copy = copy_runs(run, tmp_path / "copy", None)
    assert journal_path(copy).read_bytes() == journal_path(run).read_bytes()
    assert [one.epoch for one in list_sidecars(copy)] == [1, 2, 3]


def test_the_copy_looks_as_if_it_was_training(run: Path, tmp_path: Path) -> None:
    copy = copy_runs(run, tmp_path / "copy", None)
    assert not is_being_trained(copy)
    with living(copy):
        assert is_being_trained(copy)
    assert not is_being_trained(copy)


def test_there_is_a_picture_of_every_theme_and_size() -> None:
    assert set(THEMES) == set(find_themes(theme_folders()).usable)
    of_the_dashboard = [picture[1:] for picture in PICTURES.values() if picture[0] == "dashboard"]
    assert {theme for size, theme in of_the_dashboard if size == "120x40"} == set(THEMES)
    assert {size for size, theme in of_the_dashboard if theme == "night"} == set(SIZES)


def test_every_view_is_looked_at_in_every_theme_and_size() -> None:
    wanted = list(matrix(None, None, None))
    assert {view for view, _, _ in wanted} == set(VIEWS)
    assert len(wanted) == len(set(wanted)) == len(VIEWS) * (len(THEMES) + 1 + len(SIZES) - 1)


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_picture_of_another_run_is_there_and_shown(name: str) -> None:
    assert EXAMPLES[name][0] in VIEWS
    assert (DOCS / f"{name}.svg").is_file()
    pages = "".join((DOCS / page).read_text(encoding="utf-8") for page in ("data.md", "networks.md"))
    assert f"]({name}.svg)" in pages


def test_keys_are_characters_or_have_a_name() -> None:
    assert all(len(key) == 1 or key in KEYS for keys in VIEWS.values() for key in keys)


@pytest.mark.parametrize("path", sorted(DOCS.glob("*.svg")), ids=lambda path: str(path.name))
def test_a_kept_picture_is_well_formed_and_small(path: Path) -> None:
    content = path.read_text(encoding="utf-8")
    ElementTree.fromstring(content)
    assert "<script" not in content
    assert "url(" not in content
    assert len(content.encode()) <= (600_000 if path.stem in STORIES else 150_000)
