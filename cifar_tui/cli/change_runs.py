"""`cifar-tui runs` where it changes runs: deletes, renames, notes and tags them, and frees their room."""

import contextlib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from cifar_tui.cli.chosen_runs import runs_to_change
from cifar_tui.cli.terminal import confirmed
from cifar_tui.dataclass import dataclass
from cifar_tui.errors import BadInput, CifarTuiError
from cifar_tui.queue.needs import needs_of_jobs
from cifar_tui.runs.delete_run import delete_run
from cifar_tui.runs.deletion import plan_deletions
from cifar_tui.runs.disk_use import disk_use, freeable
from cifar_tui.runs.find import find_run, run_argument
from cifar_tui.runs.free_space import Freed, free_space
from cifar_tui.runs.lock import is_being_trained
from cifar_tui.runs.overview import read_overview
from cifar_tui.runs.rename import rename_run
from cifar_tui.runs.run_note import write_note
from cifar_tui.runs.tags import change_tags, checked_tags
from cifar_tui.system.invocation import command_line
from cifar_tui.text import counted, safe_text, size

NOBODY_TO_ASK = "There is no terminal to ask on: add --yes to do it all the same, or --dry-run to only list it."


@dataclass(frozen=True, slots=True)
class Consent:
    """The way to a person's consent."""

    yes: bool
    """True where it was given on the command line."""
    dry_run: bool
    """True where nothing is to be done."""

    def given(self, question: str) -> bool:
        """Return True if a person agrees. Raises BadInput where there is nobody to ask."""
        if self.dry_run or self.yes:
            return not self.dry_run
        return confirmed(question, f"Nothing was changed. {NOBODY_TO_ASK}")


def delete_runs(typed: Sequence[str], where: str | None, consent: Consent) -> int:
    """Show and delete runs, but none that lives, once a person agrees. Returns the exit code. Raises BadInput."""
    chosen = runs_to_change(typed, where, by_old_names=False)
    ended = _without_living(chosen, "stop it first, then delete it")
    plans = plan_deletions(ended, needs_of_jobs(ended))
    _show([(plan.folder, plan.size, "; ".join(plan.remarks)) for plan in plans])
    if not plans:
        return _nothing(chosen)
    if not consent.given(f"Delete {_these(len(plans))} with everything in {_folders(len(plans))}?"):
        return 0
    sizes = {plan.folder: plan.size for plan in plans}

    def delete(folder: Path) -> int:
        delete_run(folder)
        return sizes[folder]

    complete = _each([plan.folder for plan in plans], delete, "deleted")
    return 0 if complete and len(ended) == len(chosen) else 1


def free_runs(typed: Sequence[str], where: str | None, what: Freed, consent: Consent) -> int:
    """Show and free what runs can do without, once a person agrees. Returns the exit code. Raises BadInput."""
    chosen = runs_to_change(typed, where)
    ended = _without_living(chosen, "everything of it stays")
    amounts = [(folder, amount, "") for folder in ended if (amount := _freeable(folder, what))]
    _show(amounts)
    if not amounts:
        print(f"There are no {what} to free.")
        return 0
    loss = "They cannot be resumed for more epochs then." if what == "states" else "The best and the newest two stay."
    if not consent.given(f"Delete the {what} of {_these(len(amounts))}? {loss}"):
        return 0
    return 0 if _each([folder for folder, _, _ in amounts], lambda folder: free_space(folder, what), "freed") else 1


def rename_chosen(typed: Sequence[str], where: str | None, name: str) -> None:
    """Rename a run. Raises BadInput, FolderInUse."""
    chosen = _to_rename(typed, where, name)
    if len(chosen) != 1:
        raise BadInput(f"A name is for one run, and these are {len(chosen)}.")
    new = rename_run(chosen[0], name)
    print(f"{_name(chosen[0])} is now called {_name(new)}.")


def _to_rename(typed: Sequence[str], where: str | None, name: str) -> list[Path]:
    """Return the runs that are named; where there is none, but one of the new name, say which comes first."""
    try:
        return runs_to_change(typed, where)
    except BadInput:
        known = ""
        with contextlib.suppress(BadInput):
            known = run_argument(find_run(name))
        if not (known and typed):
            raise
    new = safe_text(typed[0], 100)
    raise BadInput(f"There is no run {new}. To rename {known}: {command_line(f'runs {known} --rename {new}')}")


def annotate_runs(
    typed: Sequence[str], where: str | None, note: str | None, add: Sequence[str], remove: Sequence[str]
) -> int:
    """Put a note on runs, or tags, or take tags away, whether they live or have ended. Returns the exit code.

    Raises BadInput.
    """
    chosen = runs_to_change(typed, where)
    checked_tags([*add, *remove])

    def annotate(folder: Path) -> int:
        if note is not None:
            write_note(folder, note)
        if add or remove:
            tags = change_tags(folder, add, remove)
            print(f"{_name(folder)}: {', '.join(tags) or 'no tags'}")
        else:
            print(f"{_name(folder)}: {'noted' if note and note.strip() else 'no note'}")
        return 0

    complete = _each(chosen, annotate, "")
    return 0 if complete and chosen else _nothing(chosen)


def _without_living(chosen: Sequence[Path], advice: str) -> list[Path]:
    """Return the runs that have ended; of the others it is said, on standard error, why they stay."""
    living = [folder for folder in chosen if is_being_trained(folder)]
    for folder in living:
        print(f"{_name(folder)} is being trained or evaluated: {advice}.", file=sys.stderr)
    return [folder for folder in chosen if folder not in living]


def _show(rows: Sequence[tuple[Path, int, str]]) -> None:
    """Print runs with their sizes and remarks, and the size of all."""
    width = max((len(_name(folder)) for folder, _, _ in rows), default=0)
    for folder, amount, remark in rows:
        print(f"{_name(folder):{width}}  {size(amount):>8}  {remark}".rstrip())
    if len(rows) > 1:
        print(f"{counted(len(rows), 'run')}, {size(sum(amount for _, amount, _ in rows))}")


def _each(folders: Sequence[Path], change: Callable[[Path], int], done: str) -> bool:
    """Change runs one after the other, print each, and go on where one fails. Returns True if none has.

    The change returns the bytes that it has freed.
    """
    failed, freed = 0, 0
    for folder in folders:
        try:
            amount = change(folder)
        except CifarTuiError as error:
            failed += 1
            print(error, file=sys.stderr)
            continue
        freed += amount
        if done:
            print(f"{_name(folder)}: {done} {size(amount)}", flush=True)
    if done and len(folders) > 1:
        print(f"{counted(len(folders) - failed, 'run')}: {done} {size(freed)}")
    return not failed


def _freeable(folder: Path, what: Freed) -> int:
    try:
        return int(getattr(freeable(read_overview(folder), disk_use(folder)), what))
    except (BadInput, OSError):
        return 0


def _nothing(chosen: Sequence[Path]) -> int:
    """Say that no run was chosen, where that is so, which is no failure. Returns the exit code."""
    if chosen:
        return 1
    print("No run matches.")
    return 0


def _these(number: int) -> str:
    return "this run" if number == 1 else f"these {number:,} runs"


def _folders(number: int) -> str:
    return "its folder" if number == 1 else "their folders"


def _name(folder: Path) -> str:
    return safe_text(folder.absolute().name, 100)
