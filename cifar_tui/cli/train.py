"""`cifar-tui train`."""

import sys
from collections.abc import Mapping

import typer

from cifar_tui.cli.environment import DrawScreen, obstacle_to_a_screen, report_descriptor
from cifar_tui.cli.options import (
    AlertKind,
    Detach,
    Headless,
    Marker,
    NoMouse,
    PresetName,
    ResumedRun,
    RunFolderPath,
    RunName,
    StartCheckpoint,
    ThemeName,
    check_screen_options,
    recipe_options,
)
from cifar_tui.files.home_path import in_home
from cifar_tui.system.foreground import train_behind_a_parent


@recipe_options()
def train(
    *,
    preset_name: PresetName = None,
    changes: Mapping[str, object],
    resume: ResumedRun = None,
    start: StartCheckpoint = None,
    run_name: RunName = None,
    outf: RunFolderPath = None,
    headless: Headless = False,
    detach: Detach = False,
    theme: ThemeName = None,
    marker: Marker = "braille",
    no_mouse: NoMouse = False,
    alert: AlertKind = "none",
    screen: DrawScreen = False,
) -> None:
    """Train a run, with a live screen on a terminal, else as plain lines."""
    report_to = report_descriptor()
    obstacle = "" if report_to is not None or headless or detach else obstacle_to_a_screen(in_notebook=screen)
    release_shell = train_behind_a_parent() if obstacle is None else None
    check_screen_options(marker, alert, theme)
    # Not before: what these load has threads (numpy's), and a fork must come before them.
    from cifar_tui.cli.detached import start_detached, train_detached
    from cifar_tui.cli.front_ends import run_on_screen, train_on_console
    from cifar_tui.cli.train_jobs import new_run, resumed_run

    if resume is None:
        jobs = new_run(changes, preset_name, start, run_name, in_home(outf) if outf is not None else None)
    else:
        typed = {"--from": start, "--preset": preset_name, "--run-name": run_name, "--outf": outf}
        jobs = resumed_run(resume, changes, {flag for flag, value in typed.items() if value is not None})
    if report_to is not None:
        raise typer.Exit(train_detached(jobs, report_to))
    if detach:
        jobs.close()
        print(jobs.note, end="\n" if jobs.note else "")
        raise typer.Exit(start_detached(sys.argv[1:]))
    if release_shell is None:
        raise typer.Exit(train_on_console(jobs, resumed=resume is not None, obstacle=obstacle or ""))
    raise typer.Exit(run_on_screen(jobs, release_shell, theme=theme, marker=marker, mouse=not no_mouse, alert=alert))
