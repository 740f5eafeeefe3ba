"""The command line: one module per command. Imports neither torch nor textual by itself."""

import gc
import logging
import sys
from typing import Annotated

import typer

from cifar_tui import __version__
from cifar_tui.cli.ask import pause, resume, save, stop
from cifar_tui.cli.attach import attach
from cifar_tui.cli.compare import compare
from cifar_tui.cli.evaluate import evaluate
from cifar_tui.cli.export import export
from cifar_tui.cli.predict import predict
from cifar_tui.cli.presets import presets
from cifar_tui.cli.runs import runs
from cifar_tui.cli.train import train
from cifar_tui.errors import CifarTuiError

GARBAGE_OBJECTS = 20_000
"""How many new objects there are before Python looks for garbage in cycles."""

app = typer.Typer(
    name="cifar-tui",
    help="Train a ResNet-18 on CIFAR-10 and watch it live in the terminal.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)


for _command in (train, attach, runs, pause, resume, stop, save, evaluate, compare, predict, export, presets):
    app.command()(_command)


def main() -> None:
    """Run the command; what a person can mend ends in one sentence and an exit code, never a traceback."""
    logging.raiseExceptions = False  # a full disk shall not spray tracebacks over the screen
    # At its default of 700, loading a screen's modules is interrupted a hundred times for garbage that is not there.
    gc.set_threshold(GARBAGE_OBJECTS)
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
