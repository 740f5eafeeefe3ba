"""The options that commands share, and the checks of what was typed."""

import dataclasses
import functools
import inspect
import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from cifar_tui.cli.completion import complete_checkpoint, complete_of, complete_preset, complete_run, complete_theme
from cifar_tui.data_sets import DATA_SETS
from cifar_tui.errors import BadInput
from cifar_tui.option import RECIPE, RUN, Option, check_choice, options_of
from cifar_tui.presets import PRESETS, WITH_A_GPU, WITHOUT_A_GPU
from cifar_tui.recipe import Recipe
from cifar_tui.runs.reading import AS_FOUND, NORMALIZATIONS, Reading, parse_normalization
from cifar_tui.tui.settings.theme_files import theme_names

DEFAULT_PRESET = "default"
DEFAULT_DATA_DIR = "data"
MARKERS = ("braille", "hd", "dot")
ALERTS = ("none", "bell", "osc9", "osc777")

SCREEN = "Screen"
RECIPE_OPTIONS = options_of(Recipe)


# Any: typer.Option returns it, and takes the completion.
def _option(panel: str | None, flag: str, text: str, metavar: str | None = None, complete: Any = None) -> Any:
    return typer.Option(flag, metavar=metavar, help=text, rich_help_panel=panel, autocompletion=complete)


PRESET_HELP = (
    f"The preset to start from: {', '.join(PRESETS)}. Without this option: {WITH_A_GPU} with a GPU, "
    f"{WITHOUT_A_GPU} without one."
)
PresetName = Annotated[str | None, _option(RECIPE, "--preset", PRESET_HELP, "NAME", complete_preset)]
ResumedRun = Annotated[
    str | None,
    _option(RUN, "--resume", "Resume a run that has ended, by its name or folder.", "RUN", complete_run),
]
AUTO_RESUME_HELP = "Start the run of --run-name or --outf, or resume it where there is one; 0 once it has finished."
AutoResume = Annotated[bool, _option(RUN, "--auto-resume", AUTO_RESUME_HELP)]
FROM_HELP = "Start a new run from a checkpoint: RUN:EPOCH, a run for its newest one, or a file."
StartCheckpoint = Annotated[str | None, _option(RUN, "--from", FROM_HELP, "CHECKPOINT", complete_checkpoint)]
MODEL_HELP = "Train the network that a function of yours makes, make(classes); see docs/networks.md."
TrainedModel = Annotated[str | None, _option(RECIPE, "--model", MODEL_HELP, "FILE.py:make")]
NAME_HELP = "The run's name; its folder is runs/NAME. Without this option: preset and time."
RunName = Annotated[str | None, _option(RUN, "--run-name", NAME_HELP, "NAME")]
RunFolderPath = Annotated[Path | None, _option(RUN, "--outf", "The run's folder, instead of runs/NAME.", "DIR")]
TAG_HELP = "Put a tag on the run, a word to find it by; repeat it for more."
RunTags = Annotated[list[str] | None, _option(RUN, "--tag", TAG_HELP, "TAG")]
Headless = Annotated[bool, _option(SCREEN, "--headless", "Print plain lines instead of opening the screen.")]
Detach = Annotated[bool, _option(SCREEN, "--detach", "Train in the background and return; see attach.")]
THEME_HELP = "The screen's colour theme; key t lists them. Without this option: the one used last."
ThemeName = Annotated[str | None, _option(SCREEN, "--theme", THEME_HELP, "NAME", complete_theme)]
MARKER_HELP = f"The marker that draws curves: {', '.join(MARKERS)}; hd or dot where a font has no braille."
Marker = Annotated[str, _option(SCREEN, "--marker", MARKER_HELP, "NAME", complete_of(*MARKERS))]
NoMouse = Annotated[bool, _option(SCREEN, "--no-mouse", "Leave the mouse to the terminal, to select text with it.")]
ALERT_HELP = f"Notify when the run ends or has a problem: {', '.join(ALERTS)}."
AlertKind = Annotated[str, _option(SCREEN, "--alert", ALERT_HELP, "NAME", complete_of(*ALERTS))]

RUN_HELP = "A run's name or folder. Without it: the only run that is training."
CHECKPOINT_HELP = "RUN:EPOCH, a run for its newest checkpoint, or a file."
AsJson = Annotated[bool, _option(None, "--json", "Print the result as one line of JSON.")]
CheckpointPath = Annotated[
    str, typer.Argument(metavar="CHECKPOINT", help=CHECKPOINT_HELP, autocompletion=complete_checkpoint)
]

