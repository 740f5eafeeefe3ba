"""`cifar-tui log`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from cifar_tui.cli.completion import complete_run


def log(
    run: Annotated[
        str | None,
        typer.Argument(
            metavar="RUN",
            help="A run's name or folder. Without it: the only run that is training, else the newest.",
            autocompletion=complete_run,
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print every event as a line of JSON, as docs/format.md describes them.")
    ] = False,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the run ends.")] = False,
) -> None:
    """Print what happened in a run, as plain lines or as JSON for scripts."""
    from cifar_tui.runs.find import find_run

    folder = find_run(run) if run is not None else _usual_run()
    try:
        (_print_json if as_json else _print_lines)(folder, follow=follow)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def _usual_run() -> Path:
    """Return the only run that is being trained, else the newest. Raises BadInput where several are, or none is."""
    from cifar_tui.runs.find import live_or_all_runs, only_live_run

    runs, live = live_or_all_runs()
    return only_live_run() if live else runs[-1]


def _print_json(folder: Path, *, follow: bool) -> None:
    from cifar_tui.runs.records.event_lines import event_lines

    for line in event_lines(folder, follow=follow):
        sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()


def _print_lines(folder: Path, *, follow: bool) -> None:
    # Loads numpy.
    from cifar_tui.console import Console, poll_until_ended
    from cifar_tui.history.run_history import RunHistory
    from cifar_tui.report.run_summary import outcome
    from cifar_tui.runs.remote.follow import RemoteRun

    connection, console = RemoteRun(folder, screen=False), Console(RunHistory(), sys.stdout)
    for events in poll_until_ended(connection, enough=lambda: connection.caught_up and not follow):
        console.show(events)
    connection.join(0)
    if not console.history.live:
        print(outcome(console.history), flush=True)
