"""`cifar-tui train` in several processes: torchelastic starts them, and all but the first follow that one."""

import contextlib
import functools
import inspect
import os
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer

from cifar_tui.errors import BadInput, CifarTuiError
from cifar_tui.option import RECIPE
from cifar_tui.system.launcher import LAUNCHED, LOST, rank_here, ranks_here

GPUS_HELP = "Train on so many GPUs of this machine, or all: one process each, which share every batch."
PROCESSES_HELP = "The same without GPUs: so many processes, which share the cores."
Gpus = Annotated[str | None, typer.Option("--gpus", metavar="N", help=GPUS_HELP, rich_help_panel=RECIPE)]
Processes = Annotated[
    int | None, typer.Option("--processes", metavar="N", help=PROCESSES_HELP, rich_help_panel=RECIPE, min=1)
]
OPTIONS = {"gpus": Gpus, "processes": Processes}


def in_several_processes(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command that trains the options of several processes.

    With one of them, they are started here; in each, the first runs the command, and the others follow it.
    """

    # Any: the command's own options.
    @functools.wraps(command)
    def started(*, gpus: str | None, processes: int | None, **options: Any) -> None:
        if rank_here():
            raise typer.Exit(_follow(options))
        if ranks_here() > 1:
            _lead(command, options)
            return
        count = _count(gpus, processes)
        if count is None:
            command(**options)
            return
        from cifar_tui.cli.launch import launch

        raise typer.Exit(launch(count, options))

    parameters = list(inspect.signature(command).parameters.values())
    parameters += [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=option)
        for name, option in OPTIONS.items()
    ]
    started.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return started


def _count(gpus: str | None, processes: int | None) -> int | None:
    """Return the number of processes that was asked for; None for this one alone. Raises BadInput."""
    if gpus is None:
        return processes
    if processes is not None:
        raise BadInput("--gpus says how many processes there are: leave --processes out.")
    # Loads torch.
    import torch

    there = torch.cuda.device_count()
    if gpus != "all" and not (gpus.isdecimal() and int(gpus)):
        raise BadInput(f"--gpus must be a number or all, not '{gpus:.20}'.")
    count = there if gpus == "all" else int(gpus)
    if not 0 < count <= there:
        raise BadInput(f"There are {there} GPUs here that torch can use: --gpus cannot be {gpus}.")
    return count


def _lead(command: Callable[..., None], options: dict[str, Any]) -> None:
    """Run the command; what a launcher of ours shall not start again ends with 0, for its records tell the outcome."""
    try:
        command(**options)
    except (typer.Exit, CifarTuiError) as ending:
        _end_followers(ending.exit_code)
        if LAUNCHED not in os.environ or ending.exit_code in (0, LOST):
            raise
        if isinstance(ending, CifarTuiError):
            print(ending, file=sys.stderr)
        raise typer.Exit(0) from None


def _end_followers(exit_code: int) -> None:
    """End the processes that wait for this one to start the run, and leave the launcher the exit code."""
    # Loads torch.
    from cifar_tui.engine.network.ranks import refuse_start

    refuse_start(exit_code)


# Any: the command's own options.
def _follow(options: dict[str, Any]) -> int:
    # Loads torch.
    from cifar_tui.engine.training.follow import follow

    try:
        _allow_code(options)
        follow()
    except CifarTuiError as error:
        print(f"Process {rank_here()}: {error}", file=sys.stderr)
        # As for the leader, which has learned why: what would fail again is not to be started again.
        return error.exit_code if LAUNCHED not in os.environ or error.exit_code == LOST else 0
    return 0


def _allow_code(options: dict[str, Any]) -> None:
    """Allow this process the code that its own command names: a file, or that of a run to resume. Raises BadInput."""
    from cifar_tui.runs.find import find_run
    from cifar_tui.runs.folder import read_recipe
    from cifar_tui.runs.own_code import allow_file, allow_run

    if options["auto_resume"]:
        from cifar_tui.cli.auto_resume import run_place

        with contextlib.suppress(BadInput):  # it is not there yet
            folder = run_place(options["run_name"], options["outf"])
            allow_run(folder, read_recipe(folder))
            return
    if options["model"] is not None:
        allow_file(options["model"])
    if options["resume"] is not None:
        folder = find_run(options["resume"])
        allow_run(folder, read_recipe(folder))
