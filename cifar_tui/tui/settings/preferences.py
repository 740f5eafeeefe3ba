"""A person's choices for the screen, kept in their configuration folder."""

import contextlib
import dataclasses
import json
import os
from pathlib import Path
from typing import Annotated, Self

from cifar_tui.dataclass import dataclass
from cifar_tui.serialization import from_record, to_record, with_unknown
from cifar_tui.system.personal_folders import config_folder
from cifar_tui.text import safe_text
from cifar_tui.tui.charts.chart_kinds import CURVE_LABELS
from cifar_tui.tui.charts.chart_view import Axis, ChartView, Smoothing
from cifar_tui.tui.panels import PANEL_NAMES

SIZE_LIMIT = 64 * 1024
"""Bytes; a larger file is refused."""
CurveLabels = Annotated[tuple[str, ...], lambda labels: {*labels} <= {*CURVE_LABELS}]
HiddenPanels = Annotated[tuple[str, ...], lambda names: {*names} < {*PANEL_NAMES}]
MaximisedPanel = Annotated[str | None, lambda name: name in (None, *PANEL_NAMES)]


@dataclass(frozen=True, slots=True)
class Preferences:
    """The choices that outlive a screen."""

    theme: str | None = None
    """The theme's name; None for the default."""
    axis: Axis = "step"
    smoothing: Smoothing = "light"
    logarithmic: bool = False
    ticks: bool = False
    hidden_curves: CurveLabels = ()
    """Labels of curves that are switched off."""
    hidden_panels: HiddenPanels = ()
    """Names of panels that are not shown."""
    maximised: MaximisedPanel = None
    """The panel that fills the screen; None for all."""

    @property
    def view(self) -> ChartView:
        """The initial view of the charts."""
        return ChartView(self.axis, self.smoothing, self.logarithmic, self.ticks, frozenset(self.hidden_curves))

    def with_view(self, view: ChartView) -> Self:
        """Return the preferences with those parts of a view that outlive the screen."""
        return dataclasses.replace(
            self,
            axis=view.axis,
            smoothing=view.smoothing,
            logarithmic=view.logarithmic,
            ticks=view.ticks,
            hidden_curves=tuple(sorted(view.hidden)),
        )


class PreferencesFile:
    """File of the preferences. One that cannot be read is named and left out; a failed write is ignored."""

    def __init__(self, path: Path | None = None) -> None:
        """Use `path`, or the person's own configuration folder."""
        self.path = path or config_folder() / "screen.json"
        self.trouble = ""
        """One sentence when the file could not be used, else empty."""
        self._record: object = None
        """Content of the file, for the fields that only another version knows."""

    def read(self) -> Preferences:
        """Return the preferences; what cannot be used of the file has its default, and `trouble` names it."""
        try:
            with self.path.open("rb") as file:
                content = file.read(SIZE_LIMIT + 1)
            if len(content) > SIZE_LIMIT:
                raise ValueError("it is too large")
            self._record = json.loads(content)
            misfits: list[str] = []
            preferences = from_record(Preferences, self._record, misfits)
            if misfits:
                self.trouble = self._trouble("; ".join(misfits), "A choice in ")
            return preferences
        except (FileNotFoundError, NotADirectoryError):
            return Preferences()
        except (OSError, ValueError, RecursionError) as error:
            self.trouble = self._trouble(
                (getattr(error, "strerror", None) or str(error)) or type(error).__name__, "not used"
            )
            return Preferences()

    def write(self, preferences: Preferences) -> None:
        """Write the preferences, completely or not at all; a folder that cannot be written is left alone."""
        record = with_unknown(Preferences, to_record(preferences), self._record)
        temporary = self.path.with_name(f"{self.path.name}.{os.getpid()}.tmp")
        with contextlib.suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
            temporary.replace(self.path)

    def _trouble(self, reason: str, which: str = "") -> str:
        where = f"{which}{safe_text(str(self.path))}"
        return f"{where} is not used: {safe_text(reason)}. The next choice you make replaces it."
