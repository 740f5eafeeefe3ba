"""The commands by name, listed without their modules: only the called one's is imported."""

import importlib
from typing import Any

import typer
from typer.core import TyperGroup

COMMANDS = {
    "train": ("train", "Train a run, on a live screen or, without a terminal, as plain lines."),
    "attach": (
        "attach",
        "Show a run that was started elsewhere, or has ended: its whole history, and what is still said.",
    ),
    "runs": ("runs", "List the runs: their state, how far they came, and how well."),
    "pause": ("requests", "Pause a run before its next step."),
    "resume": ("requests", "Let a paused run go on. For a run that has ended: train --resume."),
    "stop": ("requests", "Stop a run after the step under way, with everything saved."),
    "save": ("requests", "Save a run's weights and training state now."),
    "note": ("requests", "Write a note into a live run's journal, at the step it has come to."),
    "evaluate": (
        "evaluate",
        "Measure a checkpoint on the test images: the whole, every class, and what it is taken for.",
    ),
    "compare": (
        "compare",
        "Measure checkpoints on the same test images, the first one's, and say where they differ from it.",
    ),
    "predict": (
        "predict",
        "Say what a checkpoint takes pictures of your own for: the three most probable classes of each.",
    ),
    "export": (
        "export",
        "Write a checkpoint's weights for other programs, or a run's table of epochs, its steps, or its curves.",
    ),
    "presets": ("presets", "List the presets, each with what may honestly be expected of it."),
}
"""Each command's module, and the first line of its help."""


class LazyGroup(TyperGroup):
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
    alone.command(name)(function)
    return typer.main.get_command(alone)


def add_commands(app: typer.Typer) -> None:
    """List every command of the table in an app whose group is lazy."""
    for name, (_module, help_line) in COMMANDS.items():
        app.command(name, help=help_line)(_listed)


def _listed() -> None:
    """Stand for a command until it is called."""
