"""The command line: parses, checks, and chooses a front end. Imports neither torch nor textual by itself."""

import dataclasses
import os
import sys
from collections.abc import Mapping, Set
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from cifar_tui import __version__
from cifar_tui.errors import BadInput, CifarTuiError
from cifar_tui.recipe import PRESETS, Acceleration, DeviceChoice, Precision, Recipe, preset

if TYPE_CHECKING:
    from cifar_tui.jobs import AttachedJobs, LocalJobs

app = typer.Typer(
    name="cifar-tui",
    help="Train a ResNet-18 on CIFAR-10 and watch it live in the terminal.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)

DEFAULT_PRESET = "default"
DEFAULT_DATA = "cifar10"
DEFAULT_DATA_DIR = "data"
CHANGEABLE = ("epochs", "learning_rate", "precision", "device", "acceleration", "data", "data_dir")
"""What may differ when a run goes on; anything else would make it another run."""

OPTION_NAMES = {"learning_rate": "--lr"}
"""Options that are not called like the recipe's field."""

MARKERS = ("braille", "hd", "dot")
ALERTS = ("none", "bell", "osc9", "osc777")

DATA, RECIPE, RUN, SCREEN = "Data", "Recipe (changes the preset)", "Run", "Screen"


def main() -> None:
    """Run the command; what a person can mend ends in one sentence and an exit code, never a traceback."""
    try:
        app()
    except CifarTuiError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)


