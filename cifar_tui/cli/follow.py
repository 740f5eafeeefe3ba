"""`cifar-tui train` in a process that torchrun has started beside the one that leads: it trains, and shows nothing."""

import functools
import sys
from collections.abc import Callable
from typing import Any

import typer

from cifar_tui.errors import CifarTuiError
from cifar_tui.system.launcher import rank_here


def by_the_leader(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command to the process that leads; any other follows it instead, until it ends."""

    # Any: the command's own options.
    @functools.wraps(command)
    def leader_only(**options: Any) -> None:
        if rank_here():
            raise typer.Exit(_follow())
        command(**options)

    return leader_only


def _follow() -> int:
    # Loads torch.
    from cifar_tui.engine.training.follow import follow

    try:
        follow()
    except CifarTuiError as error:
        print(f"Process {rank_here()}: {error}", file=sys.stderr)
        return error.exit_code
    return 0
