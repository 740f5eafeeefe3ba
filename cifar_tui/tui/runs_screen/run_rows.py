"""The listed runs, with everything that their rows show."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import field
from pathlib import Path

from cifar_tui import text
from cifar_tui.dataclass import dataclass
from cifar_tui.report import run_summary
from cifar_tui.runs.listing import RunsPiece
from cifar_tui.runs.overview import Overview
from cifar_tui.runs.where import parse_filter
from cifar_tui.tui.widgets.list_order import Key, ListOrder
from cifar_tui.tui.widgets.row_list import MARK_SIGN
from cifar_tui.tui.widgets.rows import cut_middle
from cifar_tui.tui.widgets.status import BADGES

NAME_CELLS = 23
OPEN_SIGN = "▸"
"""Before the run that is open behind the list."""
STATES: dict[str, tuple[str, str]] = {
    **{str(state): badge for state, badge in BADGES.items()},
    "killed": ("✗", "Killed"),
}
"""Sign and text of every state: colour is never the only sign."""


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run, with everything its row shows."""

    overview: Overview
    """Its state, progress and accuracies."""
    marked: bool
    """True while a person has marked it."""
    is_open: bool
    """True for the run that is open behind the list."""

    @property
    def name(self) -> str:
        """Its folder's name."""
        return self.overview.name

    @property
    def folder(self) -> Path:
        """Its folder."""
        return self.overview.folder

    @property
    def trains(self) -> bool:
        """True while it lives and has not ended."""
        return self.overview.trains

    def cells(self) -> dict[str, str]:
        """Return its row's text, by column."""
        one = self.overview
        signs = f"{MARK_SIGN if self.marked else ' '}{OPEN_SIGN if self.is_open else ' '}"
        return {
            "  Run": signs + cut_middle(text.safe_text(one.name), NAME_CELLS),
            "State": " ".join(STATES[one.state]),
            "Progress": one.progress,
            "Left": text.rough_duration(one.seconds_left) if math.isfinite(one.seconds_left) else "",
            "Best %": _share(one.best_accuracy),
            "Last %": _share(one.last_accuracy),
            "Preset": text.safe_text(one.recipe.preset, 20),
            "Data": text.safe_text(Path(one.recipe.data).name, 40),
            "Age": _age(time.time() - one.started_at) if one.started_at else "–",
            "Size": text.size(one.size),
            "Tags": " ".join(one.tags),
            "Note": text.safe_text(one.note),
        }

    def matches(self, words: Sequence[str]) -> bool:
        """Return True if every word is in its name, state, preset, data, tags, note or parent."""
        if not words:
            return True
        one = self.overview
        facts = [one.name, STATES[one.state][1], one.recipe.preset, one.recipe.data, one.note, *one.tags]
        facts += ["live"] * one.live + ["marked"] * self.marked + [run_summary.ancestry(one.recipe)]
        everything = "\n".join(facts).lower()
        return all(word in everything for word in words)


SORTED_BY: dict[str, Key[RunRow]] = {
    "  Run": lambda row: row.name,
    "State": lambda row: row.overview.state,
    "Progress": lambda row: row.overview.step / row.overview.total_steps if row.overview.total_steps else 0.0,
    "Left": lambda row: row.overview.seconds_left if math.isfinite(row.overview.seconds_left) else None,
    "Best %": lambda row: row.overview.best_accuracy,
    "Last %": lambda row: row.overview.last_accuracy,
    "Preset": lambda row: row.overview.recipe.preset,
    "Data": lambda row: row.overview.recipe.data,
    "Age": lambda row: row.overview.started_at,
    "Size": lambda row: row.overview.size,
    "Tags": lambda row: " ".join(row.overview.tags) or None,
    "Note": lambda row: row.overview.note or None,
}
"""The key that each column is sorted by; None comes last either way."""


def run_order() -> ListOrder[RunRow]:
    """Return the order to begin with: the newest first."""
    return ListOrder(SORTED_BY, "Age", parse=run_filter)


def run_filter(text: str) -> Callable[[RunRow], bool]:
    """Return the filter of words and of terms as `accuracy>80%`, all of which must hold. Raises BadInput."""
    typed, where = parse_filter(text)
    words = [word.lower() for word in typed]
    return lambda row: where(row.overview) and row.matches(words)


@dataclass(slots=True)
class ListedRuns:
    """The listed runs, and which of them are marked."""

    marked: set[Path] = field(default_factory=set)
    """Folders of the marked."""
    listed: dict[Path, Overview] = field(default_factory=dict)
    complete: bool = False
    """True once the whole folder was read."""
    unreadable: int = 0
    """Runs that cannot be read, and so are not listed."""

    def update(self, piece: RunsPiece) -> None:
        """List a part of what a look at the folder has found."""
        for folder in piece.gone:
            self.listed.pop(folder, None)
            self.marked.discard(folder)
        self.listed.update((one.folder, one) for one in piece.changed)
        self.complete = self.complete or piece.complete
        self.unreadable = piece.unreadable if piece.complete else self.unreadable

    def rows(self, open_folder: Path | None) -> list[RunRow]:
        """Return all of them with the signs that hold now, the newest first."""
        rows = [RunRow(one, one.folder in self.marked, one.folder == open_folder) for one in self.listed.values()]
        return sorted(rows, key=lambda row: (row.overview.started_at, row.name), reverse=True)

    def title(self, in_view: int) -> str:
        """Return the list's title, as `12 runs, 6.7 GB`."""
        count = text.counted(len(self.listed), "run")
        size = f", {text.size(sum(one.size for one in self.listed.values()))}" if self.complete else ""
        return f"{in_view:,} of {count}{size}" if in_view < len(self.listed) else f"{count}{size}"

    def marked_overviews(self) -> list[Overview]:
        """Return the marked runs, the oldest first."""
        return sorted((self.listed[folder] for folder in self.marked), key=lambda one: (one.started_at, one.name))


def _share(share: float | None) -> str:
    return text.percent_number(share) if share is not None else "–"


def _age(seconds: float) -> str:
    return "now" if seconds < 60 else text.age(seconds).removesuffix(" ago")
