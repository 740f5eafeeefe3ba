"""Disks that cannot do all that a disk can: a run trains there, and what cannot be promised is told."""

import errno
import fcntl
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from cifar_tui.engine.training import train as training
from cifar_tui.errors import FolderInUse
from cifar_tui.events import Emit, RolledBack, RunFinished, StepDone
from cifar_tui.files.run_files import journal_path
from cifar_tui.history.run_history import RunHistory
from cifar_tui.jobs.session import start_session
from cifar_tui.jobs.train import TrainJob
from cifar_tui.presets import preset
from cifar_tui.report import run_summary
from cifar_tui.runs.folder import RunFolder
from cifar_tui.runs.lock import is_being_trained
from cifar_tui.runs.records.journal import read_events
from cifar_tui.runs.records.recorder import Recorder
from tests import scripted

NO_LOCKS = [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP]


def refusing(number: int) -> object:
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    return refuse


@pytest.mark.parametrize("number", NO_LOCKS)
def test_a_disk_without_locks_is_trained_on_and_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(fcntl, "flock", refusing(number))
    run = RunFolder.create(tmp_path / "run", "run", preset("quick"))
    (told,) = run.shortcomings()
    assert told.startswith("This disk has no locks")
    assert is_being_trained(run.path), "its owner lives"
    run.close()
    assert not is_being_trained(run.path), "a run that has ended is not live"
    RunFolder.reopen(run.path).close()


def test_a_living_trainer_on_a_disk_without_locks_keeps_others_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fcntl, "flock", refusing(errno.ENOSYS))
    run = RunFolder.create(tmp_path / "run", "run", preset("quick"))
    with pytest.raises(FolderInUse, match=rf"process {os.getpid()} .* delete .*run\.lock: this disk has no locks"):
        RunFolder.reopen(run.path)
    run.close()


def test_the_name_of_a_trainer_that_was_killed_holds_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = f"""
        import os
        from pathlib import Path
        from cifar_tui.presets import preset
        from cifar_tui.runs.folder import RunFolder
        RunFolder.create(Path({str(tmp_path / "run")!r}), "run", preset("quick"))
        os._exit(9)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(source)], check=False, timeout=120)
    assert (tmp_path / "run" / "run.lock").read_bytes(), "its name stands there"
    monkeypatch.setattr(fcntl, "flock", refusing(errno.ENOLCK))
    assert not is_being_trained(tmp_path / "run")
    RunFolder.reopen(tmp_path / "run").close()


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP, errno.ENOSYS])
def test_a_disk_that_cannot_flush_is_trained_on_and_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(os, "fsync", refusing(number))
    run = RunFolder.create(tmp_path / "run", "run", preset("quick"))
    assert run.shortcomings() == ["This disk cannot flush: a power failure may cost checkpoints that were saved last."]
    run.close()


def test_an_ordinary_disk_falls_short_of_nothing(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path / "run", "run", preset("quick"))
    assert run.shortcomings() == []
    run.close()


def open_files() -> set[str]:
    links = list(Path("/proc/self/fd").iterdir())
    return {str(link.readlink()) for link in links if os.path.lexists(link)}


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="looks at open files as Linux lists them")
def test_records_go_back_on_a_disk_that_replaces_no_open_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace = Path.replace

    def picky(path: Path, target: Path) -> Path:
        if str(target) in open_files():
            raise PermissionError(errno.EPERM, "Operation not permitted")
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", picky)
    folder = RunFolder.create(tmp_path / "one", "one", preset("quick"))
    records = Recorder(folder)
    for number in range(1, 6):
        records.append_event(scripted.step(number))
    assert records.append_event(RolledBack(5, 3, 0.05, ((4, 0.5),))) is None
    records.append_event(scripted.step(4))
    assert records.close() is None
    folder.close()
    steps = [event.step for event in read_events(journal_path(folder.path)) if isinstance(event, StepDone)]
    assert steps == [1, 2, 3, 4]


def test_records_that_could_not_be_written_are_the_outcome(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = preset("quick")
    folder = RunFolder.create(tmp_path / "one", "one", recipe)
    job = TrainJob(recipe, folder)
    real_write = os.write

    def write(descriptor: int, content: bytes) -> int:
        if b'"event"' in bytes(content[:100]):
            raise PermissionError(errno.EPERM, "Operation not permitted")
        return real_write(descriptor, content)

    def train(_recipe: object, _folder: object, emit: Emit, *_: object, **__: object) -> None:
        for event in [scripted.started(folder.path, recipe), *scripted.opening()[1:], scripted.step(1)]:
            emit(event)
        emit(RunFinished(1, 0.5))

    monkeypatch.setattr(training, "train", train)
    monkeypatch.setattr(os, "write", write)
    session, history = start_session(job), RunHistory()
    session.join()
    for event in session.poll():
        history.apply(event)
    assert run_summary.exit_code(history) == 1
    assert "last records could not be written: Operation not permitted" in run_summary.outcome(history)
    assert not any("space" in note.text for note in history.notes if hasattr(note, "text"))
    folder.close()
