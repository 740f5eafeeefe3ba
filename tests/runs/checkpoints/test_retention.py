"""What may be deleted: never the last good, the best, a pinned one or one in use, whatever happens in between."""

import dataclasses
import errno
import hashlib
import math
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from cifar_tui.checkpoint_events import CheckpointDeleted, CheckpointSaved
from cifar_tui.control import DeleteCheckpoint, PinCheckpoint
from cifar_tui.events import Noted
from cifar_tui.files.run_files import PINS_NAME
from cifar_tui.runs.checkpoints import delete_files
from cifar_tui.runs.checkpoints.delete import CheckpointDeleter
from cifar_tui.runs.checkpoints.pins import read_pins, write_pin
from cifar_tui.runs.checkpoints.retention import JournaledCheckpoints
from cifar_tui.runs.checkpoints.sidecars import (
    delete_checkpoint,
    epoch_checkpoint,
    list_sidecars,
    step_checkpoint,
    write_sidecar,
)
from cifar_tui.runs.checkpoints.states import StateRecord, commit_state, discard_state, list_states, state_path
from tests import scripted

STEPS = scripted.STEPS_PER_EPOCH
NOBODY: frozenset[str] = frozenset()


class Killed(BaseException):
    """The process ends here."""


@contextmanager
def failing_after(points: int, error: BaseException) -> Iterator[None]:
    """So many points of deletions are passed, and the next is the last."""
    left = points

    def hit(point: str, subject: str) -> None:
        nonlocal left
        left -= point in ("renamed", "unlinked")
        if left < 0:
            raise error

    before, delete_files.hit = delete_files.hit, hit  # type: ignore[attr-defined]
    try:
        yield
    finally:
        delete_files.hit = before  # type: ignore[attr-defined]


def put(folder: Path, name: str, epoch: int, step: int) -> None:
    content = f"weights of {name}".encode()
    digest = hashlib.sha256(content).hexdigest()
    made = scripted.sidecar_of(epoch, len(content))
    (folder / name).write_bytes(content)
    write_sidecar(folder, dataclasses.replace(made, checkpoint=name, step=step, sha256=digest))


