"""Changes of runs on disk: rename, note, tag and delete them, the marked ones together."""

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from textual.app import App

from cifar_tui import text
from cifar_tui.errors import CifarTuiError
from cifar_tui.runs.delete_run import delete_run
from cifar_tui.runs.deletion import Deletion, plan_deletions
from cifar_tui.runs.folder import run_name
from cifar_tui.runs.overview import Overview
from cifar_tui.runs.rename import rename_run
from cifar_tui.runs.run_note import write_note
from cifar_tui.runs.tags import change_tags, checked_tags, write_tags
from cifar_tui.text import safe_text
from cifar_tui.tui.dialogs.questions import delete_runs_question
from cifar_tui.tui.dialogs.text_question import TextQuestion
from cifar_tui.tui.followed_run import FollowedRun
from cifar_tui.tui.runs_screen.run_rows import ListedRuns, RunRow

MOST_REMARKS = 2
"""Runs of which a question says what speaks against deleting them."""


class ListingScreen(Protocol):
    """The screen with the list."""

    runs: ListedRuns

    def look(self) -> None:
        """Look at the folder again."""


class RunChanges:
    """Changes the run under the cursor, or those that are marked, after a question."""

    def __init__(self, app: App[int], followed: FollowedRun) -> None:
        """Ask in front of `app`; `followed` gives a run back that is changed."""
        self._app = app
        self._followed = followed

    def run(self, action: str, row: RunRow, screen: ListingScreen) -> None:
        """Do what a binding names."""
        {"rename": self._rename, "note": self._note, "tag": self._tag, "delete": self._delete}[action](row, screen)

    def _rename(self, row: RunRow, screen: ListingScreen) -> None:
        if row.trains:
            self._refuse(f"{_name(row.overview)} is training: it can be renamed once it has ended.")
            return

        def rename(name: str) -> None:
            new = rename_run(row.folder, name)
            if row.folder in screen.runs.marked:
                screen.runs.marked.add(new)

        async def answered(name: str | None) -> None:
            if name is not None and name.strip() != row.name:
                was_open = self._followed.release(row.folder)
                if await self._change(lambda: rename(name), screen) and was_open:
                    self._followed.open(row.folder.with_name(new_name(name)))

        def new_name(name: str) -> str:
            return run_name(row.overview.recipe, name.strip(), time.localtime())

        detail = "Up to 100 letters, digits, dots, dashes and underscores. The name it has now still finds it."
        self._app.push_screen(TextQuestion(f"Rename {row.name}", detail, row.name, new_name), answered)

    def _note(self, row: RunRow, screen: ListingScreen) -> None:
        async def answered(note: str | None) -> None:
            if note is not None and note != row.overview.note:
                await self._change(lambda: write_note(row.folder, note), screen)

        detail = "One line, kept in the run's folder. Enter keeps it, escape leaves it as it was; empty takes it away."
        self._app.push_screen(TextQuestion(f"Note on {row.name}", detail, row.overview.note), answered)

    def _tag(self, row: RunRow, screen: ListingScreen) -> None:
        """Ask for all tags of one run, or for those that several runs get and lose."""
        marked = screen.runs.marked_overviews()
        if not marked:
            title, before = f"Tags of {row.name}", " ".join(row.overview.tags)
            detail = "Words with blanks between them; empty takes all away."
        else:
            title, before = f"Tags of the {text.counted(len(marked), 'marked run')}", ""
            detail = "Each gets these words, with blanks between them; -word takes one away."

        def change(typed: str) -> None:
            add, remove = _tags(typed, several=bool(marked))
            for run in marked:
                change_tags(run.folder, add, remove)
            if not marked:
                write_tags(row.folder, add)

        async def answered(typed: str | None) -> None:
            if typed is not None and typed != before:
                await self._change(lambda: change(typed), screen)

        check: Callable[[str], object] = lambda typed: _tags(typed, several=bool(marked))  # noqa: E731
        self._app.push_screen(TextQuestion(title, detail, before, check), answered)

    def _delete(self, row: RunRow, screen: ListingScreen) -> None:
        chosen = screen.runs.marked_overviews() or [row.overview]
        ended = [run for run in chosen if not run.trains]
        if not ended:
            whose = f"{_name(chosen[0])} is" if len(chosen) == 1 else "All marked runs are"
            self._refuse(f"{whose} training: stop {'it' if len(chosen) == 1 else 'them'} first, then delete.")
            return
        alone = row.overview if not row.trains and ended != [row.overview] else None

        def answered(answer: str | None) -> None:
            runs = ended if answer == "y" else [alone] if answer == "o" and alone is not None else []
            if runs:
                self._app.run_worker(self._delete_all(runs, screen))

        recipes = {run.folder: run.recipe for run in screen.runs.listed.values()}
        plans = plan_deletions([run.folder for run in ended], recipes)
        remarks = _remarks(plans, [run for run in chosen if run.trains])
        names, size = [run.name for run in ended], sum(plan.size for plan in plans)
        self._app.push_screen(delete_runs_question(names, size, remarks, alone.name if alone else ""), answered)

    async def _delete_all(self, runs: Sequence[Overview], screen: ListingScreen) -> None:
        """Delete runs, one after the other; what refuses is said, and the others go all the same."""
        deleted = [run for run in runs if await self._delete_one(run.folder)]
        screen.look()
        if deleted:
            count = _name(deleted[0]) if len(deleted) == 1 else text.counted(len(deleted), "run")
            self._app.notify(f"{count} {'is' if len(deleted) == 1 else 'are'} deleted.", markup=False)

    async def _delete_one(self, folder: Path) -> bool:
        was_open = self._followed.release(folder)
        try:
            await asyncio.to_thread(delete_run, folder)
        except CifarTuiError as error:
            self._refuse(str(error))
            return False
        if was_open:
            self._followed.forget()
        return True

    async def _change(self, change: Callable[[], object], screen: ListingScreen) -> bool:
        """Change something on disk, and look at the folder again. Returns True if it has worked."""
        try:
            await asyncio.to_thread(change)
        except CifarTuiError as error:
            self._refuse(str(error))
            return False
        finally:
            screen.look()
        return True

    def _refuse(self, sentence: str) -> None:
        self._app.notify(sentence, severity="warning", markup=False)


def _remarks(plans: Sequence[Deletion], living: Sequence[Overview]) -> list[str]:
    """Return sentences on runs that are about to be deleted, and on those that stay; a few, for small screens."""
    found = [safe_text(f"{one.folder.name}: {'; '.join(one.remarks)}.", 150) for one in plans if one.remarks]
    more = [f"{len(found) - MOST_REMARKS:,} more have such files or runs."] if len(found) > MOST_REMARKS else []
    stay = f"{_name(living[0])} is training and stays." if living else ""
    if len(living) > 1:
        stay = f"{len(living):,} others are training and stay."
    return [*found[:MOST_REMARKS], *more, *filter(None, [stay])]


def _tags(typed: str, *, several: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the tags to add and those to take away, `-word` where there are several runs. Raises BadInput."""
    words = typed.split()
    remove = [word.removeprefix("-") for word in words if several and word.startswith("-")]
    add = [word for word in words if not (several and word.startswith("-"))]
    return checked_tags(add), checked_tags(remove)


def _name(run: Overview) -> str:
    return safe_text(run.name, 60)
