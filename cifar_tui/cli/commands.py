"""The commands by name, listed without their modules: only the called one's is imported."""

import importlib
from collections.abc import Iterator, Mapping
from typing import Any

import typer
from typer.core import TyperGroup

from cifar_tui.cli.help_page import HELP_NAMES, HelpfulCommand, PlainSwitches

COMMANDS = {
    "train": ("train", "Train a run, with a live screen on a terminal, else as plain lines."),
    "attach": ("attach", "Open a run that is training elsewhere or has ended: its whole history, and live updates."),
    "queue": ("queue", "Line up runs, which are trained one after the other, or one on each GPU."),
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
    "notify": ("notify", "Send a test notification to whoever a run here would notify, and say whether it arrived."),
    "presets": ("presets", "List the presets with their size, purpose and expected accuracy on CIFAR-10."),
}
"""Each command's module, with the function where its name is another, and the first line of its help."""


class LazyGroup(PlainSwitches, TyperGroup):
    """Lists the commands from a table, and imports the one that is called."""

    table = COMMANDS

    # Any: a context is click's, or Typer's own copy of it, as its version goes.
    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the name of the called command, the command itself, and its arguments."""
        name, listed, arguments = super().resolve_command(ctx, args)
        return name, load_command(name, self.table) if name else listed, arguments


def load_command(name: str, table: Mapping[str, tuple[str, str]] = COMMANDS) -> Any:
    """Return a command, or a group of them, as click knows it, with its options."""
    module, _, function = table[name][0].partition(":")
    loaded = getattr(importlib.import_module(f"cifar_tui.cli.{module}"), function or name)
    if isinstance(loaded, typer.Typer):
        return typer.main.get_command(loaded)
    alone = typer.Typer(add_completion=False, rich_markup_mode="rich", pretty_exceptions_enable=False)
    alone.command(name, cls=HelpfulCommand, context_settings=HELP_NAMES)(loaded)
    return typer.main.get_command(alone)


def load_all() -> Iterator[tuple[str, Any]]:
    """Yield every command as it is typed, without the program's name; those of a group after it."""
    for name in COMMANDS:
        command = load_command(name)
        yield name, command
        for inner in getattr(command, "table", {}):
            yield f"{name} {inner}", load_command(inner, command.table)


def add_commands(app: typer.Typer, table: Mapping[str, tuple[str, str]] = COMMANDS) -> None:
    """List every command of a table in an app whose group is lazy."""
    for name, (_module, help_line) in table.items():
        app.command(name, help=help_line)(_listed)


def _listed() -> None:
    """Stand for a command until it is called."""
