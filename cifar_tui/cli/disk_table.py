"""`cifar-tui runs --disk`: the room that runs take, by what it is for, and the commands that free some of it."""

import contextlib
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

import orjson

from cifar_tui import text
from cifar_tui.cli.terminal import terminal_columns
from cifar_tui.dataclass import dataclass
from cifar_tui.runs.disk_use import KINDS, DiskUse, Freeable, disk_use, freeable, interrupted_run_deletes
from cifar_tui.runs.find import run_argument
from cifar_tui.runs.overview import Overview
from cifar_tui.system.invocation import command_line

HEADS = {"ours": "records", "others": "not ours"}
"""Heads of the columns that are not called as their purpose."""
LEFT_OUT_FIRST = ("events", "leftovers", "others", "ours", "evaluations", "journal")
"""Columns in the order in which they are left out where a terminal is too narrow; also those that are empty."""
NAME_COLUMNS = 28
"""Columns of a run's name on a narrow terminal."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The runs that a command is about, as they were typed."""

    typed: tuple[str, ...]
    """Names and folders."""
    where: str | None
    """The filter."""

    def command(self, option: str, also: str = "") -> str:
        """Return the command that does something with these runs, of which `also` must hold, too."""
        where = " ".join(filter(None, (self.where, also)))
        words = ["runs", *self.typed, *(["--where", where] if where and also else [])]
        command = f"{shlex.join(words)} {option}"
        return command_line(command)


@dataclass(frozen=True, slots=True)
class Listed:
    """A run with the room it takes."""

    run: Overview
    """The run."""
    use: DiskUse
    """The room."""
    could_go: Freeable
    """The part of it that could go."""


def print_disk_use(runs: Sequence[Overview], places: Sequence[Path], scope: Scope, *, as_json: bool) -> None:
    """Print the room of each of these runs, the largest last, that of all, and how some of it is freed.

    `places` are the folders that they are in.
    """
    listed = sorted(_listed(runs), key=lambda one: one.use.total)
    half_deleted = sum(map(interrupted_run_deletes, places))
    if as_json:
        for one in listed:
            print(orjson.dumps(_to_json(one)).decode())
        return
    if listed:
        print("\n".join(_table(listed)))
    else:
        print("There are no runs that could take room.")
    for line in _advice(listed, half_deleted, scope):
        print(line)


def _listed(runs: Sequence[Overview]) -> Iterator[Listed]:
    for run in runs:
        with contextlib.suppress(OSError):  # it was deleted meanwhile
            use = disk_use(run.folder)
            yield Listed(run, use, freeable(run, use))


def _table(listed: Sequence[Listed]) -> list[str]:
    """Return a head, a line for each run, and one for all, in the width of the terminal, where there is one."""
    total = DiskUse()
    for one in listed:
        total.add(one.use)
    columns = [kind for kind in KINDS if getattr(total, kind) or kind == "weights"]
    rows = [["run", "total", *(HEADS.get(kind, kind) for kind in columns)]]
    rows += [[run_argument(one.run.folder), *_sizes(one.use, columns)] for one in listed]
    if len(listed) > 1:
        rows.append([f"all {text.counted(len(listed), 'run')}", *_sizes(total, columns)])
    room = terminal_columns()
    if sum(_widths(rows)) > room:
        rows = [[text.shortened(row[0], NAME_COLUMNS), *row[1:]] for row in rows]
    for kind in LEFT_OUT_FIRST:
        if kind in columns and sum(_widths(rows)) > room:
            place = columns.index(kind)
            columns.remove(kind)
            rows = [row[: place + 2] + row[place + 3 :] for row in rows]
    widths = _widths(rows)
    return [
        "".join(
            cell.ljust(width) if number == 0 else f"  {cell:>{width - 2}}"
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]


def _sizes(use: DiskUse, columns: Sequence[str]) -> list[str]:
    amounts = [use.total, *(getattr(use, kind) for kind in columns)]
    return [text.size(amount) if amount else "–" for amount in amounts]


def _widths(rows: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(len, cells)) + (2 if number else 0) for number, cells in enumerate(zip(*rows, strict=True))]


def _advice(listed: Sequence[Listed], half_deleted: int, scope: Scope) -> list[str]:
    """Return a line for everything that could go, with the command that frees it."""
    states = sum(one.could_go.states for one in listed)
    checkpoints = sum(one.could_go.checkpoints for one in listed)
    leftovers = sum(one.could_go.leftovers for one in listed) + half_deleted
    found = []
    if states:
        found.append((states, "training states of finished runs", scope.command("--free states", "state=finished")))
    if checkpoints:
        what = "checkpoints beyond the best, the newest two and the pinned"
        found.append((checkpoints, what, scope.command("--free checkpoints", "state!=running")))
    if leftovers:
        found.append((leftovers, "left by crashes", scope.command("--gc")))
    return [f"Could go: {text.size(amount)}, {what}: {command}" for amount, what, command in found]


def _to_json(one: Listed) -> dict[str, object]:
    return {
        "run": one.run.name,
        "state": one.run.state,
        "live": one.run.live,
        "bytes": one.use.total,
        **{HEADS.get(kind, kind).replace(" ", "_"): getattr(one.use, kind) for kind in KINDS},
        "could_go": {
            "states": one.could_go.states,
            "checkpoints": one.could_go.checkpoints,
            "leftovers": one.could_go.leftovers,
        },
        "folder": str(one.run.folder.absolute()),
    }
