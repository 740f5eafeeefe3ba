"""The events of a run as lines for scripts: each once, also of a run that goes back, and until it ends."""

import threading
from pathlib import Path

import orjson
import pytest

from cifar_tui.errors import BadInput
from cifar_tui.events import RolledBack, RunFinished
from cifar_tui.files.run_files import journal_path
from cifar_tui.runs.records import event_lines as module
from cifar_tui.runs.records.event_lines import event_lines
from tests import scripted
from tests.run_folders import put_live_run, write_events
from tests.waiting import eventually

STEPS = [scripted.step(number) for number in range(1, 6)]
EVENTS = [*scripted.opening()[1:], *STEPS]
COUNT = 1 + len(EVENTS)
"""With the start of the run."""


def names(lines: list[bytes]) -> list[str]:
    return [orjson.loads(line)["event"] for line in lines]


def test_an_ended_run_is_the_lines_of_its_journal(tmp_path: Path) -> None:
    run = put_live_run(tmp_path, "one", [*EVENTS, RunFinished(5, 0.5)])
    run.close()
    assert b"".join(event_lines(run.path, follow=True)) == journal_path(run.path).read_bytes()


def test_torn_and_foreign_lines_are_passed_over(tmp_path: Path) -> None:
    run = put_live_run(tmp_path, "one", EVENTS)
    with journal_path(run.path).open("ab") as file:
        file.write(b'{"at": 1, "event": "FromTomorrow"}\nnot JSON\n{"at": 2, "event": "Ste')
    assert names(list(event_lines(run.path, follow=False))) == ["RunStarted", *(type(one).__name__ for one in EVENTS)]
    run.close()


def test_a_live_run_is_followed_through_going_back_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.01)
    run, found = put_live_run(tmp_path, "one", EVENTS), list[bytes]()

    def follow() -> None:
        for line in event_lines(run.path, follow=True):
            found.append(line)

    follower = threading.Thread(target=follow)
    follower.start()
    eventually(lambda: len(found) == COUNT)
    journal = journal_path(run.path)
    anew = journal.with_name("anew")
    anew.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:-2]))
    anew.rename(journal)
    write_events(run.path, [RolledBack(5, 3, 0.1, ()), *STEPS[3:]])
    eventually(lambda: len(found) == COUNT + 3)
    write_events(run.path, [RunFinished(5, 0.5)])
    run.close()
    follower.join()
    assert names(found[COUNT:]) == ["RolledBack", "StepDone", "StepDone", "RunFinished"]


def test_a_folder_without_a_journal_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"Cannot read .*journal\.jsonl: No such file or directory\."):
        list(event_lines(tmp_path, follow=False))
