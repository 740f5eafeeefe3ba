"""Colour themes from TOML files: the shipped ones and a person's own, each checked before it is used."""

import dataclasses
import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from textual.color import Color, ColorParseError
from textual.theme import Theme

from cifar_tui.dataclass import dataclass
from cifar_tui.errors import BadInput
from cifar_tui.text import safe_text
from cifar_tui.tui.settings.heat_map_colours import heat_variables

DEFAULT_THEME = "night"
SIZE_LIMIT = 64 * 1024
"""Bytes; a larger file is no theme."""
TEXTUAL_COLOURS = (
    "primary",
    "secondary",
    "accent",
    "foreground",
    "background",
    "surface",
    "panel",
    "success",
    "warning",
    "error",
)
CHART_COLOURS = ("raw", "smooth", "test", "rate", "axis", "mark", "other-1", "other-2", "other-3", "other-4")

OVERLAID = {"other-1": "success", "other-2": "warning", "other-3": "secondary", "other-4": "primary"}
"""The colours of overlaid runs where a theme, as one written for an earlier version, names none."""

ROWS = {"on-colour": "background", "cursor-row": "panel", "on-cursor-row": "foreground"}
"""The colours of words on a coloured ground, of the row under a cursor and of its words."""
SIXTEEN_ROWS = {"on-colour": "ansi_black", "cursor-row": "ansi_blue", "on-cursor-row": "ansi_bright_white"}
"""The same in a terminal's own colours, where the theme's ground is the terminal's, whatever that is."""


@dataclass(frozen=True, slots=True)
class Themes:
    """The themes of some folders."""

    usable: dict[str, Theme]
    """By name, the default first."""
    broken: tuple[str, ...]
    """One sentence for each file that could not be used."""

    def chosen(self, name: str | None) -> str:
        """Return the theme to start with. Raises BadInput, with the names there are, for any other name."""
        if name is None:
            return DEFAULT_THEME
        if name not in self.usable:
            raise BadInput(
                f"There is no theme '{safe_text(name)}'. Choose one of: {', '.join(self.usable)}."
                + (f" {self.broken[0]}" if self.broken else "")
            )
        return name


def find_themes(folders: list[Path]) -> Themes:
    """Read every `*.toml` of the folders; a later theme of the same name replaces the earlier one."""
    usable: dict[str, Theme] = {}
    broken: list[str] = []
    for folder in folders:
        for path in sorted(folder.glob("*.toml"), key=lambda path: (path.stem != DEFAULT_THEME, path)):
            try:
                theme = read_theme(path, usable.get(DEFAULT_THEME))
            except ValueError as error:
                broken.append(f"The theme {safe_text(str(path))} cannot be used: {safe_text(str(error))}.")
                continue
            usable[theme.name] = theme
    return Themes(dict(sorted(usable.items(), key=lambda item: (item[0] != DEFAULT_THEME, item[0]))), tuple(broken))


def read_theme(path: Path, default: Theme | None = None) -> Theme:
    """Read one theme; its name is the file's. Raises ValueError naming what is wrong.

    Chart colours that it lacks, as one written for an earlier version does, are those of `default`.
    """
    try:
        with path.open("rb") as file:
            content = file.read(SIZE_LIMIT + 1)
        if len(content) > SIZE_LIMIT:
            raise ValueError("it is too large for a theme")
        record = tomllib.loads(content.decode("utf-8"))
    except OSError as error:
        raise ValueError(error.strerror or "it cannot be read") from error
    dark, ansi = _flag(record, "dark", default=True), _flag(record, "ansi", default=False)
    colours = _colours(record, "colours", TEXTUAL_COLOURS)
    for name in colours:
        if name not in TEXTUAL_COLOURS:
            raise ValueError(f"[colours] has an unknown {name}")
    fallback = {name: default.variables[f"chart-{name}"] for name in CHART_COLOURS} if default is not None else {}
    fallback |= {name: colours[own] for name, own in OVERLAID.items()}
    chart = _colours(record, "chart", CHART_COLOURS, fallback)
    variables = {f"chart-{name}": colour for name, colour in chart.items()}
    rows = SIXTEEN_ROWS if ansi else {name: colours[own] for name, own in ROWS.items()}
    variables = heat_variables(colours, ansi=ansi) | rows | _colours(record, "variables") | variables
    theme = Theme(name=path.stem, primary=colours["primary"], dark=dark, ansi=ansi, variables=variables)
    return dataclasses.replace(theme, **colours)  # type: ignore[arg-type] # colours all, by the checks above


def _flag(record: dict[str, object], name: str, *, default: bool) -> bool:
    value = record.get(name, default)
    if not isinstance(value, bool):
        raise ValueError(f"{name} must be true or false")
    return value


def _colours(
    record: dict[str, object],
    section: str,
    required: tuple[str, ...] = (),
    fallback: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, str]:
    """Return a section's colours, each checked, and those of `fallback` that it lacks; all required must be there."""
    found = record.get(section, {})
    if not isinstance(found, dict):
        raise ValueError(f"[{section}] must be a section")
    found = {**fallback, **found}
    for name in required:
        if name not in found:
            raise ValueError(f"[{section}] has no {name}")
    for name, colour in found.items():
        try:
            Color.parse(colour if isinstance(colour, str) else "")
        except ColorParseError:
            raise ValueError(f"{section}.{name} is no colour: {colour!r}") from None
    return found
