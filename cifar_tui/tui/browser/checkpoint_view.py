"""The checkpoints of a run, with everything that their rows show."""

import time
from collections.abc import Sequence

from cifar_tui import text
from cifar_tui.dataclass import dataclass
from cifar_tui.history.run_history import RunHistory
from cifar_tui.runs.checkpoints.listing import ListedCheckpoint, Piece
from cifar_tui.runs.checkpoints.retention import Inventory, JournaledCheckpoints, why_kept
from cifar_tui.runs.checkpoints.sidecars import Sidecar
from cifar_tui.tui.widgets.epoch_table import BEST_SIGN
from cifar_tui.tui.widgets.list_order import Key, ListOrder
from cifar_tui.tui.widgets.row_list import MARK_SIGN

PIN_SIGN = "◉"
SIZE_CELLS = 7
"""Room for a size: above 99.9 of a unit its tenths are left out."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One checkpoint, with everything its row shows."""

    sidecar: Sidecar
    """Its epoch, step, losses and accuracies."""
    there: int | None
    """Bytes of the weights' file; None where it is missing."""
    best: bool
    """True for the best epoch's."""
    pinned: bool
    """True while a person keeps it."""
    damaged: bool
    """True if its weights are not what was saved: by their size, or as an evaluation has found."""
    marked: bool = False
    """True while a person has marked it for a comparison."""
    measured: float | None = None
    """Test accuracy that an evaluation has found, 0 to 1, where its epoch was not tested."""

    @property
    def name(self) -> str:
        """The weights' file name."""
        return self.sidecar.checkpoint

    @property
    def test_accuracy(self) -> float | None:
        """Accuracy on the test images, of the epoch's test or of an evaluation; None before either."""
        return self.measured if self.sidecar.test_accuracy is None else self.sidecar.test_accuracy

    def cells(self) -> dict[str, str]:
        """Return its row's text, by column."""
        one = self.sidecar
        return {
            "Epoch": f"{one.epoch} {BEST_SIGN if self.best else ' '}{MARK_SIGN if self.marked else ' '}",
            "Step": f"{one.step:,}" if one.step < 1_000_000 else f"{one.step}",
            "Acc %": _share(one.train_accuracy),
            "Test %": _share(self.test_accuracy),
            "Size": self._size(),
            "Saved": text.age(time.time() - one.saved_at),
            PIN_SIGN: PIN_SIGN if self.pinned else "",
            "File": self.name,
        }

    def _size(self) -> str:
        if self.there is None:
            return "missing"
        size = text.size(self.there)
        if len(size) > SIZE_CELLS:
            size = f"{size[: size.index('.')]}{size[size.index(' ') :]}"
        return "damaged" if self.damaged else size

    def matches(self, words: Sequence[str]) -> bool:
        """Return True if every word names it: by its file, epoch or step, or as best, pinned, marked, damaged."""
        return all(self._matches(word) for word in words)

    def _matches(self, word: str) -> bool:
        if word.isdecimal():
            return int(word) in (self.sidecar.epoch, self.sidecar.step)
        return word in self.name or any(flag.startswith(word) for flag in self._flags())

    def _flags(self) -> list[str]:
        flags = {
            "best": self.best,
            "pinned": self.pinned,
            "marked": self.marked,
            "damaged": self.damaged,
            "missing": self.there is None,
        }
        return [flag for flag, holds in flags.items() if holds]


SORTED_BY: dict[str, Key[Entry]] = {
    "Epoch": lambda one: one.sidecar.epoch,
    "Step": lambda one: one.sidecar.step,
    "Acc %": lambda one: one.sidecar.train_accuracy,
    "Test %": lambda one: one.test_accuracy,
    "Size": lambda one: one.there,
    "Saved": lambda one: one.sidecar.saved_at,
    PIN_SIGN: lambda one: one.pinned,
    "File": lambda one: one.name,
}
"""The key that each column is sorted by; None comes last either way."""


def checkpoint_order() -> ListOrder[Entry]:
    """Return the order to begin with: the newest first."""
    return ListOrder(SORTED_BY, "Step")


class CheckpointView:
    """The listed checkpoints of one run, and which of them are marked."""

    def __init__(self) -> None:
        self.pinned: frozenset[str] | None = frozenset()
        """Names of the pinned; None where they cannot be read."""
        self.states: tuple[int, ...] = ()
        """The steps of the training states."""
        self.size: int | None = None
        """Bytes of the complete run, once they are known."""
        self.marked: frozenset[str] = frozenset()
        """Names of those marked for a comparison."""
        self.listed: dict[str, ListedCheckpoint] = {}

    def update(self, piece: Piece) -> None:
        """List a part of what a look at the folder has found."""
        for name in piece.gone:
            self.listed.pop(name, None)
        for one in piece.changed:
            self.listed[one.sidecar.checkpoint] = one
        self.pinned = piece.pinned
        if piece.size is not None:
            self.size, self.states = piece.size, piece.states

    def entries(self, history: RunHistory) -> list[Entry]:
        """Return all of them with the signs that hold now, the newest first."""
        best = history.best.step if history.best is not None else None
        pinned, failed = self.pinned or frozenset(), history.failed_evaluations
        newest_first = sorted(self.listed.items(), key=lambda item: (item[1].sidecar.step, item[0]), reverse=True)
        return [
            Entry(
                one.sidecar,
                one.there,
                one.sidecar.step == best,
                name in pinned,
                one.there not in (None, one.sidecar.size) or (name in failed and failed[name].damaged),
                name in self.marked,
                _measured(one, history),
            )
            for name, one in newest_first
        ]

    def title(self, in_view: int) -> str:
        """Return the list's title, as `150 checkpoints, 6.7 GB`."""
        count = text.counted(len(self.listed), "checkpoint")
        what = f"{in_view:,} of {count}" if in_view < len(self.listed) else count
        return f"{what}, {text.size(self.size)}" if self.size is not None else what if self.listed else "Checkpoints"

    def marked_sidecars(self) -> list[Sidecar]:
        """Return the marked ones that are still there, the oldest first."""
        marked = [one.sidecar for name, one in self.listed.items() if name in self.marked]
        return sorted(marked, key=lambda one: (one.step, one.checkpoint))

    def why_kept(self, checkpoint: str, history: RunHistory) -> str:
        """Return why it cannot be deleted, as far as is known without reading any weights; empty where it can."""
        journaled = JournaledCheckpoints({saved.checkpoint: saved.step for saved in history.checkpoints})
        for epoch in history.epochs:
            journaled.record(epoch)
        inventory = Inventory(
            checkpoints=tuple(one.sidecar for one in self.listed.values()),
            journaled=journaled,
            pinned=self.pinned,
            in_use=frozenset({history.evaluation.checkpoint} if history.evaluation is not None else ()),
            states=self.states,
            intact=lambda sidecar: self.listed[sidecar.checkpoint].intact,
        )
        return why_kept(inventory, checkpoint)


def _measured(one: ListedCheckpoint, history: RunHistory) -> float | None:
    """Return the accuracy of an evaluation on the run's test images: the stored one, or the recorded one."""
    recorded = history.verdicts.get(one.sidecar.checkpoint)
    found = [(one.measured, one.test_checksum)]
    found += [(recorded.accuracy, recorded.test_checksum)] if recorded is not None else []
    known = history.test_checksum
    holding = (share for share, checksum in found if share is not None and (not known or checksum in ("", known)))
    return next(holding, None)


def _share(share: float | None) -> str:
    return text.percent_number(share) if share is not None else "–"
