"""The commands by name, listed without their modules: only the called one's is imported."""

import importlib
from typing import Any

import typer
from typer.core import TyperGroup

from cifar_tui.cli.help_page import HELP_NAMES, HelpfulCommand, PlainSwitches

COMMANDS = {
    "train": ("train", "Train a run, with a live screen on a terminal, else as plain lines."),
    "attach": ("attach", "Open a run that is training elsewhere or has ended: its whole history, and live updates."),
    "runs": (
        "runs",
        "List runs with their state, progress and accuracy, or change those that are named or match a filter.",
    ),
    "results": (
        "results",
        "Compare runs by what differs between them: mean and deviation over seeds, and the difference to a baseline.",
    ),
    "log": ("log", "Print what happened in a run, as plain lines or as JSON for scripts."),
    "pause": ("requests", "Pause a run before its next step."),
    "resume": ("requests", "Resume a paused run. For a run that has ended, use train --resume."),
    "stop": ("requests", "Stop a run after the current step, with everything saved."),
    "save": ("requests", "Save a run's weights and training state now."),
    "note": ("requests", "Write a note into the journal of a run that is training, at its current step."),
    "evaluate": ("evaluate", "Evaluate a checkpoint on the test images: accuracy, every class, and its mistakes."),
    "compare": ("compare", "Evaluate checkpoints on the same test images, and show how they differ from the first."),
    "predict": ("predict", "Classify images of your own with a checkpoint: the three most probable classes of each."),
    "export": ("export", "Export a checkpoint's weights or network, or a run's epochs, steps or curves."),
    "presets": ("presets", "List the presets with their size, purpose and expected accuracy on CIFAR-10."),
}
"""Each command's module, and the first line of its help."""


class LazyGroup(PlainSwitches, TyperGroup):
    """Lists the commands from the table, and imports the one that is called."""

    # Any: a context is click's, or Typer's own copy of it, as its version goes.
    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the name of the called command, the command itself, and its arguments."""
        name, listed, arguments = super().resolve_command(ctx, args)
        return name, load_command(name) if name else listed, arguments


def load_command(name: str) -> Any:
    """Return a command as click knows it, with its options."""
    function = getattr(importlib.import_module(f"cifar_tui.cli.{COMMANDS[name][0]}"), name)
    alone = typer.Typer(add_completion=False, rich_markup_mode="rich", pretty_exceptions_enable=False)
    alone.command(name, cls=HelpfulCommand, context_settings=HELP_NAMES)(function)
    return typer.main.get_command(alone)


def add_commands(app: typer.Typer) -> None:
    """List every command of the table in an app whose group is lazy."""
    for name, (_module, help_line) in COMMANDS.items():
        app.command(name, help=help_line)(_listed)


def _listed() -> None:
    """Stand for a command until it is called."""
