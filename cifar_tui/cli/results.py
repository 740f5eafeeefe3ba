"""`cifar-tui results`."""

import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import orjson
import typer

from cifar_tui.cli.chosen_runs import listed_runs
from cifar_tui.cli.completion import complete_of, complete_run_or_tag
from cifar_tui.cli.runs import Filter
from cifar_tui.cli.terminal import terminal_columns
from cifar_tui.errors import BadInput
from cifar_tui.files.home_path import in_home
from cifar_tui.option import check_choice
from cifar_tui.runs.find import RUNS_FOLDER, all_runs
from cifar_tui.runs.tags import read_tags
from cifar_tui.system.invocation import command_line
from cifar_tui.text import counted, safe_text

if TYPE_CHECKING:
    from cifar_tui.report.results import By, Results
    from cifar_tui.runs.overview import Overview

BY: tuple["By", ...] = ("last", "best")
RUNS_HELP = "Runs, by name or folder; folders of runs; tags. Without any: all runs in runs/."
BY_HELP = "The epoch that counts: last, or each run's best."
BASELINE_HELP = "Compare with this row: a run's name, or a setting as 'lr=0.1 epochs=20'."
MOST_NAMED = 8
"""Tags, and runs that cannot be read, that a sentence names."""


def results(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="RUN|DIR|TAG", help=RUNS_HELP, autocompletion=complete_run_or_tag)
    ] = None,
    where: Filter = None,
    by: Annotated[str, typer.Option("--by", metavar="EPOCH", help=BY_HELP, autocompletion=complete_of(*BY))] = "last",
    baseline: Annotated[str | None, typer.Option("--baseline", metavar="RUN", help=BASELINE_HELP)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the table as one line of JSON.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the table as comma-separated values.")] = False,
    svg: Annotated[
        Path | None, typer.Option("--svg", metavar="FILE", help="Draw accuracy against what differs, too.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file of --svg, if it exists.")] = False,
) -> None:
    """Compare runs by what differs between them: mean and deviation over seeds, and the difference to a baseline."""
    check_choice("--by", by, BY)
    if as_json and as_csv:
        raise BadInput("--json and --csv are two forms of the same table: choose one.")
    if svg is not None:
        # Loads what exports need.
        from cifar_tui.cli.picture import picture_file, write_picture

        svg = picture_file(svg, "" if force else "Use --force to replace it.")
    overviews, unreadable = _read_runs(names or [], where)
    # Loads numpy.
    from cifar_tui.report.baseline import find_baseline
    from cifar_tui.report.results import compare_runs, with_baseline

    compared = compare_runs(overviews, "best" if by == "best" else "last")
    if baseline is not None:
        compared = with_baseline(compared, find_baseline(compared, baseline))
    if svg is not None:
        from cifar_tui.report.results_svg import results_svg

        write_picture(svg, results_svg(compared))
        print(f"Wrote {safe_text(str(svg), 200)}.", file=sys.stderr)
    _print(compared, unreadable, as_json=as_json, as_csv=as_csv)


def _read_runs(names: Sequence[str], where: str | None) -> tuple[list["Overview"], list[str]]:
    """Return the runs to compare, and why others cannot be read, which is printed, too. Raises BadInput for no run."""
    # Loads numpy.
    from cifar_tui.cli.run_table import list_overviews, unreadable_folders
    from cifar_tui.runs.where import parse_where

    wanted = parse_where(where) if where is not None else None
    overviews, unreadable = list_overviews(named_runs(names))
    unreadable += [] if names else unreadable_folders(RUNS_FOLDER)
    _report_unreadable(unreadable)
    if not overviews:
        raise BadInput(f"There are no runs to compare. To start one: {command_line('train')}")
    overviews = [one for one in overviews if wanted is None or wanted(one)]
    if not overviews:
        raise BadInput(f"No run matches --where '{safe_text(where or '', 100)}'.")
    return overviews, unreadable


def named_runs(names: Sequence[str]) -> list[Path]:
    """Return the folders of the runs that are named, each once; all of `runs/` without names. Raises BadInput."""
    if not names:
        return listed_runs(())
    tagged: dict[str, list[Path]] = defaultdict(list)
    for folder in all_runs():
        for tag in read_tags(folder):
            tagged[tag].append(folder)
    folders = (folder for name in names for folder in tagged.get(name) or _named(name, sorted(tagged)))
    return list({folder.resolve(): folder for folder in folders}.values())


def _named(name: str, tags: Sequence[str]) -> list[Path]:
    """Return the run of a name, or the runs in a folder. Raises BadInput, which names the tags that there are."""
    try:
        found = listed_runs([name])
    except BadInput as error:
        more = ", …" if len(tags) > MOST_NAMED else ""
        named = f" Tags there: {', '.join(tags[:MOST_NAMED])}{more}." if tags else ""
        raise BadInput(f"{str(error).removesuffix('.')}, and no run with that tag.{named}") from None
    except OSError as error:
        raise BadInput(f"'{safe_text(name, 100)}' is no run, folder or tag: {error.strerror}.") from None
    if not found:
        raise BadInput(f"There are no runs in {safe_text(str(in_home(name).absolute()), 300)}.")
    return found


def _report_unreadable(unreadable: Sequence[str]) -> None:
    if unreadable:
        named = ", ".join(unreadable[:MOST_NAMED]) + (", …" if len(unreadable) > MOST_NAMED else "")
        print(f"{counted(len(unreadable), 'run')} cannot be read: {named}.", file=sys.stderr)


def _print(compared: "Results", unreadable: Sequence[str], *, as_json: bool, as_csv: bool) -> None:
    from cifar_tui.report import results_records, results_text

    if as_json:
        print(orjson.dumps(results_records.results_record(compared, unreadable)).decode())
        return
    if as_csv:
        sys.stdout.write(results_records.results_csv(compared))
        return
    width = terminal_columns()
    lines = [
        *results_text.wrapped([results_text.title(compared)], width),
        "",
        *results_text.table_lines(compared, width),
        "",
        *results_text.wrapped(results_text.notes(compared), width),
    ]
    print("\n".join(lines))
