"""`cifar-tui attach`."""

from pathlib import Path
from typing import Annotated

import typer

from cifar_tui.cli.completion import complete_run
from cifar_tui.cli.environment import DrawScreen, how_to_see, obstacle_to_a_screen
from cifar_tui.cli.options import AlertKind, Marker, NoMouse, ThemeName, check_screen_options
from cifar_tui.errors import BadInput
from cifar_tui.system.invocation import command_line
from cifar_tui.text import safe_text

MOST_LISTED = 20
"""Number of the newest runs to pick from."""


def attach(
    run: Annotated[
        str | None,
        typer.Argument(
            metavar="RUN",
            help="A run's name or folder. Without it: the only run that is training, or a choice.",
            autocompletion=complete_run,
        ),
    ] = None,
    theme: ThemeName = None,
    marker: Marker = "braille",
    no_mouse: NoMouse = False,
    alert: AlertKind = "none",
    screen: DrawScreen = False,
) -> None:
    """Open a run that is training elsewhere or has ended: its whole history, and live updates."""
    check_screen_options(marker, alert, theme)
    obstacle = obstacle_to_a_screen(in_notebook=screen)
    if obstacle:
        raise BadInput(f"{obstacle}. {how_to_see(f'attach {safe_text(run)}' if run else 'attach', obstacle)}")
    if obstacle is not None:
        raise BadInput(
            f"attach needs a terminal to draw on. Without one, use {command_line('runs')} or read the run's "
            "journal.jsonl."
        )
    from cifar_tui.cli.front_ends import run_on_screen
    from cifar_tui.jobs.attached import AttachedJobs
    from cifar_tui.runs.find import find_run

    folder = find_run(run) if run is not None else _pick_run()
    raise typer.Exit(run_on_screen(AttachedJobs(folder), theme=theme, marker=marker, mouse=not no_mouse, alert=alert))


def _pick_run() -> Path:
    """Return the only run that is being trained, else the one that a person picks. Raises BadInput."""
    from cifar_tui.cli.run_table import list_overviews, table_lines
    from cifar_tui.runs.find import live_or_all_runs

    runs, live = live_or_all_runs()
    if live and len(runs) == 1:
        return runs[0]
    overviews = list_overviews(runs[-MOST_LISTED:])[0]
    head, *lines = table_lines(overviews, indent=4)
    if len(runs) > MOST_LISTED:
        print(f"The newest {MOST_LISTED} of {len(runs)} runs:")
    print("\n".join([f"    {head}", *(f"{number:>3} {line}" for number, line in enumerate(lines, 1))]))
    number = 0
    while not 1 <= number <= len(overviews):
        number = typer.prompt("Which one", default=len(overviews), type=int)
    return overviews[number - 1].folder