class History(RuleBasedStateMachine):
    """One run that keeps few: it saves, is killed, goes back, its disk is full, a person pins and deletes."""

    def __init__(self) -> None:
        super().__init__()
        self.place = tempfile.TemporaryDirectory(prefix="retention-")
        self.folder = Path(self.place.name)
        self.strangers = {"net_final.pth": b"mine", "net_001.json.bak": b"mine", "notes.txt": b"mine"}
        for name, content in self.strangers.items():
            (self.folder / name).write_bytes(content)
        self.remover = CheckpointDeleter(self.folder)
        self.journaled = JournaledCheckpoints()
        self.step = 0
        self.in_use = NOBODY
        self.first_saved = math.inf

    def teardown(self) -> None:
        self.place.cleanup()

    def saved(self, name: str, epoch: int) -> None:
        put(self.folder, name, epoch, self.step)
        self.journaled.record(CheckpointSaved(name, epoch, self.step))
        self.first_saved = min(self.first_saved, self.step)

    def prune(self, last: int, failing: tuple[int, bool] | None) -> None:
        protected = self.protected(last)
        error = Killed() if failing and failing[1] else OSError(errno.ENOSPC, "No space left on device")
        with failing_after(failing[0] if failing else 1_000_000, error):
            try:
                with suppress(OSError):  # a full disk: it is tried again at the next checkpoint
                    for event in self.remover.prune("some", last, self.journaled, self.in_use):
                        self.journaled.record(event)
            except Killed:
                self.remover = CheckpointDeleter(self.folder)
                self.in_use = NOBODY
        there = {one.checkpoint for one in list_sidecars(self.folder)}
        assert protected <= there

    def protected(self, last: int) -> set[str]:
        """By the plainest words there are."""
        there = [one for one in list_sidecars(self.folder) if self.journaled.steps.get(one.checkpoint) == one.step]
        names = {one.checkpoint for one in there[-max(last, 2) :]} | (self.in_use & set(self.journaled.steps))
        names |= read_pins(self.folder) & {one.checkpoint for one in there}
        scored = [one for one in there if math.isfinite(self.journaled.scores.get(one.step, math.nan))]
        if scored:
            names.add(max(scored, key=lambda one: (self.journaled.scores[one.step], -one.step)).checkpoint)
        return names & {one.checkpoint for one in list_sidecars(self.folder)}

    @rule(
        score=st.sampled_from([math.nan, 0.1, 0.2, 0.3, 0.9]),
        last=st.integers(1, 4),
        failing=st.none() | st.tuples(st.integers(0, 5), st.booleans()),
    )
    def save_an_epoch(self, score: float, last: int, failing: tuple[int, bool] | None) -> None:
        epoch = self.step // STEPS + 1
        self.step = epoch * STEPS
        self.journaled.record(dataclasses.replace(scripted.epoch(epoch), test_accuracy=score))
        self.saved(epoch_checkpoint(epoch), epoch)
        self.prune(last, failing)

    @rule(last=st.integers(1, 4))
    def save_in_mid_epoch(self, last: int) -> None:
        if (self.step + 7) % STEPS:
            self.step += 7
            epoch = self.step // STEPS + 1
            self.saved(step_checkpoint(epoch, self.step), epoch)
            self.prune(last, None)

    @rule()
    def save_a_state(self) -> None:
        if self.step and self.step not in {state.step for state in list_states(self.folder)}:
            record = StateRecord(step=self.step, size=1, sha256="0", images="", environment={}, saved_at=0.0)
            state_path(self.folder, self.step).write_bytes(b"s")
            commit_state(self.folder, record)

    @precondition(lambda self: bool(list_states(self.folder)))
    @rule()
    def go_back_to_a_state(self) -> None:
        states = [state.step for state in list_states(self.folder)]
        self.step = states[-1]
        for later in states[:-1]:
            discard_state(self.folder, later)
        self.journaled.undo(self.step)
        if self.first_saved <= self.step:
            assert self.journaled.steps, "what the run goes back to has a checkpoint"
        else:
            self.first_saved = math.inf

    @precondition(lambda self: bool(list_sidecars(self.folder)))
    @rule(data=st.data(), pinned=st.booleans())
    def pin(self, data: st.DataObject, pinned: bool) -> None:
        name = data.draw(st.sampled_from([one.checkpoint for one in list_sidecars(self.folder)]))
        assert self.remover.manage_checkpoint(PinCheckpoint(name, pinned), self.journaled, NOBODY) is None
        assert (name in read_pins(self.folder)) == pinned

    @precondition(lambda self: bool(list_sidecars(self.folder)))
    @rule(data=st.data())
    def evaluate(self, data: st.DataObject) -> None:
        self.in_use = frozenset({data.draw(st.sampled_from([one.checkpoint for one in list_sidecars(self.folder)]))})

    @precondition(lambda self: bool(list_sidecars(self.folder)))
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from([one.checkpoint for one in list_sidecars(self.folder)]))
        said = self.remover.manage_checkpoint(DeleteCheckpoint(name), self.journaled, self.in_use)
        if isinstance(said, CheckpointDeleted):
            assert name not in read_pins(self.folder) | self.in_use
            self.journaled.record(said)
        delete_checkpoint(self.folder, "net_999.pth")  # what is gone can go again

    @invariant()
    def a_last_good_and_the_best_are_there(self) -> None:
        there = {one.checkpoint: one for one in list_sidecars(self.folder)}
        if self.journaled.steps:
            assert max(self.journaled.steps, key=lambda name: self.journaled.steps[name]) in there
        for name, one in there.items():
            assert hashlib.sha256((self.folder / name).read_bytes()).hexdigest() == one.sha256

    @invariant()
    def no_other_file_was_touched(self) -> None:
        for name, content in self.strangers.items():
            assert (self.folder / name).read_bytes() == content


