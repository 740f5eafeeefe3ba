"""The events of a run that people are notified of, each with a sentence and where the run is."""

import errno
import json
import os
import re
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from cifar_tui.checkpoint_events import CheckpointFailed
from cifar_tui.events import (
    DataMissing,
    Ending,
    Event,
    LossNotFinite,
    NoteAdded,
    Noted,
    RunFailed,
    RunFinished,
    RunResumed,
    RunStopped,
)
from cifar_tui.notify.messenger import Messenger
from cifar_tui.notify.run_events import RunNotifier
from cifar_tui.notify.settings import Settings
from cifar_tui.system.launcher import LOST
from tests import scripted
from tests.waiting import eventually

FULL = os.strerror(errno.ENOSPC)
Tell = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def told(tmp_path: Path) -> Tell:
    def tell(
        events: Sequence[Event], ending: Ending | None = None, *, past: Sequence[Event] = (), count: int = 1
    ) -> list[dict[str, Any]]:
        """Return what a command is told of these events and an ending, once it is so much."""
        got = tmp_path / "got"
        command = f"cat >> {shlex.quote(str(got))}"
        messenger = Messenger(Settings((), command, frozenset()), lambda words: pytest.fail(words))
        notifier = RunNotifier(messenger, "one", tmp_path / "one")
        for event in past:
            notifier.apply_past(event)
        notifier.tell_restart()
        for event in events:
            notifier.apply(event)
        lines: Callable[[], list[str]] = lambda: got.read_text().splitlines() if got.exists() else []  # noqa: E731
        eventually(lambda: len(lines()) >= count - (ending is not None))
        if ending is not None:
            notifier.apply(ending)
        notifier.close(ending)
        eventually(lambda: len(lines()) == count)
        return [json.loads(line) for line in lines()]

    return tell


def sentences(told: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(one["event"], one["sentence"]) for one in told]


@pytest.mark.parametrize(
    ("ending", "event", "sentence"),
    [
        (RunFinished(100, 0.5), "finished", "Finished 100 steps"),
        (RunStopped(100, "net_002.pth"), "stopped", "Stopped after step 100 of"),
        (RunFailed("The memory was not enough.", "", 1), "failed", "The memory was not enough."),
        (DataMissing("There are no images."), "failed", "There are no images."),
        (RunFailed("Process 1 of this run was lost.", "", LOST), "rank-lost", "Process 1 of this run was lost."),
    ],
)
def test_an_end_is_told_with_what_the_run_had_come_to(
    told: Tell, tmp_path: Path, ending: Ending, event: str, sentence: str
) -> None:
    told_of_end = told([*scripted.opening(), *scripted.epochs(2)], ending, count=3)[
        -1
    ]  # a second best in the same minute waits
    assert told_of_end["event"] == event
    assert told_of_end["sentence"].startswith(sentence)
    assert (told_of_end["run"], told_of_end["folder"]) == ("one", str(tmp_path / "one"))
    assert (told_of_end["step"], told_of_end["epoch"]) == (100, 2)
    assert 0 < told_of_end["accuracy"] < 1
    assert told_of_end["text"] == f"one on {told_of_end['host']}: {told_of_end['sentence']}"


def test_the_start_and_the_best_epoch_are_told(told: Tell) -> None:
    started, best = sentences(told([*scripted.opening(), *scripted.epochs(1)], count=2))
    assert started[0] == "started"
    assert re.fullmatch(r"Training quick on .*, on .*\.", started[1])
    assert best[0] == "best"
    assert re.fullmatch(r"Best so far: test accuracy [\d.]+ % after epoch 1 of \d+, chosen on .* images\.", best[1])


def test_a_loss_that_is_no_number_is_told_with_its_step(told: Tell) -> None:
    lost = told([LossNotFinite(7, float("nan"), waiting=True)])
    assert sentences(lost) == [("loss-not-finite", "The loss of step 7 is NaN. Training waits for your answer.")]
    assert lost[0]["accuracy"] is None


@pytest.mark.parametrize(
    ("event", "name"),
    [
        (CheckpointFailed("net_001.pth", f"net_001.pth could not be saved: {FULL}."), "disk-full"),
        (CheckpointFailed("net_001.pth", "net_001.pth could not be saved: Input/output error."), "disk-error"),
        (Noted(f"The training state could not be saved: {FULL}."), "disk-full"),
        (Noted(f"The run's records wait in memory, for the disk refuses them: {FULL}."), "disk-full"),
    ],
)
def test_a_disk_that_refuses_is_told(told: Tell, event: Event, name: str) -> None:
    assert [one for one, _ in sentences(told([event]))] == [name]


def test_what_a_person_notes_is_no_trouble(told: Tell) -> None:
    assert told([NoteAdded(1, FULL, "me"), Noted("Batches do not divide.")], count=0) == []


def test_what_was_before_a_run_is_resumed_is_not_told_again(told: Tell) -> None:
    past = [*scripted.opening(), *scripted.epochs(2), RunFailed("It broke.", "", 1)]
    (finished,) = told([], RunStopped(100, "net_002.pth"), past=past)
    assert (finished["event"], finished["step"]) == ("stopped", 100)


LOSS = RunFailed("Process 1 of this run was lost.", "", LOST)


@pytest.mark.parametrize("ours", [True, False])
@pytest.mark.parametrize("leader", [True, False])
def test_a_lost_process_is_told_once(told: Tell, monkeypatch: pytest.MonkeyPatch, *, ours: bool, leader: bool) -> None:
    if ours:
        monkeypatch.setenv("CIFAR_TUI_LAUNCHED", "1")
    resumed = RunResumed(50, scripted.started().recipe, (), "", 0.0, "1")
    past: list[Event] = [*scripted.opening(), *scripted.epochs(1), LOSS, resumed]  # an earlier loss is told
    if not leader:  # which tells of the others where nobody is sure to start it again
        assert len(told([], LOSS, past=past, count=0 if ours else 1)) == (0 if ours else 1)
        past.append(LOSS)
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "1")
    (lost,) = told([], past=past)
    assert lost["event"] == "rank-lost"
    assert ("Process 1 of this run was lost." in lost["sentence"]) is not leader