@app.callback(invoke_without_command=True)
def _options(
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    if version:
        print(f"cifar-tui {__version__}")
        raise typer.Exit


@app.command()
def presets() -> None:
    """List the presets, each with what may honestly be expected of it."""
    rows = [("preset", "epochs", "batch", "rate", "for", "expected test accuracy")]
    for name, named in PRESETS.items():
        recipe = named.recipe
        numbers = (str(recipe.epochs), str(recipe.batch_size), f"{recipe.learning_rate:g}")
        rows.append((name, *numbers, named.summary, named.expectation))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    print("\nOn the official test set, last epoch, without test-time augmentation; smoke uses 2,000 training images.")


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
Seed = Annotated[int | None, typer.Option(help="Fixes first weights, order and augmentation.", rich_help_panel=RECIPE)]
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
RunName = Annotated[
    str | None, typer.Option(metavar="NAME", help="The run's name; its folder is runs/NAME.", rich_help_panel=RUN)
]
RunFolderPath = Annotated[
    Path | None, typer.Option(metavar="DIR", help="The run's folder, instead of runs/NAME.", rich_help_panel=RUN)
]
Headless = Annotated[
    bool, typer.Option("--headless", help="Print plain lines instead of the screen.", rich_help_panel=SCREEN)
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


@app.command()
def train(
    preset_name: PresetName = None,
    epochs: Epochs = None,
    batch_size: BatchSize = None,
    lr: LearningRate = None,
    weight_decay: WeightDecay = None,
    seed: Seed = None,
    precision: PrecisionName = None,
    width: Width = None,
    device: Device = None,
    acceleration: AccelerationName = None,
    data: Data = None,
    data_dir: DataDir = None,
    train_images: TrainImages = None,
    test_images: TestImages = None,
    validation_images: ValidationImages = None,
    resume: ResumedRun = None,
    run_name: RunName = None,
    outf: RunFolderPath = None,
    headless: Headless = False,
    theme: ThemeName = None,
    marker: Marker = "braille",
    no_mouse: NoMouse = False,
    alert: AlertKind = "none",
) -> None:
    """Train a run, on a live screen or, without a terminal, as plain lines."""
    choices = {
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": lr,
        "weight_decay": weight_decay,
        "seed": seed,
        "precision": _one_of("--precision", precision, get_args(Precision)),
        "width": width,
        "device": _one_of("--device", device, get_args(DeviceChoice)),
        "acceleration": _one_of("--acceleration", acceleration, get_args(Acceleration)),
        "data": _absolute(data),
        "data_dir": str(Path(data_dir or DEFAULT_DATA_DIR).absolute()) if data_dir or resume is None else None,
        "train_images": train_images,
        "test_images": test_images,
        "validation_images": validation_images,
    }
    chosen = {name: value for name, value in choices.items() if value is not None}
    _one_of("--marker", marker, MARKERS)
    _one_of("--alert", alert, ALERTS)
    from cifar_tui.jobs import LocalJobs

    if resume is None:
        jobs = LocalJobs(_recipe(preset_name or DEFAULT_PRESET, chosen), run_name, outf)
    else:
        elsewhere = {"preset": preset_name, "run_name": run_name, "outf": outf}
        jobs = _resumed(resume, chosen, {name for name, value in elsewhere.items() if value is not None})
    on_screen = terminal_fit_for_a_screen() and not headless
    if not on_screen:
        raise typer.Exit(_train_on_console(jobs, resumed=resume is not None))
    raise typer.Exit(_on_screen(jobs, theme=theme, marker=marker, mouse=not no_mouse, alert=alert))


@app.command()
def evaluate(
    path: Annotated[str, typer.Argument(metavar="PATH", help="A checkpoint's file, or a run for its newest one.")],
    tta: Annotated[
        bool, typer.Option("--tta", help="Judge every image together with its mirror image (flip-TTA).")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the verdict as one line of JSON.")] = False,
    data: Data = None,
    data_dir: DataDir = None,
    device: Device = None,
    precision: PrecisionName = None,
) -> None:
    """Measure a checkpoint on the test images: accuracy, loss, and accuracy per class."""
    from cifar_tui.console import report_evaluation
    from cifar_tui.engine.data import check_source
    from cifar_tui.jobs import evaluate_checkpoint
    from cifar_tui.runs.folder import find_run, read_recipe
    from cifar_tui.runs.sidecars import newest_checkpoint

    file = Path(path)
    if not os.path.isfile(path):  # noqa: PTH113 - which, unlike pathlib, takes any string
        folder = find_run(path)
        file = folder / (newest_checkpoint(folder) or "no checkpoint yet")
    choices = {
        "data": _absolute(data),
        "data_dir": data_dir and str(Path(data_dir).absolute()),
        "device": _one_of("--device", device, get_args(DeviceChoice)),
        "precision": _one_of("--precision", precision, get_args(Precision)),
    }
    chosen = {name: value for name, value in choices.items() if value is not None}
    recipe = dataclasses.replace(read_recipe(file.parent), **chosen)  # type: ignore[arg-type]
    check_source(recipe)
    raise typer.Exit(report_evaluation(evaluate_checkpoint(recipe, file.parent, file.name, tta=tta), as_json=as_json))


@app.command()
def attach(
    run: Annotated[
        str | None, typer.Argument(metavar="RUN", help="A run's name or folder; without one, the one that is training.")
    ] = None,
    theme: ThemeName = None,
    marker: Marker = "braille",
    no_mouse: NoMouse = False,
    alert: AlertKind = "none",
) -> None:
    """Show a run that was started elsewhere, or has ended: its whole history, and what is still said."""
    _one_of("--marker", marker, MARKERS)
    _one_of("--alert", alert, ALERTS)
    from cifar_tui.jobs import AttachedJobs
    from cifar_tui.runs.folder import find_run

    folder = find_run(run) if run is not None else _only_live_run()
    if not terminal_fit_for_a_screen():
        raise BadInput(f"attach needs a terminal to draw on. Without one, read {folder / 'journal.jsonl'}.")
    raise typer.Exit(_on_screen(AttachedJobs(folder), theme=theme, marker=marker, mouse=not no_mouse, alert=alert))


def terminal_fit_for_a_screen() -> bool:
    """Whether a screen can be drawn: textual draws on stderr, reads stdin, and never ends without a terminal."""
    if not (sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()):
        return False
    if os.environ.get("TERM", "dumb") in ("", "dumb"):
        return False
    return "utf" in (sys.stderr.encoding or "").lower()


def _recipe(preset_name: str, chosen: Mapping[str, object]) -> Recipe:
    """The preset with a person's choices in it, checked as far as possible before anything starts."""
    from cifar_tui.engine.data import check_source

    # Each value has its option's type, which is the field's; the checker cannot follow the names.
    recipe = dataclasses.replace(preset(preset_name), **chosen).check()  # type: ignore[arg-type]
    check_source(recipe)
    return recipe


def _resumed(run: str, chosen: Mapping[str, object], elsewhere: Set[str]) -> "LocalJobs":
    """The jobs of a run to go on with, its recipe changed where that is possible. Raises BadInput, FolderInUse."""
    from cifar_tui.engine.data import check_source
    from cifar_tui.jobs import LocalJobs, check_resumable
    from cifar_tui.runs.folder import RunFolder, find_run

    fixed = sorted(elsewhere | {name for name in chosen if name not in CHANGEABLE})
    if fixed:
        names = ", ".join(OPTION_NAMES.get(name, f"--{name.replace('_', '-')}") for name in fixed)
        raise BadInput(f"{names} cannot change in a run that goes on: start a new run for that.")
    path = find_run(run)
    check_resumable(path)
    folder = RunFolder.reopen(path)
    try:
        before = folder.recipe()
        recipe = dataclasses.replace(before, **chosen).check()  # type: ignore[arg-type]
        check_source(recipe)
    except BadInput:
        folder.close()
        raise
    changes = tuple(
        f"{name.replace('_', ' ')} {getattr(before, name)} → {getattr(recipe, name)}"
        for name in chosen
        if getattr(before, name) != getattr(recipe, name)
    )
    return LocalJobs(recipe, resumed=folder, changes=changes)


def _only_live_run() -> Path:
    """The one run in `runs/` that is being trained. Raises BadInput, with what there is to choose from."""
    from cifar_tui.runs.folder import RUNS_FOLDER, all_runs, being_trained
    from cifar_tui.text import safe_text

    runs = all_runs()
    live = [folder for folder in runs if being_trained(folder)]
    if len(live) == 1:
        return live[0]
    if not runs:
        raise BadInput(f"There are no runs in {RUNS_FOLDER}/ here: name a run's folder.")
    names = ", ".join(safe_text(folder.name, 60) for folder in (live or runs)[-5:])
    raise BadInput(f"{'Several runs are' if live else 'No run is'} being trained here: name one of {names}.")


def _absolute(data: str | None) -> str | None:
    """A folder's path made independent of where the command was typed, so that a run can go on from elsewhere."""
    return data if data in (None, DEFAULT_DATA, "synthetic") else str(Path(data).absolute())


def _one_of(option: str, value: str | None, choices: tuple[str, ...]) -> str | None:
    if value is not None and value not in choices:
        raise BadInput(f"{option} cannot be '{value}'. Choose one of: {', '.join(choices)}.")
    return value


def _train_on_console(jobs: "LocalJobs", *, resumed: bool) -> int:
    from cifar_tui.console import follow

    try:
        return follow(jobs.train(), resumed=resumed)
    finally:
        jobs.close()


def _on_screen(jobs: "LocalJobs | AttachedJobs", **chosen: object) -> int:
    from cifar_tui.console import follow, leave_terminal, report_outcome
    from cifar_tui.tui.app import ScreenOptions, run_screen

    try:
        result = run_screen(jobs, ScreenOptions(**chosen))  # type: ignore[arg-type] # checked above
        link, started = result.link, result.history.started
        if link is None or link.ended or not link.heeds:
            if link is None or link.heeds:
                report_outcome(result.history)
            return result.exit_code
        if result.terminal_lost:
            leave_terminal(Path(started.folder) if started is not None else None)
            return follow(link, result.history, because="The terminal went away: training goes on without a screen.")
        print("The screen has ended; training goes on without it.", file=sys.stderr)
        return follow(link, result.history, because="The screen has ended: training goes on without it.")
    finally:
        jobs.close()