History.TestCase.settings = settings(
    max_examples=30, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
TestAnyHistory = pytest.mark.slow(History.TestCase)


def saved(folder: Path, *scores: float) -> JournaledCheckpoints:
    journaled = JournaledCheckpoints()
    for number, score in enumerate(scores, start=1):
        put(folder, epoch_checkpoint(number), number, number * STEPS)
        journaled.record(dataclasses.replace(scripted.epoch(number), test_accuracy=score))
        journaled.record(CheckpointSaved(epoch_checkpoint(number), number, number * STEPS))
    return journaled


def left(folder: Path) -> list[int]:
    return [one.epoch for one in list_sidecars(folder)]


def test_the_best_and_the_newest_stay(tmp_path: Path) -> None:
    journaled = saved(tmp_path, 0.1, 0.9, 0.2, math.nan, 0.3, 0.4)
    gone = list(CheckpointDeleter(tmp_path).prune("best+last:3", 3, journaled, NOBODY))
    assert [event.checkpoint for event in gone] == ["net_001.pth", "net_003.pth"]
    assert left(tmp_path) == [2, 4, 5, 6]


def test_two_stay_though_one_is_asked_for_and_a_damaged_one_does_not_count(tmp_path: Path) -> None:
    journaled = saved(tmp_path, 0.9, 0.1, 0.2, 0.3, 0.4)
    (tmp_path / "net_004.pth").write_bytes(b"weights of net_0O4.pth")
    list(CheckpointDeleter(tmp_path).prune("best+last:1", 1, journaled, NOBODY))
    assert left(tmp_path) == [1, 3, 4, 5]


def test_what_was_undone_is_neither_counted_nor_deleted(tmp_path: Path) -> None:
    journaled = saved(tmp_path, 0.1, 0.2, 0.3, 0.4, 0.5)
    journaled.undo(3 * STEPS)
    list(CheckpointDeleter(tmp_path).prune("best+last:2", 2, journaled, NOBODY))
    assert left(tmp_path) == [2, 3, 4, 5]


@pytest.mark.parametrize("content", [b"", b"[]", b'{"pinned": ["../x"]}', b'{"pinned": [1]}', b"{" * 2_000_000])
def test_with_broken_pins_nothing_is_deleted(tmp_path: Path, content: bytes) -> None:
    journaled = saved(tmp_path, 0.1, 0.2, 0.3, 0.4)
    (tmp_path / PINS_NAME).write_bytes(content)
    assert not list(CheckpointDeleter(tmp_path).prune("best+last:2", 2, journaled, NOBODY))
    for request in (DeleteCheckpoint("net_001.pth"), PinCheckpoint("net_001.pth", True)):
        said = CheckpointDeleter(tmp_path).manage_checkpoint(request, journaled, NOBODY)
        assert isinstance(said, Noted)
        assert PINS_NAME in said.text
    assert (tmp_path / PINS_NAME).read_bytes() == content


@pytest.mark.parametrize(
    ("name", "because"),
    [
        ("net_004.pth", "newest intact"),
        ("net_002.pth", "best"),
        ("net_001.pth", "pinned"),
        ("net_003.pth", "evaluated"),
        ("net_009.pth", "net_009.pth no longer exists"),
    ],
)
def test_a_refusal_says_why(tmp_path: Path, name: str, because: str) -> None:
    journaled = saved(tmp_path, 0.1, 0.9, 0.3, 0.4)
    write_pin(tmp_path, "net_001.pth", pinned=True)
    said = CheckpointDeleter(tmp_path).manage_checkpoint(DeleteCheckpoint(name), journaled, frozenset({"net_003.pth"}))
    assert isinstance(said, Noted)
    assert because in said.text
    assert left(tmp_path) == [1, 2, 3, 4]
