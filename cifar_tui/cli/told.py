"""The options of commands that notify people, and the way of an address out of the list of processes."""

import functools
import inspect
import os
import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from cifar_tui.notify.wanted import NOTIFY, VARIABLES

PANEL = "Notifications"
ON_EVENT_HELP = "Run a command at a run's end and in trouble, with the event as a line of JSON; see docs/notify.md."
NOTIFY_HELP = f"Post the same to an address: ntfy, Slack, Discord, any webhook. {NOTIFY} holds it out of sight."
TELL_HELP = "The events to notify of, by commas: usual, and best or started; see docs/notify.md."
OPTIONS = {
    "on_event": Annotated[
        str | None, typer.Option("--on-event", metavar="COMMAND", help=ON_EVENT_HELP, rich_help_panel=PANEL)
    ],
    "notify": Annotated[
        list[str] | None, typer.Option("--notify", metavar="URL", help=NOTIFY_HELP, rich_help_panel=PANEL)
    ],
    "tell": Annotated[str | None, typer.Option("--tell", metavar="EVENTS", help=TELL_HELP, rich_help_panel=PANEL)],
}
FLAG = "--notify"
TELLING = ("train", "queue", "notify")
"""Commands that have the option."""


def telling(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that say who is notified; they reach whatever it starts by the environment."""

    # Any: the command's own options.
    @functools.wraps(command)
    def told(*, on_event: str | None, notify: list[str] | None, tell: str | None, **options: Any) -> None:
        if (notify, on_event, tell) != (None, None, None) or any(os.environ.get(name) for name in VARIABLES):
            # Loads what only these need.
            from cifar_tui.notify.settings import carry

            carry(notify, on_event, tell)
        command(**options)

    parameters = list(inspect.signature(command).parameters.values())
    parameters += [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=option)
        for name, option in OPTIONS.items()
    ]
    told.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return told


def hide_addresses() -> None:
    """Start this program again without the addresses that were typed: everybody can read a command line.

    The environment, which holds them then, is its owner's alone.
    """
    kept, addresses = without_addresses(sys.argv[1:])
    called = next((word for word in kept if not word.startswith("-")), "")
    if not addresses or called not in TELLING:
        return
    environment = {**os.environ, NOTIFY: " ".join(addresses).strip() or "none"}
    count = len(sys.argv) - 1
    if sys.orig_argv[-count:] != sys.argv[1:]:  # not started as a program of its own
        return
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:-count], *kept], environment)


def without_addresses(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the arguments without the option for addresses, and its values."""
    kept: list[str] = []
    addresses: list[str] = []
    waiting = iter(arguments)
    for word in waiting:
        name, equals, value = word.partition("=")
        if name != FLAG:
            kept.append(word)
        elif equals:
            addresses.append(value)
        elif (following := next(waiting, None)) is not None:
            addresses.append(following)
        else:
            kept.append(word)  # the command line says what is missing
    return kept, addresses
