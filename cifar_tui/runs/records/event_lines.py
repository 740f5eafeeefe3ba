"""The events of a run as the lines of its journal, one by one as they are written: for scripts."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

from cifar_tui.errors import BadInput
from cifar_tui.files.run_files import JOURNAL_NAME
from cifar_tui.runs.lock import is_being_trained
from cifar_tui.runs.records.journal import JournalTail, from_line
from cifar_tui.text import safe_text

LOOK_SECONDS = 0.2
"""Between two looks at a journal that still grows."""


def event_lines(folder: Path, *, follow: bool) -> Iterator[bytes]:
    """Yield every line of a run's journal with its line break; with `follow`, those to come, too, until it ends.

    A line comes once: where a run goes back, its journal is written anew, and continues with the event that says so.
    Torn lines, and events of other versions, are passed over. Raises BadInput where it cannot be read.
    """
    try:
        with contextlib.closing(JournalTail(folder)) as journal:
            yield from _lines(journal, folder, follow=follow)
    except OSError as error:
        where = safe_text(str(folder / JOURNAL_NAME), 300)
        raise BadInput(f"Cannot read {where}: {error.strerror or error}.") from error


def _lines(journal: JournalTail, folder: Path, *, follow: bool) -> Iterator[bytes]:
    newest = 0.0
    anew = False
    while True:
        # Looked at before the journal is read once more, so that a last word is never missed.
        trained = is_being_trained(folder)
        anew = journal.went_back() or anew
        for line in journal.lines():
            with contextlib.suppress(ValueError):
                at, _ = from_line(line)
                if not anew or at > newest:
                    newest, anew = max(at, newest), False
                    yield line
        if not (follow and trained):
            return
        time.sleep(LOOK_SECONDS)
