"""`cifar-tui train`."""

import functools
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import typer

from cifar_tui.cli.environment import DrawScreen, obstacle_to_a_screen, report_descriptor
from cifar_tui.cli.options import (
    AlertKind,
    AutoResume,
    Detach,
    Headless,
    Marker,
    NoMouse,
    Normalize,
    PresetName,
    ResumedRun,
    RunFolderPath,
    RunName,
    RunTags,
    StartCheckpoint,
    ThemeName,
    TrainedModel,
    WeightsName,
    check_screen_options,
    recipe_options,
)
from cifar_tui.cli.several import in_several_processes
from cifar_tui.cli.told import telling
from cifar_tui.system.foreground import train_behind_a_parent

if TYPE_CHECKING:
    from cifar_tui.jobs.local import LocalJobs


@recipe_options()
@telling
@in_several_processes
def train(
    *,
    preset_name: PresetName = None,
    changes: Mapping[str, object],
    model: TrainedModel = None,
    resume: ResumedRun = None,
    auto_resume: AutoResume = False,
    start: StartCheckpoint = None,
    normalize: Normalize = None,
    weights: WeightsName = "",
    run_name: RunName = None,
    outf: RunFolderPath = None,
    tags: RunTags = None,
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
    from cifar_tui.cli import chosen_jobs, front_ends, train_jobs

    file = train_jobs.StartFile(start, weights, normalize)
    run = changes, resume, preset_name, file, run_name, outf, model, tags or ()
    make_jobs = functools.partial(chosen_jobs.jobs_of, *run, auto_resume=auto_resume)
    if report_to is not None or detach:
        raise typer.Exit(_in_background(make_jobs, report_to))
    jobs = make_jobs()
    if release_shell is None:
        raise typer.Exit(front_ends.train_on_console(jobs, obstacle=obstacle or ""))
    looks = {"theme": theme, "marker": marker, "mouse": not no_mouse, "alert": alert}
    raise typer.Exit(front_ends.run_on_screen(jobs, release_shell, **looks))


def _in_background(make_jobs: "Callable[[], LocalJobs]", report_to: int | None) -> int:
    """Start the run in a process of its own; in that one, train and report to who started it. Returns the exit code."""
    from cifar_tui.cli.detached import start_detached, train_detached

    return start_detached(make_jobs(), sys.argv[1:]) if report_to is None else train_detached(make_jobs, report_to)
