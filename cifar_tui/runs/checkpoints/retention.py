"""Says which checkpoints may be deleted, and why the others stay. Looks at no disk: it is given what is there."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from cifar_tui.events import CheckpointDeleted, CheckpointSaved, EpochDone, RolledBack, RunResumed
from cifar_tui.history.run_history import FeedItem
from cifar_tui.runs.checkpoints.sidecars import Sidecar

LEAST_KEPT = 2
"""Of the newest: one, and the one before in case the newest is damaged."""
BROKEN_PINS = "The pins cannot be read: nothing is deleted until pinned.json is mended or removed."


@dataclass(slots=True)
class JournaledCheckpoints:
    """Checkpoints by a run's journal; files of steps that were undone may still be there."""

    steps: dict[str, int] = field(default_factory=dict)
    """The last step of each checkpoint that was said to be saved, by its name."""
    scores: dict[int, float] = field(default_factory=dict)
    """The accuracy that the best epoch is chosen by, 0 to 1, by the epoch's last step."""

    def record(self, event: FeedItem) -> None:
        """Take in what was said."""
        match event:
            case CheckpointSaved():
                self.steps[event.checkpoint] = event.step
            case CheckpointDeleted():
                self.steps.pop(event.checkpoint, None)
            case EpochDone():
                self.scores[event.step] = event.choosing_accuracy
            case RunResumed() | RolledBack():
                self.undo(event.at_step if isinstance(event, RunResumed) else event.to_step)

    def undo(self, after_step: int) -> None:
        """Forget the events of later steps."""
        self.steps = {name: step for name, step in dict(self.steps).items() if step <= after_step}
        self.scores = {step: score for step, score in dict(self.scores).items() if step <= after_step}


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """All that decides which checkpoints of a run may go."""

    checkpoints: tuple[Sidecar, ...]
    """Those on disk."""
    journaled: JournaledCheckpoints
    """Those that the journal has."""
    pinned: frozenset[str] | None
    """Those that a person wants to keep, by name; None where that cannot be read."""
    in_use: frozenset[str]
    """Those that are being evaluated, or soon will be, by name."""
    states: tuple[int, ...]
    """The steps of the training states on disk: to each, the run may go back."""
    intact: Callable[[Sidecar], bool]
    """Returns True if a checkpoint's weights are what was saved."""


def why_kept(standing: Inventory, checkpoint: str) -> str:
    """Return why a checkpoint cannot be deleted on request, as a sentence; empty where it can."""
    if standing.pinned is None:
        return BROKEN_PINS
    if checkpoint in standing.pinned:
        return f"{checkpoint} is pinned, and stays."
    if checkpoint in standing.in_use:
        return f"{checkpoint} is being evaluated, and stays."
    said = _said(standing)
    if any(checkpoint in _last_good(standing, group) for group in (said, standing.checkpoints)):
        return f"{checkpoint} is the last good one, and stays."
    if any(checkpoint in _best(standing, group) for group in (said, standing.checkpoints)):
        return f"{checkpoint} is the best one, and stays."
    if checkpoint in _after_going_back(standing):
        return f"{checkpoint} is needed if the run goes back to a training state, and stays."
    return ""


def deletable(standing: Inventory, kept: int | None) -> list[Sidecar]:
    """The checkpoints that are neither the best nor among so many of the newest, nor needed otherwise; oldest first.

    Two of the newest stay at least. What the records do not vouch for is neither counted nor deleted.
    """
    if kept is None or standing.pinned is None:
        return []
    said = _said(standing)
    stay = standing.pinned | standing.in_use | _newest(standing, said, max(kept, LEAST_KEPT)) | _best(standing, said)
    stay |= _after_going_back(standing)
    return sorted((one for one in said if one.checkpoint not in stay), key=_age)


def _said(standing: Inventory) -> list[Sidecar]:
    """The checkpoints that the records vouch for."""
    steps = dict(standing.journaled.steps)
    return [one for one in standing.checkpoints if steps.get(one.checkpoint) == one.step]


def _last_good(standing: Inventory, group: Iterable[Sidecar]) -> frozenset[str]:
    """The newest that is whole, by name; none where none is."""
    for one in sorted(group, key=_age, reverse=True):
        if standing.intact(one):
            return frozenset({one.checkpoint})
    return frozenset()


def _newest(standing: Inventory, group: Iterable[Sidecar], count: int) -> frozenset[str]:
    """So many of the newest that are whole, and those newer than these: they may be mended yet."""
    names: set[str] = set()
    for one in sorted(group, key=_age, reverse=True):
        if count == 0:
            break
        names.add(one.checkpoint)
        count -= standing.intact(one)
    return frozenset(names)


def _best(standing: Inventory, group: Iterable[Sidecar]) -> frozenset[str]:
    """The best that is whole, the earliest of equals, by name; none where nothing has a score. NaN is none."""
    scores = {step: score for step, score in dict(standing.journaled.scores).items() if math.isfinite(score)}
    scored = [one for one in group if one.step in scores]
    for one in sorted(scored, key=lambda one: (-scores[one.step], *_age(one))):
        if standing.intact(one):
            return frozenset({one.checkpoint})
    return frozenset()


def _after_going_back(standing: Inventory) -> frozenset[str]:
    """Return the last good and the best checkpoints for each training state that the run may go back to."""
    names: frozenset[str] = frozenset()
    for step in standing.states:
        earlier = [one for one in _said(standing) if one.step <= step]
        names |= _last_good(standing, earlier) | _best(standing, earlier)
    return names


def _age(sidecar: Sidecar) -> tuple[int, str]:
    return sidecar.step, sidecar.checkpoint