NORMALIZE_HELP = (
    f"For a file that belongs to no run: how its images are normalized: {', '.join(NORMALIZATIONS)}, or M,M,M:S,S,S."
)
Normalize = Annotated[str | None, _option(None, "--normalize", NORMALIZE_HELP, "HOW", complete_of(*NORMALIZATIONS))]
MAX_POOL_HELP = "For a file that belongs to no run: a max-pool follows the first layer."
MaxPool = Annotated[bool, _option(None, "--max-pool", MAX_POOL_HELP)]
WEIGHTS_HELP = "For a file that holds several sets of weights: the one to take, as ema or state_dict."
WeightsName = Annotated[str, _option(None, "--weights", WEIGHTS_HELP, "NAME")]
OWN_MODEL_HELP = "For a network of your own: the function that makes it, in a file that you allow to run."
OwnModels = Annotated[list[str] | None, _option(None, "--model", OWN_MODEL_HELP, "FILE.py:make")]


def with_models(
    reading: Reading,
    typed: Sequence[str] | None,
    command: Sequence[str],
    *,
    classes: int = 0,
    resnet: str = "",
    run: Path | None = None,
) -> Reading:
    """Return how a file is read, with the functions that were typed, which may run from now on.

    `command` is what was typed beside them, `resnet` the name of a run whose network is the ResNet-18, `run` the folder
    of the checkpoint's run. Raises BadInput.
    """
    reading = dataclasses.replace(reading, command=shlex.join(command))
    if not typed:
        return reading
    if resnet:
        raise BadInput(f"{resnet} was trained with the ResNet-18: leave --model out.")
    # Loads what only these need.
    from cifar_tui.runs.own_code import allow_file

    return dataclasses.replace(reading, models=tuple(allow_file(one, run) for one in typed), classes=classes)


def reading_of(weights: str, normalize: str | None, *, max_pool: bool, ours: bool) -> Reading:
    """Return how an external file is to be read. Raises BadInput, also where `ours` is a run's checkpoint."""
    reading = Reading(
        weights=weights,
        normalization=parse_normalization(normalize) if normalize is not None else None,
        side=DATA_SETS[normalize].side if normalize in DATA_SETS else 0,
        max_pool=max_pool,
    )
    if ours and reading != AS_FOUND:
        raise BadInput("--normalize, --max-pool and --weights are for files that belong to no run.")
    return reading


def check_screen_options(marker: str, alert: str, theme: str | None) -> None:
    """Raise BadInput for a name that the screen does not know."""
    if theme is not None:
        check_choice("--theme", theme, tuple(theme_names()))
    check_choice("--marker", marker, MARKERS)
    check_choice("--alert", alert, ALERTS)


def recipe_options(*fields: str, swept: bool = False) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command an option for each of these fields of the recipe, or for all, in place of its parameter `changes`.

    `changes` gets what was typed, as `parse_changes` returns it; where options are `swept`, lists and ranges of values,
    the texts as they were typed.
    """
    options = [RECIPE_OPTIONS[name] for name in fields or RECIPE_OPTIONS]
    if fields:  # not a run's: these say how a checkpoint is evaluated
        options = [dataclasses.replace(one, panel="", help=one.help_elsewhere or one.help) for one in options]

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        parameters: list[inspect.Parameter] = []
        for parameter in inspect.signature(command).parameters.values():
            parameters += (
                [_parameter(one, swept=swept) for one in options] if parameter.name == "changes" else [parameter]
            )

        # Any: each value has the type that its parameter's annotation names.
        @functools.wraps(command)
        def with_options(**values: Any) -> None:
            typed = {option.field: values.pop(option.field) for option in options}
            command(**values, changes=typed_values(typed) if swept else parse_changes(typed))

        # Typer builds a command's options from its signature and its annotations.
        with_options.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        with_options.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return with_options

    return decorate


def _parameter(option: Option, *, swept: bool) -> inspect.Parameter:
    metavar = option.metavar or {int: "N", float: "X"}.get(option.kind)
    values = option.choices or option.examples
    complete = complete_of(*values) if values else None
    typed = _option(option.panel or None, option.flag, option.help, metavar, complete)
    kind = str if swept and option.kind is not bool else option.kind
    annotation = Annotated[kind | None, typed]  # type: ignore[valid-type] # known when it runs
    return inspect.Parameter(option.field, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def typed_values(typed: Mapping[str, Any]) -> dict[str, str]:
    """Return what was typed for fields of the recipe, as texts; a switch is `yes`."""
    given = {name: value for name, value in typed.items() if value not in (None, False)}
    return {name: "yes" if value is True else value for name, value in given.items()}


def parse_changes(typed: Mapping[str, Any]) -> dict[str, object]:
    """Return what was typed for fields of the recipe: names checked, folders absolute, no None. Raises BadInput."""
    parsed = {name: RECIPE_OPTIONS[name].read(value) for name, value in typed.items() if value is not None}
    return {name: value for name, value in parsed.items() if value is not None}
