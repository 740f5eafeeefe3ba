"""The options that commands share, and the checks of what was typed."""

import functools
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from cifar_tui.option import RECIPE, RUN, Option, check_choice, options_of
from cifar_tui.presets import PRESETS
from cifar_tui.recipe import Recipe

DEFAULT_PRESET = "default"
DEFAULT_DATA_DIR = "data"
MARKERS = ("braille", "hd", "dot")
ALERTS = ("none", "bell", "osc9", "osc777")

SCREEN = "Screen"
RECIPE_OPTIONS = options_of(Recipe)


def _option(panel: str, flag: str, text: str, metavar: str | None = None) -> Any:  # Any: typer.Option returns it
    return typer.Option(flag, metavar=metavar, help=text, rich_help_panel=panel)


PRESET_HELP = f"The recipe to start from: {', '.join(PRESETS)}; without one, {DEFAULT_PRESET}."
PresetName = Annotated[str | None, _option(RECIPE, "--preset", PRESET_HELP, "NAME")]
ResumedRun = Annotated[
    str | None, _option(RUN, "--resume", "Go on with a run that ended: its name or its folder.", "RUN")
]
FROM_HELP = "Start a new run from a checkpoint: RUN:EPOCH, a run for its newest one, or a file."
StartCheckpoint = Annotated[str | None, _option(RUN, "--from", FROM_HELP, "CHECKPOINT")]
RunName = Annotated[str | None, _option(RUN, "--run-name", "The run's name; its folder is runs/NAME.", "NAME")]
RunFolderPath = Annotated[Path | None, _option(RUN, "--outf", "The run's folder, instead of runs/NAME.", "DIR")]
Headless = Annotated[bool, _option(SCREEN, "--headless", "Print plain lines instead of the screen.")]
Detach = Annotated[
    bool, _option(SCREEN, "--detach", "Start without a screen, in the background, and return; see attach.")
]
ThemeName = Annotated[str | None, _option(SCREEN, "--theme", "The screen's colours; see key t.", "NAME")]
MARKER_HELP = f"What curves are drawn with: {', '.join(MARKERS)}; hd and dot where a font has no braille."
Marker = Annotated[str, _option(SCREEN, "--marker", MARKER_HELP, "NAME")]
NoMouse = Annotated[bool, _option(SCREEN, "--no-mouse", "Leave the mouse to the terminal, for selecting text.")]
ALERT_HELP = f"Call when the run ends or is in trouble: {', '.join(ALERTS)}."
AlertKind = Annotated[str, _option(SCREEN, "--alert", ALERT_HELP, "NAME")]


def check_screen_options(marker: str, alert: str) -> None:
    """Raise BadInput for a name that the screen does not know."""
    check_choice("--marker", marker, MARKERS)
    check_choice("--alert", alert, ALERTS)


def recipe_options(*fields: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command an option for each of these fields of the recipe, or for all, in place of its parameter `changes`.

    `changes` gets what was typed, as `parse_changes` returns it.
    """
    options = [RECIPE_OPTIONS[name] for name in fields or RECIPE_OPTIONS]

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        parameters: list[inspect.Parameter] = []
        for parameter in inspect.signature(command).parameters.values():
            parameters += map(_parameter, options) if parameter.name == "changes" else [parameter]

        # Any: each value has the type that its parameter's annotation names.
        @functools.wraps(command)
        def with_options(**values: Any) -> None:
            typed = {option.field: values.pop(option.field) for option in options}
            command(**values, changes=parse_changes(typed))

        # Typer builds a command's options from its signature and its annotations.
        with_options.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        with_options.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return with_options

    return decorate


def _parameter(option: Option) -> inspect.Parameter:
    typed = _option(option.panel, option.flag, option.help, option.metavar)
    annotation = Annotated[option.kind | None, typed]  # type: ignore[name-defined] # known when it runs
    return inspect.Parameter(option.field, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def parse_changes(typed: Mapping[str, Any]) -> dict[str, object]:
    """Return what was typed for fields of the recipe: names checked, folders absolute, no None. Raises BadInput."""
    parsed = {name: RECIPE_OPTIONS[name].read(value) for name, value in typed.items() if value is not None}
    return {name: value for name, value in parsed.items() if value is not None}
