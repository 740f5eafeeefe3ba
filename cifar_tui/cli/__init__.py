"""The command line: one module per command. Imports neither torch nor textual by itself."""

import contextlib
import gc
import io
import logging
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from cifar_tui import __version__
from cifar_tui.cli.commands import LazyGroup, add_commands
from cifar_tui.cli.environment import DrawScreen, how_to_see, obstacle_to_a_screen
from cifar_tui.cli.help_page import HELP_NAMES
from cifar_tui.errors import CifarTuiError
from cifar_tui.system.foreground import train_behind_a_parent
from cifar_tui.text import safe_text

GARBAGE_OBJECTS = 20_000
"""New objects after which Python looks for garbage in cycles."""
COMPLETE = "_CIFAR_TUI_COMPLETE"
"""Names, in the environment, the shell that asks for a completion."""

app = typer.Typer(
    name="cifar-tui",
    cls=LazyGroup,
    help="Train a ResNet-18 on CIFAR-10 and watch it live in the terminal. Without a command: all runs, on a screen.",
    context_settings=HELP_NAMES,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)
add_commands(app)


def main() -> None:
    """Run the command; an error that a person can mend ends in one sentence and an exit code, never a traceback."""
    logging.raiseExceptions = False  # a full disk shall not spray tracebacks over the screen
    # At its default of 700, loading a screen's modules is interrupted a hundred times for garbage that is not there.
    gc.set_threshold(GARBAGE_OBJECTS)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a locale without our characters costs characters, not lines
    try:
        _run()
    except CifarTuiError as error:
        print(error, file=sys.stderr if error.exit_code else sys.stdout)
        sys.exit(error.exit_code)
    except OSError as error:
        _report_system_error(error)
        sys.exit(1)


def _run() -> None:
    if any(word.partition("=")[0] == "--notify" for word in sys.argv):
        from cifar_tui.cli.told import hide_addresses

        hide_addresses()
    try:
        if os.environ.get(COMPLETE) == "complete_bash":
            from cifar_tui.cli.completion import run_completed_by_bash

            run_completed_by_bash(app)
        else:
            app()
    finally:
        if "cifar_tui.notify.courier" in sys.modules:  # where somebody is notified
            from cifar_tui.notify.courier import await_couriers

            await_couriers()
        sys.stdout.flush()  # here it can still be said that nothing more can be written


def _report_system_error(error: OSError) -> None:
    """Say in a sentence what the system refused, and print nothing more to an output that cannot be written."""
    if error.filename is not None:
        print(f"{safe_text(os.fsdecode(error.filename))}: {error.strerror}.", file=sys.stderr)
        return
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # else Python complains of what is left in its buffer
    try:
        Path.cwd()
    except FileNotFoundError:
        print("The folder you are in was deleted. Change to another one and try again.", file=sys.stderr)
        return
    if not isinstance(error, BrokenPipeError):
        print(f"The output cannot be written: {error.strerror or error}.", file=sys.stderr)


@app.callback(invoke_without_command=True)
def _options(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
    screen: DrawScreen = False,
) -> None:
    if version:
        print(f"cifar-tui {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is not None:
        return
    obstacle = obstacle_to_a_screen(in_notebook=screen)
    if obstacle is not None:
        print(context.get_help())
        if obstacle:
            print(f"{obstacle}. {how_to_see('', obstacle)}")
        raise typer.Exit
    release_shell = train_behind_a_parent()
    # Not before: what this loads has threads (numpy's), and a fork must come before them.
    from cifar_tui.cli.front_ends import run_on_screen

    raise typer.Exit(run_on_screen(None, release_shell, all_runs=True))
