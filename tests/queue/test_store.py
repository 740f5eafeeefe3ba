"""The queue on disk: no history of commands, kills and full disks loses a job, doubles one, or changes the order."""

import errno
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cifar_tui.errors import BadInput, FolderInUse
from cifar_tui.queue import store as store_module
from cifar_tui.queue.changes import Change, QueueState, replayed, snapshot
from cifar_tui.queue.job import Job
from cifar_tui.queue.store import FOLDER_NAME, JOURNAL_NAME, QueueStore, RunnerLock, runner_of

ROOT = Path(__file__).parents[2]
Decide = Callable[[QueueState], Sequence[Change]]


def adding(*names: str, to: int = -1) -> Decide:
    def decide(state: QueueState) -> Sequence[Change]:
        jobs = tuple(Job(number=state.next_number + index, run=name) for index, name in enumerate(names))
        return [Change(change="add", jobs=jobs, to=to)]

    return decide


def names(state: QueueState) -> list[str]:
    return [entry.job.run for entry in state.in_order()]


def test_jobs_are_read_as_they_were_added(tmp_path: Path) -> None:
    job = Job(
        number=1,
        run="one",
        preset="short",
        options={"learning_rate": "0.1", "data": "/a, b/ü"},
        start="best:rates",
        tags=("rates", "night"),
        after=("zero",),
        seconds=12.5,
        added_at=1e9,
    )
    QueueStore(tmp_path).change(lambda _state: [Change(change="add", jobs=(job,), to=-1)])
    assert QueueStore(tmp_path).read().entries[1].job == job


def test_a_queue_that_is_not_there_is_empty_and_reading_it_makes_nothing(tmp_path: Path) -> None:
    assert names(QueueStore(tmp_path / "runs").read()) == []
    assert not (tmp_path / "runs").exists()


def test_a_store_sees_what_another_has_changed(tmp_path: Path) -> None:
    mine, theirs = QueueStore(tmp_path), QueueStore(tmp_path)
    mine.change(adding("one"))
    assert names(theirs.read()) == ["one"]
    mine.change(adding("two", to=0))
    theirs.change(adding("three"))
    assert names(mine.read()) == names(theirs.read()) == ["two", "one", "three"]


def test_what_cannot_be_read_is_counted_and_the_rest_is_there(tmp_path: Path) -> None:
    store = QueueStore(tmp_path)
    store.change(adding("one"))
    with (tmp_path / FOLDER_NAME / JOURNAL_NAME).open("ab") as file:
        file.write(b'{"change":"teleport","number":1}\nnonsense\n')
    store.change(adding("two"))
    state = QueueStore(tmp_path).read()
    assert (names(state), state.unreadable) == (["one", "two"], 2)


def test_half_a_line_of_a_killed_process_is_no_change_and_goes_with_the_next(tmp_path: Path) -> None:
    store = QueueStore(tmp_path)
    store.change(adding("one"))
    journal = tmp_path / FOLDER_NAME / JOURNAL_NAME
    with journal.open("ab") as file:
        file.write(b'{"change":"drop","num')
    assert names(store.read()) == ["one"]
    store.change(adding("two"))
    assert names(QueueStore(tmp_path).read()) == ["one", "two"]
    assert b'num{"' not in journal.read_bytes()


@pytest.mark.parametrize("refusal", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_a_disk_that_refuses_in_the_middle_leaves_the_queue_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refusal: int
) -> None:
    store = QueueStore(tmp_path)
    store.change(adding("one"))
    write = os.write

    def refuse(descriptor: int, content: bytes) -> int:
        if len(content) > 30:
            return write(descriptor, content[:30])
        raise OSError(refusal, os.strerror(refusal))

    monkeypatch.setattr(os, "write", refuse)
    with pytest.raises(BadInput, match="Nothing was changed"):
        store.change(adding("two"))
    monkeypatch.undo()
    assert names(store.read()) == names(QueueStore(tmp_path).read()) == ["one"]
    store.change(adding("two"))
    assert names(QueueStore(tmp_path).read()) == ["one", "two"]


@pytest.mark.slow
def test_one_process_runs_a_queue_and_is_named(tmp_path: Path) -> None:
    store = QueueStore(tmp_path)
    assert runner_of(store) == ""
    lock = RunnerLock(store)
    assert f"process {os.getpid()}" in runner_of(store)
    with pytest.raises(FolderInUse, match=f"run already, by process {os.getpid()}"):
        RunnerLock(store)
    lock.close()
    assert runner_of(store) == ""
    RunnerLock(store).close()


def test_a_lock_that_is_never_given_back_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "LOCK_SECONDS", 0.05)
    store = QueueStore(tmp_path)

    def inside(_state: QueueState) -> Sequence[Change]:
        with pytest.raises(FolderInUse, match=f"process {os.getpid()}"):
            QueueStore(tmp_path).change(adding("one"))
        return []

    store.change(inside)


