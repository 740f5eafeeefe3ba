import dataclasses
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from cifar_tui.checkpoint_events import EvaluationFailed
from cifar_tui.control import Request, RequestQueue, Stop
from cifar_tui.errors import BadInput, DataUnavailable
from cifar_tui.events import DataMissing, Emit, Event, Noted, Reopened, RunFailed, RunStopped
from cifar_tui.files.run_files import JOURNAL_NAME
from cifar_tui.history.run_history import FeedItem
from cifar_tui.jobs.local import LocalJobs
from cifar_tui.jobs.session import Job, Session
from cifar_tui.presets import preset
from cifar_tui.runs.checkpoints.states import StateRecord, commit_state
from cifar_tui.runs.folder import RunFolder
from cifar_tui.runs.records.journal import read_events
from cifar_tui.runs.tags import read_tags
from tests import scripted

RECIPE = dataclasses.replace(preset("quick"), data="synthetic")


class SmallJob(Job):
    """A job that emits two events and waits to be stopped."""

    def __init__(self) -> None:
        self.closed = False
        self.thread = ""

    def listen(self, submit: Callable[[Request], None], broadcast: Emit) -> None:
        self.submit, self.broadcast = submit, broadcast

    def run(self, emit: Emit, requests: RequestQueue) -> None:
        self.thread = threading.current_thread().name
        emit(scripted.started())
        emit(scripted.step(1))
        assert requests.wait_for_next() == Stop()
        emit(RunStopped(1, ""))

    def failed(self, reason: str, exit_code: int) -> Event:
        return RunFailed(reason, "", exit_code)

    def close(self) -> None:
        self.closed = True


def test_a_job_runs_on_a_thread_of_its_own_and_heeds_requests() -> None:
    job = SmallJob()
    session = Session(job)
    session.start()
    session.submit(Stop())
    assert session.join(120)
    assert job.thread == "engine"
    assert job.closed
    assert session.poll() == [scripted.started(), scripted.step(1), RunStopped(1, "")]
    assert session.poll() == []


def test_who_is_elsewhere_asks_and_what_is_not_for_the_records_is_said() -> None:
    job = SmallJob()
    session = Session(job)
    session.start()
    job.broadcast(Noted("The disk is full."))
    job.submit(Stop())
    session.join(120)
    assert Noted("The disk is full.") in session.poll()


def all_of(connection: Session) -> list[FeedItem]:
    assert connection.join(120)
    return connection.poll()


def replace_training(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    from cifar_tui.engine.training import train

    def broken(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(train, "train", broken)


def test_an_exception_in_the_engine_leaves_its_traceback_in_the_runs_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_training(monkeypatch, ZeroDivisionError("division \x1b[2J by zero"))
    jobs = LocalJobs(RECIPE, None, tmp_path / "one")
    failed = all_of(jobs.train())[-1]
    jobs.close()
    assert failed == RunFailed("ZeroDivisionError: division �[2J by zero", str(tmp_path / "one" / "failure.txt"), 1)
    assert "Traceback" in (tmp_path / "one" / "failure.txt").read_text()
    assert list(read_events(tmp_path / "one" / JOURNAL_NAME)) == [failed]


def test_missing_data_ends_the_run_and_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace_training(monkeypatch, DataUnavailable("no network"))
    jobs = LocalJobs(RECIPE, None, tmp_path / "one")
    assert all_of(jobs.train()) == [DataMissing("no network")]
    assert not (tmp_path / "one").exists()
    assert all_of(jobs.train()) == [DataMissing("no network")]
    jobs.close()


def test_bad_input_found_late_keeps_its_exit_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace_training(monkeypatch, BadInput("There is no CUDA device here."))
    jobs = LocalJobs(RECIPE, None, tmp_path / "one")
    assert all_of(jobs.train()) == [RunFailed("There is no CUDA device here.", "", 2)]
    jobs.close()
    assert not (tmp_path / "one").exists()


def test_an_evaluation_that_breaks_fails_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cifar_tui.engine.evaluation import evaluate_checkpoint

    monkeypatch.setattr(evaluate_checkpoint, "read_network", lambda *_: 1 / 0)
    replace_training(monkeypatch, ZeroDivisionError())
    jobs = LocalJobs(RECIPE, None, tmp_path / "one")
    all_of(jobs.train())
    failed = all_of(jobs.evaluate("net_001.pth"))[-1]
    jobs.close()
    assert isinstance(failed, EvaluationFailed)
    assert "ZeroDivisionError" in failed.reason


def test_a_chosen_name_is_the_name_on_other_data_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace_training(monkeypatch, ZeroDivisionError())
    jobs = LocalJobs(preset("quick"), "mine", place=tmp_path)
    all_of(jobs.train("synthetic"))
    jobs.close()
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_run_that_goes_on_keeps_its_folder_and_its_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when its data set was missing at first, and a person tries again."""
    first = LocalJobs(RECIPE, None, tmp_path / "one")
    replace_training(monkeypatch, ZeroDivisionError())
    all_of(first.train())
    first.close()
    append_event = StateRecord(step=3, size=1, sha256="0", images="0", environment={}, saved_at=0.0)
    commit_state(tmp_path / "one", append_event)
    replace_training(monkeypatch, DataUnavailable("no network"))
    jobs = LocalJobs(RECIPE, resumed=RunFolder.reopen(tmp_path / "one"))
    for _ in range(2):
        said = all_of(jobs.train())
        assert Reopened(str(tmp_path / "one")) in said
        assert said[-1] == DataMissing("no network")
    with pytest.raises(BadInput, match="keeps its images"):
        jobs.train("synthetic")
    jobs.close()
    assert [path.name for path in tmp_path.iterdir()] == ["one"]


def test_a_run_without_a_state_cannot_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace_training(monkeypatch, ZeroDivisionError())
    jobs = LocalJobs(RECIPE, None, tmp_path / "one")
    all_of(jobs.train())
    with pytest.raises(BadInput, match=r"cannot be resumed\. It ended before its training state was saved"):
        jobs.resume()
    jobs.close()


def test_tags_are_put_on_a_new_run_and_added_to_one_that_is_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_training(monkeypatch, ZeroDivisionError())
    jobs = LocalJobs(RECIPE, None, tmp_path / "one", tags=("night",))
    all_of(jobs.train())
    jobs.close()
    assert read_tags(tmp_path / "one") == ("night",)
    commit_state(tmp_path / "one", StateRecord(step=3, size=1, sha256="0", images="0", environment={}, saved_at=0.0))
    jobs = LocalJobs(RECIPE, resumed=RunFolder.reopen(tmp_path / "one"), tags=("again", "night"))
    all_of(jobs.train())
    jobs.close()
    assert read_tags(tmp_path / "one") == ("night", "again")
