"""Says which checkpoints may be deleted, and why the others stay. Looks at no disk: it is given what is there."""

import math
from collections.abc import Callable, Iterable
from dataclasses import field

from cifar_tui.checkpoint_events import CheckpointDeleted, CheckpointSaved
from cifar_tui.dataclass import dataclass
from cifar_tui.events import EpochDone, RolledBack, RunResumed
from cifar_tui.history.run_history import FeedItem
from cifar_tui.runs.checkpoints.sidecars import Sidecar

LEAST_KEPT = 2
"""Of the newest: one, and the one before in case the newest is damaged."""
BROKEN_PINS = "The pins cannot be read: nothing is deleted until pinned.json is repaired or deleted."


@dataclass(slots=True)
class JournaledCheckpoints:
    """Checkpoints by a run's journal; files of steps that were undone may still be there."""

    steps: dict[str, int] = field(default_factory=dict)
    """The last step of each checkpoint that was saved, by its name."""
    scores: dict[int, float] = field(default_factory=dict)
    """The accuracy that the best epoch is chosen by, 0 to 1, by the epoch's last step."""

    def record(self, event: FeedItem) -> None:
        """Record an event."""
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


def why_kept(inventory: Inventory, checkpoint: str) -> str:
    """Return why a checkpoint cannot be deleted on request, as a sentence; empty where it can."""
    if inventory.pinned is None:
        return BROKEN_PINS
    if checkpoint in inventory.pinned:
        return f"{checkpoint} is pinned, so it cannot be deleted."
    if checkpoint in inventory.in_use:
        return f"{checkpoint} is being evaluated, so it cannot be deleted now."
    recorded = _recorded(inventory)
    if any(checkpoint in _last_good(inventory, group) for group in (recorded, inventory.checkpoints)):
        return f"{checkpoint} is the newest intact checkpoint, so it cannot be deleted."
    if any(checkpoint in _best(inventory, group) for group in (recorded, inventory.checkpoints)):
        return f"{checkpoint} is the best checkpoint, so it cannot be deleted."
    if checkpoint in _after_going_back(inventory):
        return f"{checkpoint} is needed if the run resumes from an earlier state, so it cannot be deleted."
    return ""


def deletable(inventory: Inventory, kept: int | None) -> list[Sidecar]:
    """Return the checkpoints that are neither the best nor among so many of the newest nor needed; oldest first.

    Two of the newest stay at least. Those that the journal does not have are neither counted nor deleted.
    """
    if kept is None or inventory.pinned is None:
        return []
    recorded = _recorded(inventory)
    stay = (
        inventory.pinned
        | inventory.in_use
        | _newest(inventory, recorded, max(kept, LEAST_KEPT))
        | _best(inventory, recorded)
    )
    stay |= _after_going_back(inventory)
    return sorted((one for one in recorded if one.checkpoint not in stay), key=_age)


def _recorded(inventory: Inventory) -> list[Sidecar]:
    """Return the checkpoints that the journal has."""
    steps = dict(inventory.journaled.steps)
    return [one for one in inventory.checkpoints if steps.get(one.checkpoint) == one.step]


def _last_good(inventory: Inventory, group: Iterable[Sidecar]) -> frozenset[str]:
    """Return the newest that is intact, by name; none where none is."""
    for one in sorted(group, key=_age, reverse=True):
        if inventory.intact(one):
            return frozenset({one.checkpoint})
    return frozenset()


def _newest(inventory: Inventory, group: Iterable[Sidecar], count: int) -> frozenset[str]:
    """Return so many of the newest that are intact, and all that are newer: they may be repaired yet."""
    names: set[str] = set()
    for one in sorted(group, key=_age, reverse=True):
        if count == 0:
            break
        names.add(one.checkpoint)
        count -= inventory.intact(one)
    return frozenset(names)


def _best(inventory: Inventory, group: Iterable[Sidecar]) -> frozenset[str]:
    """Return the best that is intact, the earliest of equals, by name; none where nothing has a score. NaN is none."""
    scores = {step: score for step, score in dict(inventory.journaled.scores).items() if math.isfinite(score)}
    scored = [one for one in group if one.step in scores]
    for one in sorted(scored, key=lambda one: (-scores[one.step], *_age(one))):
        if inventory.intact(one):
            return frozenset({one.checkpoint})
    return frozenset()


def _after_going_back(inventory: Inventory) -> frozenset[str]:
    """Return the last good and the best checkpoints for each training state that the run may go back to."""
    names: frozenset[str] = frozenset()
    for step in inventory.states:
        earlier = [one for one in _recorded(inventory) if one.step <= step]
        names |= _last_good(inventory, earlier) | _best(inventory, earlier)
    return names


def _age(sidecar: Sidecar) -> tuple[int, str]:
    return sidecar.step, sidecar.checkpoint
