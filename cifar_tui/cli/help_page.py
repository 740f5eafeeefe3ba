"""A command with `-h`, whose help has no type at a switch, and at an option of the recipe the preset's value."""

import functools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from typer.core import TyperCommand

from cifar_tui.left_out import left_out

HELP_NAMES = {"help_option_names": ["-h", "--help"]}
UNUSED = {"rich.markdown": "Markdown", "rich.traceback": "Traceback"}
"""Of what Typer's help loads, a third of the time that `--help` takes: our texts are no Markdown."""


class PlainSwitches:
    """Part of a command or group that reads texts without pydantic, and whose help shows no type at a switch."""

    params: list[Any]

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        """Return what was typed."""
        for param in self.params:
            without_pydantic(param)
        return super().make_context(*arguments, **options)  # type: ignore[misc] # the command's

    # Any: a context and an option are click's, or Typer's own copies of them, as its version goes.
    def get_help_option(self, ctx: Any) -> Any:
        """Return the option of the help itself."""
        return without_pydantic(without_type(super().get_help_option(ctx)))  # type: ignore[misc] # the command's

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help."""
        with left_out(UNUSED):
            from typer import rich_utils  # noqa: F401
        for param in self.params:
            without_type(param)
        super().format_help(ctx, formatter)  # type: ignore[misc] # the command's


class HelpfulCommand(PlainSwitches, TyperCommand):
    """A command whose help says what happens without each option."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help."""
        if self.name == "train":
            show_preset(self.params)
        super().format_help(ctx, formatter)


def without_pydantic(option: Any) -> Any:
    """Return an option, whose value, where it is texts, a path or missing, is what it is without asking Typer.

    Typer builds a pydantic type for each of them, which takes longer than all the rest of the command line.
    """
    if option is not None and not isinstance(option.process_value, functools.partial):
        option.process_value = functools.partial(_value, option, option.process_value)
    return option


def _value(option: Any, process: Callable[[Any, Any], Any], context: Any, value: Any) -> Any:
    several = option.multiple or option.nargs != 1
    if option.required:
        return process(context, value)
    kind = getattr(getattr(option, "type_descriptor", None), "annotation", None)
    if several and value in (None, (), []):
        value = None
    elif several and kind == list[str]:
        value = [str(one) for one in value]
    elif kind in (str, Path) and isinstance(value, str):
        value = kind(value)
    elif value is not None:
        return process(context, value)
    return option.callback(context, option, value) if option.callback is not None else value


def without_type(option: Any) -> Any:
    """Return an option; where it is a switch, its help shows no type."""
    if getattr(option, "is_flag", False):
        option.metavar = ""
    return option


def show_preset(params: list[Any]) -> None:
    """Show at every option of the recipe the value of the preset that was typed, or would be chosen here."""
    from cifar_tui.cli.default_preset import preset_for
    from cifar_tui.cli.options import RECIPE_OPTIONS
    from cifar_tui.option import RECIPE
    from cifar_tui.presets import PRESETS

    name = _typed_preset(sys.argv[1:])
    shown = name if name in PRESETS else preset_for(None)
    for param in params:
        if param.name == "preset_name":
            param.rich_help_panel = f"{RECIPE}; defaults: {shown}"
        option = RECIPE_OPTIONS.get(param.name)
        if option is None:
            continue
        value = getattr(PRESETS[shown].recipe, option.field)
        text = f"{value:g}" if isinstance(value, float) else "all" if value is None else str(value)
        param.help = f"{param.help} [dim]\\[default: {text}][/dim]"
        if option.panel == RECIPE:
            param.rich_help_panel = f"{RECIPE}; defaults: {shown}"


def _typed_preset(arguments: list[str]) -> str:
    """Return the preset among the arguments; empty without one."""
    for argument, following in zip(arguments, [*arguments[1:], ""], strict=True):
        if argument == "--preset":
            return following
        if argument.startswith("--preset="):
            return argument.partition("=")[2]
    return ""
