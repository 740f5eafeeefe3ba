"""What a person has chosen of the screen, remembered in their configuration folder."""

import contextlib
import dataclasses
import json
import os
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import platformdirs

from cifar_tui.text import safe_text
from cifar_tui.tui.charts.chart_kinds import CURVE_LABELS
from cifar_tui.tui.charts.chart_view import AXES, SMOOTHINGS, Axis, ChartView, Smoothing
from cifar_tui.tui.panels import PANEL_NAMES

SIZE_LIMIT = 64 * 1024
"""Bytes; a larger file is no configuration."""


@dataclass(frozen=True, slots=True)
class Preferences:
    """The choices that outlive a screen."""

    theme: str | None = None
    """The theme's name; None for the default."""
    axis: Axis = "step"
    smoothing: Smoothing = "light"
    logarithmic: bool = False
    ticks: bool = False
    hidden_curves: tuple[str, ...] = ()
    """Labels of curves that are switched off."""
    hidden_panels: tuple[str, ...] = ()
    """Names of panels that are not shown."""
    maximised: str | None = None
    """The panel that has the whole screen; None for all."""

    @property
    def view(self) -> ChartView:
        """The view on the charts to start with."""
        return ChartView(self.axis, self.smoothing, self.logarithmic, self.ticks, frozenset(self.hidden_curves))

    def with_view(self, view: ChartView) -> Self:
        """The preferences with what of a view outlives the screen."""
        return dataclasses.replace(
            self,
            axis=view.axis,
            smoothing=view.smoothing,
            logarithmic=view.logarithmic,
            ticks=view.ticks,
            hidden_curves=tuple(sorted(view.hidden)),
        )

    @classmethod
    def from_record(cls, record: object) -> Self:
        """The preferences a record was made from. Raises ValueError naming what is wrong."""
        if not isinstance(record, dict):
            raise ValueError("it is no JSON object")
        values: dict[str, object] = {}
        for name, value in record.items():
            if name not in _CHECKS:
                raise ValueError(f"it has an unknown {name!r:.60}")
            if not _CHECKS[name](value):
                raise ValueError(f"{name} cannot be {value!r:.60}")
            values[name] = tuple(value) if isinstance(value, list) else value
        return cls(**values)  # type: ignore[arg-type] # each value was checked just above


def _one_of(choices: Collection[object]) -> Callable[[object], bool]:
    return lambda value: isinstance(value, str | None) and value in choices


def _some_of(choices: Collection[str]) -> Callable[[object], bool]:
    return lambda value: isinstance(value, list) and all(isinstance(one, str) and one in choices for one in value)


def _truth(value: object) -> bool:
    return isinstance(value, bool)


_CHECKS: dict[str, Callable[[object], bool]] = {
    "theme": lambda value: isinstance(value, str | None),
    "axis": _one_of(AXES),
    "smoothing": _one_of(SMOOTHINGS),
    "logarithmic": _truth,
    "ticks": _truth,
    "hidden_curves": _some_of(CURVE_LABELS),
    "hidden_panels": lambda value: _some_of(PANEL_NAMES)(value) and not {*PANEL_NAMES} <= {*value},  # type: ignore[misc]
    "maximised": _one_of((None, *PANEL_NAMES)),
}
"""What each of the preferences may be."""


class PreferencesFile:
    """Where preferences are kept. What cannot be read or written is named and never in the way."""

    def __init__(self, path: Path | None = None) -> None:
        """Use `path`, or the person's own configuration folder."""
        self.path = path or Path(platformdirs.user_config_dir("cifar-tui")) / "screen.json"
        self.trouble = ""
        """One sentence when the file could not be used."""

    def read(self) -> Preferences:
        """The preferences; the default ones, with a sentence in `trouble`, where the file is broken."""
        try:
            with self.path.open("rb") as file:
                content = file.read(SIZE_LIMIT + 1)
            if len(content) > SIZE_LIMIT:
                raise ValueError("it is too large")
            return Preferences.from_record(json.loads(content))
        except FileNotFoundError:
            return Preferences()
        except (OSError, ValueError, RecursionError) as error:
            reason = safe_text((getattr(error, "strerror", None) or str(error)) or type(error).__name__)
            self.trouble = f"{safe_text(str(self.path))} is not used: {reason}. The next choice you make replaces it."
            return Preferences()

    def write(self, preferences: Preferences) -> None:
        """Keep the preferences, whole or not at all; a folder that refuses is left alone."""
        temporary = self.path.with_name(f"{self.path.name}.{os.getpid()}.tmp")
        with contextlib.suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_text(json.dumps(dataclasses.asdict(preferences), indent=2) + "\n", encoding="utf-8")
            temporary.replace(self.path)