def test_a_long_journal_of_jobs_that_are_gone_is_written_anew(tmp_path: Path) -> None:
    store, reader = QueueStore(tmp_path, compacted_bytes=2_000), QueueStore(tmp_path)
    for number in range(1, 60):
        store.change(adding(f"run-{number}"))
        reader.read()
        if number % 10:
            store.change(lambda _state, n=number: [Change(change="drop", number=n)])  # type: ignore[misc]
    left = [f"run-{number}" for number in range(10, 60, 10)]
    assert names(store.read()) == names(reader.read()) == names(QueueStore(tmp_path).read()) == left
    assert (tmp_path / FOLDER_NAME / JOURNAL_NAME).stat().st_size < 4_000
    store.change(adding("next"))
    assert store.read().by_run("next").job.number == 60  # type: ignore[union-attr]


ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(1, 4), st.booleans()),
        st.tuples(st.just("move"), st.integers(0, 30), st.integers(0, 30)),
        st.tuples(st.just("drop"), st.integers(0, 30), st.just(0)),
        st.tuples(st.sampled_from(["start", "lost", "back", "end", "handed"]), st.integers(0, 30), st.just(0)),
        st.tuples(st.sampled_from(["pause", "resume"]), st.just(0), st.just(0)),
        st.tuples(st.sampled_from(["full disk", "torn line", "new process"]), st.integers(0, 40), st.just(0)),
    ),
    max_size=40,
)


class Model:
    """The queue as a plain list: the names that wait in their order, and those that were dropped."""

    def __init__(self) -> None:
        self.order: list[str] = []
        self.waiting: set[str] = set()
        self.count = 0

    def waiting_order(self) -> list[str]:
        return [name for name in self.order if name in self.waiting]

    def insert(self, at: int, name: str) -> None:
        waiting = self.waiting_order()
        index = self.order.index(waiting[at]) if at < len(waiting) else len(self.order)
        self.order.insert(index, name)


@pytest.mark.slow
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(actions=ACTIONS, compacted=st.sampled_from([300, 3_000, 1_000_000]))
def test_random_histories_lose_no_job_double_none_and_keep_the_order(
    tmp_path_factory: pytest.TempPathFactory, actions: list[tuple[str, int, int]], compacted: int
) -> None:
    place, model = tmp_path_factory.mktemp("runs"), Model()
    store, watcher = QueueStore(place, compacted), QueueStore(place)
    for action, first, second in actions:
        _act(place, store, model, action, first, second)
        if action == "new process":
            store = QueueStore(place, compacted)
        for state in (store.read(), watcher.read(), QueueStore(place).read()):
            assert names(state) == model.order
            assert [entry.job.run for entry in state.in_order("waiting")] == model.waiting_order()
            numbers = [entry.job.number for entry in state.in_order()]
            assert len(set(numbers)) == len(numbers)
            assert state.next_number == model.count + 1
        assert replayed(snapshot(store.read())) == store.read()


def _act(place: Path, store: QueueStore, model: Model, action: str, first: int, second: int) -> None:
    if action == "add":
        added = [f"run-{model.count + index + 1}" for index in range(first)]
        store.change(adding(*added, to=0 if second else -1))
        model.count += first
        for name in reversed(added) if second else added:
            model.insert(0 if second else len(model.order), name)
            model.waiting.add(name)
    elif action in ("pause", "resume"):
        store.change(lambda _state: [Change(change="pause" if action == "pause" else "resume")])
    elif action == "full disk":
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "write", lambda fd, content: os.pwrite(fd, b"", 0) or _refuse())
            with pytest.raises(BadInput):
                store.change(adding("lost"))
    elif action == "torn line" and (place / FOLDER_NAME / JOURNAL_NAME).exists():
        with (place / FOLDER_NAME / JOURNAL_NAME).open("ab") as file:
            file.write(b'{"change":"add","jobs":[{"number":99,"run":"x"}],"to":-1}'[:first])
    elif model.order and action in ("move", "drop", "start", "lost", "back", "end", "handed"):
        _change_one(store, model, action, model.order[first % len(model.order)], second)


def _refuse() -> int:
    raise OSError(errno.ENOSPC, "No space left on device")


def _change_one(store: QueueStore, model: Model, action: str, name: str, place: int) -> None:
    def decide(state: QueueState) -> Sequence[Change]:
        entry = state.by_run(name)
        assert entry is not None
        text = {"start": "cpu", "handed": "123"}.get(action, "")
        outcome = "failed" if action == "end" else ""
        return [Change(change=action, number=entry.job.number, to=place, text=text, outcome=outcome)]  # type: ignore[arg-type]

    store.change(decide)
    if action in ("move", "drop"):
        model.order.remove(name)
    if action == "move":
        model.insert(place, name)
    elif action in ("lost", "back"):
        model.waiting.add(name)
    else:
        model.waiting.discard(name)


KILLED = """
import sys
from pathlib import Path
from tests.queue.test_store import adding
from cifar_tui.queue.store import QueueStore
QueueStore(Path(sys.argv[1]), compacted_bytes=int(sys.argv[2])).change(adding("new"))
print("said")
"""


@pytest.mark.slow
@pytest.mark.parametrize("compacted", [1, 1_000_000])
@pytest.mark.parametrize("fault", ["appended", "written", "synced", "opened", "renamed", "folder-synced"])
def test_a_kill_at_any_point_of_adding_adds_all_or_nothing(tmp_path: Path, fault: str, compacted: int) -> None:
    store = QueueStore(tmp_path)
    for number in range(8):
        store.change(adding(f"old-{number}"))
        store.change(lambda _state, n=number: [Change(change="drop", number=n)])  # type: ignore[misc]
    before = names(store.read())
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path), str(compacted)],
        env={**os.environ, "CIFAR_TUI_FAULT": f"kill:{fault}:queue.jsonl:1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        timeout=120,
        check=False,
    )
    after = names(QueueStore(tmp_path).read())
    assert after in ([*before, "new"], before)
    assert done.returncode == 0 or done.returncode == -9
    if b"said" in done.stdout:
        assert after == [*before, "new"]
    store.change(adding("next"))
    assert names(QueueStore(tmp_path).read()) == [*after, "next"]
