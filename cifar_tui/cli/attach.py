"""`cifar-tui attach`."""

from pathlib import Path
from typing import Annotated

import typer

from cifar_tui.cli.front_ends import show_on_screen, terminal_fit_for_a_screen
from cifar_tui.cli.options import (
    ALERTS,
    MARKERS,
    AlertKind,
    Marker,
    NoMouse,
    ThemeName,
    one_of,
)
from cifar_tui.cli.runs import list_overviews, table_lines
from cifar_tui.errors import BadInput

MOST_LISTED = 20
"""The newest runs that are put up to choose from."""


def attach(
    run: Annotated[
        str | None,
        typer.Argument(
            metavar="RUN", help="A run's name or folder; without one, the only one that is training, or a choice."
        ),
    ] = None,
    theme: ThemeName = None,
    marker: Marker = "braille",
    no_mouse: NoMouse = False,
    alert: AlertKind = "none",
) -> None:
    """Show a run that was started elsewhere, or has ended: its whole history, and what is still said."""
    one_of("--marker", marker, MARKERS)
    one_of("--alert", alert, ALERTS)
    from cifar_tui.jobs.attached import AttachedJobs
    from cifar_tui.runs.find import find_run

    if not terminal_fit_for_a_screen():
        raise BadInput(
            "attach needs a terminal to draw on. Without one, see `cifar-tui runs`, or a run's journal.jsonl."
        )
    folder = find_run(run) if run is not None else _chosen_run()
    raise typer.Exit(show_on_screen(AttachedJobs(folder), theme=theme, marker=marker, mouse=not no_mouse, alert=alert))


def _chosen_run() -> Path:
    """The only run that is being trained, else one from a list. Raises BadInput when there are none."""
    from cifar_tui.runs.find import all_runs, no_runs_error
    from cifar_tui.runs.lock import is_being_trained

    runs = all_runs()
    live = [folder for folder in runs if is_being_trained(folder)]
    if len(live) == 1:
        return live[0]
    if not runs:
        raise no_runs_error()
    overviews = list_overviews((live or runs)[-MOST_LISTED:])
    head, *lines = table_lines(overviews)
    print("\n".join([f"    {head}", *(f"{number:>3} {line}" for number, line in enumerate(lines, 1))]))
    number = 0
    while not 1 <= number <= len(overviews):
        number = typer.prompt("Which one", default=len(overviews), type=int)
    return overviews[number - 1].folder
