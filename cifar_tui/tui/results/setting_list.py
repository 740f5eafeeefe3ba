"""The list of settings that runs are compared by, its columns being what differs."""

from collections.abc import Sequence
from typing import ClassVar

from cifar_tui import text
from cifar_tui.dataclass import dataclass
from cifar_tui.report import results_text
from cifar_tui.report.baseline import setting_label
from cifar_tui.report.choices import column_name, setting_text
from cifar_tui.report.results import ResultRow, Results
from cifar_tui.tui.widgets.epoch_table import BEST_SIGN
from cifar_tui.tui.widgets.list_order import Key, ListOrder
from cifar_tui.tui.widgets.row_list import Columns, RowList

SEEDS, EPOCH, DIFFERENCE, TIME = "Seeds", "Epoch", "Difference", "Time"
WIDEST = 28
"""Cells of a setting's value, at most."""
SIGNS = "  "
"""Room for the cursor's sign and the best one's, before the first column."""


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One setting, with everything its row shows."""

    row: ResultRow
    """Its runs and their averages."""
    results: Results
    """The table that it belongs to."""

    @property
    def name(self) -> str:
        """Its choices on one line, by which it is known again."""
        return setting_label(self.row)

    def cells(self) -> dict[str, str]:
        """Return its row's text, by column."""
        fields = self.results.fields
        settings = [text.shortened(setting_text(self.row.recipe, name), WIDEST) for name in fields]
        settings[0] = f" {BEST_SIGN if self.row.best else ' '}{settings[0]}"
        averages = map(results_text.average_text, results_text.accuracies(self.results, self.row))
        return {
            **dict(zip(setting_heads(self.results), settings, strict=True)),
            SEEDS: results_text.seeds_text(self.row),
            **dict(zip(accuracy_heads(self.results), averages, strict=True)),
            EPOCH: results_text.epochs_text(self.row),
            DIFFERENCE: results_text.difference_text(self.row),
            TIME: results_text.time_text(self.row),
        }

    def matches(self, words: Sequence[str]) -> bool:
        """Return True if every word is in its choices, or in the name of one of its runs."""
        row = self.row
        names = [*(one.name for one in row.runs), *(one.name for one in row.unfinished)]
        everything = "\n".join([self.name, *names, *["best"] * row.best, *["baseline"] * row.is_baseline]).lower()
        return all(word in everything for word in words)


def setting_heads(results: Results) -> list[str]:
    """Return the heads of the columns of choices, the first with room for the signs."""
    first, *others = map(column_name, results.fields)
    return [SIGNS + first, *others]


def accuracy_heads(results: Results) -> list[str]:
    """Return the heads of the columns of accuracies."""
    return [head.capitalize() for head in results_text.accuracy_heads(results)]


def columns_of(results: Results) -> Columns:
    """Return the columns, each as wide as its widest cell needs."""
    cells = [SettingRow(row, results).cells() for row in results.rows]
    settings, numbers = setting_heads(results), accuracy_heads(results)
    epoch = [EPOCH] if results.by == "best" else []
    heads = [*settings, SEEDS, *numbers, *epoch, DIFFERENCE, TIME]
    widths = {head: max(text.cells(head) + 1, *(text.cells(row[head]) for row in cells)) for head in heads}
    return Columns(widths, (*settings, DIFFERENCE, TIME), (TIME, *epoch, DIFFERENCE, *reversed(settings[1:])))


def order_of(results: Results) -> ListOrder[SettingRow]:
    """Return the order to begin with: by the choices, from left to right."""
    keys: dict[str, Key[SettingRow]] = {
        head: _choice_key(name) for head, name in zip(setting_heads(results), results.fields, strict=True)
    }
    keys[SEEDS] = lambda one: len(one.row.accuracy.by_seed)
    keys |= {head: _accuracy_key(place) for place, head in enumerate(accuracy_heads(results))}
    keys[EPOCH] = lambda one: max((run.epoch for run in one.row.runs), default=None)
    keys[DIFFERENCE] = lambda one: _difference(one.row)
    keys[TIME] = lambda one: one.row.seconds if one.row.runs else None
    return ListOrder(keys, next(iter(keys)), falling=False)


def _choice_key(field: str) -> Key[SettingRow]:
    def key(one: SettingRow) -> float | str | None:
        value = getattr(one.row.recipe, field)
        if value is None and field != "model":
            return None
        return value if isinstance(value, int | float) else setting_text(one.row.recipe, field)

    return key


def _accuracy_key(place: int) -> Key[SettingRow]:
    def key(one: SettingRow) -> float | None:
        return results_text.accuracies(one.results, one.row)[place].mean if one.row.runs else None

    return key


def _difference(row: ResultRow) -> float | None:
    return row.difference.mean if row.difference is not None else 0.0 if row.is_baseline else None


class SettingList(RowList[SettingRow]):
    """Rows of settings."""

    COLUMNS: ClassVar[Columns] = Columns({SIGNS: len(SIGNS)}, (SIGNS,), ())
