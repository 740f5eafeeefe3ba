"""The options that commands share, and the checks of what was typed."""

from pathlib import Path
from typing import Annotated, get_args

import typer

from cifar_tui.errors import BadInput
from cifar_tui.presets import PRESETS
from cifar_tui.recipe import Acceleration, DeviceChoice, Flip, Precision

DEFAULT_PRESET = "default"
DEFAULT_DATA = "cifar10"
DEFAULT_DATA_DIR = "data"
MARKERS = ("braille", "hd", "dot")
ALERTS = ("none", "bell", "osc9", "osc777")

DATA, RECIPE, RUN, SCREEN = "Data", "Recipe (changes the preset)", "Run", "Screen"

PresetName = Annotated[
    str | None,
    typer.Option(
        "--preset",
        metavar="NAME",
        help=f"The recipe to start from: {', '.join(PRESETS)}; without one, {DEFAULT_PRESET}.",
        rich_help_panel=RECIPE,
    ),
]
Epochs = Annotated[int | None, typer.Option(help="Passes over the training images.", rich_help_panel=RECIPE)]
BatchSize = Annotated[int | None, typer.Option(help="Images of one step.", rich_help_panel=RECIPE)]
LearningRate = Annotated[
    float | None, typer.Option(help="The learning rate, or its schedule's highest.", rich_help_panel=RECIPE)
]
WeightDecay = Annotated[float | None, typer.Option(help="L2 penalty on every parameter.", rich_help_panel=RECIPE)]
LabelSmoothing = Annotated[
    float | None,
    typer.Option(help="The share of every label spread over all classes; 0 for none.", rich_help_panel=RECIPE),
]
Seed = Annotated[int | None, typer.Option(help="Fixes first weights, order and augmentation.", rich_help_panel=RECIPE)]
CropPadding = Annotated[
    int | None,
    typer.Option(help="Random crops: pixels of padding around a picture; 0 for none.", rich_help_panel=RECIPE),
]
FlipName = Annotated[
    str | None,
    typer.Option("--flip", metavar="NAME", help=f"Mirroring: {', '.join(get_args(Flip))}.", rich_help_panel=RECIPE),
]
Cutout = Annotated[
    int | None,
    typer.Option(help="Side of the square blanked in each picture, in pixels; 0 for none.", rich_help_panel=RECIPE),
]
PrecisionName = Annotated[
    str | None,
    typer.Option(metavar="NAME", help=f"Arithmetic: {', '.join(get_args(Precision))}.", rich_help_panel=RECIPE),
]
Width = Annotated[
    int | None,
    typer.Option(help="Channels of the first stage; 64 is the tutorial's ResNet-18.", rich_help_panel=RECIPE),
]
Device = Annotated[
    str | None,
    typer.Option(metavar="NAME", help=f"Where to train: {', '.join(get_args(DeviceChoice))}.", rich_help_panel=RECIPE),
]
AccelerationName = Annotated[
    str | None,
    typer.Option(
        "--acceleration",
        metavar="NAME",
        help=f"How a CUDA device is driven: {', '.join(get_args(Acceleration))}.",
        rich_help_panel=RECIPE,
    ),
]
Data = Annotated[
    str | None,
    typer.Option(
        metavar="SOURCE",
        help="cifar10 (without this option), synthetic, or a folder {train,test}/<class>/*.{jpg,png}.",
        rich_help_panel=DATA,
    ),
]
DataDir = Annotated[
    str | None,
    typer.Option(
        metavar="DIR", help="Where CIFAR-10 is kept, and downloaded to; without one, data.", rich_help_panel=DATA
    ),
]
TrainImages = Annotated[int | None, typer.Option(help="Train on a class-balanced part.", rich_help_panel=DATA)]
TestImages = Annotated[int | None, typer.Option(help="Test on a class-balanced part.", rich_help_panel=DATA)]
ValidationImages = Annotated[
    int | None,
    typer.Option(help="Hold out so many training images, and choose the best epoch on them.", rich_help_panel=DATA),
]
ResumedRun = Annotated[
    str | None,
    typer.Option(
        "--resume", metavar="RUN", help="Go on with a run that ended: its name or its folder.", rich_help_panel=RUN
    ),
]
StartCheckpoint = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="CHECKPOINT",
        help="Start a new run from a checkpoint: RUN:EPOCH, a run for its newest one, or a file.",
        rich_help_panel=RUN,
    ),
]
Keep = Annotated[
    str | None,
    typer.Option(
        metavar="WHAT",
        help="Checkpoints that stay: all (without this option), or best+last:N, the best and the newest N, at least 2.",
        rich_help_panel=RUN,
    ),
]
RunName = Annotated[
    str | None, typer.Option(metavar="NAME", help="The run's name; its folder is runs/NAME.", rich_help_panel=RUN)
]
RunFolderPath = Annotated[
    Path | None, typer.Option(metavar="DIR", help="The run's folder, instead of runs/NAME.", rich_help_panel=RUN)
]
Headless = Annotated[
    bool, typer.Option("--headless", help="Print plain lines instead of the screen.", rich_help_panel=SCREEN)
]
Detach = Annotated[
    bool,
    typer.Option(
        "--detach", help="Start without a screen, in the background, and return; see attach.", rich_help_panel=SCREEN
    ),
]
ThemeName = Annotated[
    str | None, typer.Option(metavar="NAME", help="The screen's colours; see key t.", rich_help_panel=SCREEN)
]

Marker = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help=f"What curves are drawn with: {', '.join(MARKERS)}; hd and dot where a font has no braille.",
        rich_help_panel=SCREEN,
    ),
]
NoMouse = Annotated[
    bool,
    typer.Option("--no-mouse", help="Leave the mouse to the terminal, for selecting text.", rich_help_panel=SCREEN),
]
AlertKind = Annotated[
    str,
    typer.Option(
        "--alert",
        metavar="NAME",
        help=f"Call when the run ends or is in trouble: {', '.join(ALERTS)}.",
        rich_help_panel=SCREEN,
    ),
]


def absolute(data: str | None) -> str | None:
    """A folder's path made independent of where the command was typed, so that a run can go on from elsewhere."""
    return data if data in (None, DEFAULT_DATA, "synthetic") else str(Path(data).absolute())


def one_of(option: str, value: str | None, choices: tuple[str, ...]) -> str | None:
    """The value, when it is among the choices. Raises BadInput."""
    if value is not None and value not in choices:
        raise BadInput(f"{option} cannot be '{value}'. Choose one of: {', '.join(choices)}.")
    return value
