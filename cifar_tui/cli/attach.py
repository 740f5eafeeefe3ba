"""`cifar-tui attach`."""

from pathlib import Path
from typing import Annotated

import typer

from cifar_tui.cli.front_ends import on_screen, terminal_fit_for_a_screen
from cifar_tui.cli.options import (
    ALERTS,
    MARKERS,
    AlertKind,
    Marker,
    NoMouse,
    ThemeName,
    one_of,
)
from cifar_tui.errors import BadInput


def attach(
    run: Annotated[
        str | None, typer.Argument(metavar="RUN", help="A run's name or folder; without one, the one that is training.")
    ] = None,
    theme: ThemeName = None,
    marker: Marker = "braille",
    no_mouse: NoMouse = False,
    alert: AlertKind = "none",
) -> None:
    """Show a run that was started elsewhere, or has ended: its whole history, and what is still said."""
    one_of("--marker", marker, MARKERS)
    one_of("--alert", alert, ALERTS)
    from cifar_tui.jobs import AttachedJobs
    from cifar_tui.runs.folder import find_run

    folder = find_run(run) if run is not None else _only_live_run()
    if not terminal_fit_for_a_screen():
        raise BadInput(f"attach needs a terminal to draw on. Without one, read {folder / 'journal.jsonl'}.")
    raise typer.Exit(on_screen(AttachedJobs(folder), theme=theme, marker=marker, mouse=not no_mouse, alert=alert))


def _only_live_run() -> Path:
    """The one run in `runs/` that is being trained. Raises BadInput, with what there is to choose from."""
    from cifar_tui.runs.folder import RUNS_FOLDER, all_runs, being_trained
    from cifar_tui.text import safe_text

    runs = all_runs()
    live = [folder for folder in runs if being_trained(folder)]
    if len(live) == 1:
        return live[0]
    if not runs:
        raise BadInput(f"There are no runs in {RUNS_FOLDER}/ here: name a run's folder.")
    names = ", ".join(safe_text(folder.name, 60) for folder in (live or runs)[-5:])
    raise BadInput(f"{'Several runs are' if live else 'No run is'} being trained here: name one of {names}.")
