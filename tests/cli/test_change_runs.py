"""`cifar-tui runs` deletes, renames, notes and tags runs, and never one that lives or a folder that is none of ours."""

import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from cifar_tui.cli import change_runs
from cifar_tui.cli.disk_table import Scope, print_disk_use
from cifar_tui.cli.run_table import list_overviews
from cifar_tui.cli.runs import runs
from cifar_tui.errors import BadInput, FolderInUse
from cifar_tui.failpoints import VARIABLE
from cifar_tui.presets import preset
from cifar_tui.queue.changes import Change
from cifar_tui.queue.job import Job
from cifar_tui.queue.store import QueueStore
from cifar_tui.recipe import Ancestor
from cifar_tui.runs.checkpoints.delete_files import DELETING_PREFIX
from cifar_tui.runs.checkpoints.pins import write_pin
from cifar_tui.runs.checkpoints.states import StateRecord, commit_state, list_states, state_path
from cifar_tui.runs.delete_run import delete_run
from cifar_tui.runs.find import all_runs, find_run
from cifar_tui.runs.run_note import read_note
from cifar_tui.runs.tags import read_tags
from cifar_tui.system.invocation import command_line
from tests.program import run_program
from tests.run_folders import put_finished_run, put_live_run, put_run, put_stopped_run


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with three runs that have ended: two have finished, and one was stopped."""
    monkeypatch.chdir(tmp_path)
    place = tmp_path / "runs"
    put_finished_run(place, "one", 2)
    put_finished_run(place, "two", 4)
    put_stopped_run(place, "stopped")
    return place


def command(place: Path, *words: str, **more: str) -> "subprocess.CompletedProcess[str]":
    """The command in a process of its own, beside the folder of runs."""
    return run_program("runs", *words, folder=place.parent, variables={**os.environ, **more})


def code_of(call: Callable[[], None]) -> int:
    """The exit code of a command."""
    try:
        call()
    except typer.Exit as ending:
        return ending.exit_code
    return 0


def names(place: Path) -> set[str]:
    return {folder.name for folder in place.iterdir()}


def answer(monkeypatch: pytest.MonkeyPatch, answer: str) -> list[str]:
    """Be a person at a terminal who gives this answer. The questions are collected."""
    questions: list[str] = []

    def asked(question: str) -> str:
        questions.append(question)
        return answer

    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", asked)
    return questions


def put_states(folder: Path) -> None:
    """The two states that a run keeps."""
    content = b"s" * 50_000
    digest = hashlib.sha256(content).hexdigest()
    for step in (5, 10):
        state_path(folder, step).write_bytes(content)
        record = StateRecord(step=step, size=len(content), sha256=digest, images="0", environment={}, saved_at=0.0)
        commit_state(folder, record)


def test_runs_are_deleted_by_name_or_by_a_filter(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert code_of(lambda: runs(["one"], delete=True, yes=True)) == 0
    assert names(place) == {"two", "stopped"}
    shown = capsys.readouterr().out
    assert shown.startswith("one  ")
    assert "one: deleted" in shown
    assert code_of(lambda: runs(where="state=stopped", delete=True, yes=True)) == 0
    assert names(place) == {"two"}
    assert code_of(lambda: runs(where="state=stopped", delete=True, yes=True)) == 0
    assert capsys.readouterr().out.endswith("No run matches.\n")


def test_a_person_is_shown_what_goes_and_asked(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (place / "two" / "thesis.txt").write_text("mine")
    write_pin(place / "two", "net_001.pth", pinned=True)
    child = replace(preset("quick"), parent=Ancestor(run="one", checkpoint="net_002.pth", sha256="0" * 64, epoch=2))
    put_run(place, "child", [], child)
    questions = answer(monkeypatch, "")
    assert code_of(lambda: runs(["one", "two"], delete=True)) == 0
    assert questions == ["Delete these 2 runs with everything in their folders? [y/N] "]
    one, two, both = capsys.readouterr().out.splitlines()
    assert one.endswith("child started from it, with a copy of its weights")
    assert two.endswith("holds thesis.txt, not written by the run; has 1 pinned checkpoint")
    assert both.startswith("2 runs, ")
    assert {"one", "two", "child"} <= names(place)
    answer(monkeypatch, "y")
    assert code_of(lambda: runs(["one", "two"], delete=True)) == 0
    assert names(place) == {"stopped", "child"}


def test_nothing_is_deleted_without_a_person_or_their_word(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(BadInput, match=r"Nothing was changed\. There is no terminal to ask on: add --yes"):
        runs(["one"], delete=True)
    assert code_of(lambda: runs(where="state=finished", delete=True, dry_run=True)) == 0
    assert len(capsys.readouterr().out.splitlines()) == 4
    assert code_of(lambda: runs(["one"], delete=True, dry_run=True, yes=True)) == 0
    assert names(place) == {"one", "two", "stopped"}


def test_a_run_that_lives_stays_and_the_others_go(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    held = put_live_run(place, "held", [])
    assert code_of(lambda: runs(["held", "one"], delete=True, yes=True)) == 1
    assert names(place) == {"held", "two", "stopped"}
    assert "held is being trained or evaluated: stop it first" in capsys.readouterr().err
    assert code_of(lambda: runs(where="name=*", delete=True, yes=True)) == 1
    assert names(place) == {"held"}
    with pytest.raises(FolderInUse, match="held is being trained or evaluated"):
        runs(["held"], rename="other")
    held.close()


def test_a_run_that_begins_to_live_after_the_question_stays(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(change_runs, "is_being_trained", lambda _folder: False)
    held = put_live_run(place, "held", [])
    assert code_of(lambda: runs(["held", "one"], delete=True, yes=True)) == 1
    assert names(place) == {"held", "two", "stopped"}
    assert "held is being trained or evaluated" in capsys.readouterr().err
    held.close()


def test_a_folder_that_is_none_of_ours_stays(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    soup = place / "soup"
    soup.mkdir()
    (soup / "recipe.json").write_text('{"onions": 3}')
    (place / "elsewhere").symlink_to(put_finished_run(place.parent / "archive", "old"))
    assert code_of(lambda: runs(["soup", "elsewhere"], delete=True, yes=True)) == 1
    assert (soup / "recipe.json").exists()
    assert (place.parent / "archive" / "old").exists()
    shown = capsys.readouterr().err
    assert "soup has a recipe.json, but nothing else of a run" in shown
    assert "elsewhere is a link to a folder elsewhere" in shown
    with pytest.raises(BadInput, match="is a folder of runs: describe which of them"):
        runs(["runs"], delete=True, yes=True)
    with pytest.raises(BadInput, match="Name the runs, or describe them with --where"):
        runs(delete=True, yes=True)
    with pytest.raises(BadInput, match="The filter is empty"):
        runs(where="", delete=True, yes=True)
    with pytest.raises(BadInput, match="gone nor a run of that name"):
        runs(["gone"], delete=True, yes=True)


def test_a_run_with_a_broken_recipe_can_be_deleted_by_its_name(place: Path) -> None:
    (place / "one" / "recipe.json").write_text("{")
    assert code_of(lambda: runs(["one"], delete=True, yes=True)) == 0
    assert names(place) == {"two", "stopped"}


def test_a_name_that_a_run_had_before_deletes_nothing(place: Path) -> None:
    runs(["one"], rename="other")
    with pytest.raises(BadInput, match="the one that started as one is called other now"):
        runs(["one"], delete=True, yes=True)
    assert names(place) == {"other", "two", "stopped"}
    runs(["one"], rename="one")
    assert "one" in names(place), "it is found by that name for what can be undone"


def test_a_run_is_renamed_noted_and_tagged(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs(["one"], rename="first")
    assert capsys.readouterr().out == "one is now called first.\n"
    assert code_of(lambda: runs(["first"], note="  the good\none ", tag=["night", "wide"])) == 0
    assert capsys.readouterr().out == "first: night, wide\n"
    assert (read_note(place / "first"), read_tags(place / "first")) == ("the good one", ("night", "wide"))
    assert code_of(lambda: runs(["first"], note="")) == 0
    assert capsys.readouterr().out == "first: no note\n"
    with pytest.raises(BadInput, match="A name is for one run, and these are 2"):
        runs(where="state=finished", rename="x")
    with pytest.raises(BadInput, match=r"There is no run baseline\. To rename first: .* runs first --rename baseline$"):
        runs(["baseline"], rename="first")
    with pytest.raises(BadInput, match="already a run or a file called two"):
        runs(["first"], rename="two")
    with pytest.raises(BadInput, match="'a/b' cannot be a run's name"):
        runs(["first"], rename="a/b")


def test_all_that_a_filter_finds_is_tagged_living_or_not(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    held = put_live_run(place, "held", [])
    assert code_of(lambda: runs(where="name!=two", tag=["night"])) == 0
    assert {folder.name for folder in all_runs(place) if read_tags(folder)} == {"held", "one", "stopped"}
    capsys.readouterr()
    assert code_of(lambda: runs(where="tag=night state!=stopped", tag=["late"], untag=["night"])) == 0
    assert sorted(capsys.readouterr().out.splitlines()) == ["held: late", "one: late"]
    assert read_tags(place / "held") == ("late",)
    with pytest.raises(BadInput, match="cannot be a tag"):
        runs(where="name=*", tag=["two words"])
    held.close()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"delete": True, "rename": "x"}, "--delete and --rename cannot be combined"),
        ({"collect": True, "disk": True}, "--gc and --disk cannot be combined"),
        ({"delete": True, "as_json": True}, "--delete and --json cannot be combined"),
        ({"delete": True, "tag": ["x"]}, "--delete and --note, --tag and --untag cannot be combined"),
        ({"yes": True}, "--yes is for --delete and --free"),
        ({"tag": ["x"], "dry_run": True}, "--dry-run is for --delete and --free"),
        ({"free": "memory"}, r"--free cannot be 'memory'\. Choose one of: states, checkpoints"),
    ],
)
def test_what_does_not_go_together_is_refused(place: Path, options: dict[str, object], sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        runs(["one"], **options)  # type: ignore[arg-type]
    assert names(place) == {"one", "two", "stopped"}


def test_states_of_finished_runs_are_freed_and_of_no_others(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("one", "stopped"):
        put_states(place / name)
    runs(disk=True, as_json=True)
    could_go = {one["run"]: one["could_go"]["states"] for one in map(json.loads, capsys.readouterr().out.splitlines())}
    assert could_go["stopped"] == could_go["two"] == 0
    assert could_go["one"] > 100_000
    with pytest.raises(BadInput, match="There is no terminal to ask on"):
        runs(where="name=*", free="states")
    assert code_of(lambda: runs(where="name=*", free="states", dry_run=True)) == 0
    assert len(list_states(place / "one")) == 2
    assert code_of(lambda: runs(where="name=*", free="states", yes=True)) == 0
    assert (len(list_states(place / "one")), len(list_states(place / "stopped"))) == (0, 2)
    assert names(place) == {"one", "two", "stopped"}
    capsys.readouterr()
    assert code_of(lambda: runs(where="name=*", free="states", yes=True)) == 0
    assert capsys.readouterr().out == "There are no states to free.\n"


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_the_room_is_a_table_that_fits_the_terminal(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], columns: int
) -> None:
    put_states(place / "one")
    (place / "two").rename(place / f"two-{'x' * 70}")
    (place / "one" / "thesis.txt").write_text("mine")
    (place / "stopped" / ".writing-log.txt-00").write_text("half")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(shutil, "get_terminal_size", lambda **_: os.terminal_size((columns, 24)))
    runs(disk=True)
    head, *lines = capsys.readouterr().out.splitlines()
    assert max(map(len, [head, *lines[:4]])) <= columns
    assert head.split()[:4] == ["run", "total", "weights", "states"]
    assert lines[2].startswith("one "), "the largest last"
    assert lines[3].startswith("all 3 runs ")
    advice = command_line("runs --where state=finished --free states")
    assert lines[4].startswith("Could go: 1")
    assert lines[4].endswith(f" kB, training states of finished runs: {advice}")
    assert lines[5].endswith(command_line("runs --where 'state!=running' --free checkpoints"))
    assert lines[6].endswith(f" kB, left by crashes: {command_line('runs --gc')}")


def test_the_advice_is_for_the_runs_that_were_asked_for(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put_states(place / "one")
    runs(["one", "two"], where="epochs>1", disk=True)
    advice = command_line("runs one two --where 'epochs>1 state=finished' --free states")
    assert capsys.readouterr().out.splitlines()[-2].endswith(advice)
    runs(["one"], disk=True)
    assert "all " not in capsys.readouterr().out, "a line for all runs, of which there is one"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "left"),
    [
        ("kill:renamed:.deleting-*:1", {"two", "stopped"}),
        ("kill:unlinked:net_001.pth:1", {"two", "stopped"}),
        ("kill:unlinked:recipe.json:1", {"two", "stopped"}),
        ("kill:renamed:.deleting-*:2", {"stopped"}),
        ("eio:unlinked:net_001.pth:1", {"stopped"}),
    ],
)
def test_a_deletion_that_is_killed_is_finished_later(place: Path, fault: str, left: set[str]) -> None:
    done = command(place, "one", "two", "--delete", "--yes", **{VARIABLE: fault})
    assert done.returncode == (-9 if fault.startswith("kill") else 1), done.stderr
    assert {folder.name for folder in all_runs(place)} == left, "what has begun to go is no run any more"
    assert any(name.startswith(DELETING_PREFIX) for name in names(place))
    disk = command(place, "--disk")
    assert "left by crashes: " in disk.stdout
    assert disk.stdout.rstrip().endswith("runs --gc")
    assert "deleted" in command(place, "--gc").stdout
    assert names(place) == left


@pytest.mark.slow
@pytest.mark.parametrize("point", ["renamed:.deleting-*", "unlinked:state_*", "unlinked:.deleting-*"])
def test_freeing_that_is_killed_leaves_whole_states_or_none(place: Path, point: str) -> None:
    put_states(place / "one")
    words = ("--where", "state=finished", "--free", "states", "--yes")
    assert command(place, *words, **{VARIABLE: f"kill:{point}:1"}).returncode == -9
    assert len(list_states(place / "one")) == 1, "the older one goes first"
    command(place, "--gc")
    assert not list((place / "one").glob(f"{DELETING_PREFIX}*"))
    assert command(place, *words).returncode == 0
    assert not list((place / "one").glob("*state_*"))


@pytest.mark.slow
def test_a_full_disk_costs_neither_tags_nor_a_note(place: Path) -> None:
    runs_tagged = command(place, "one", "--tag", "night", "--note", "good")
    assert runs_tagged.returncode == 0, runs_tagged.stderr
    for name, words in (("tags.txt", ("--tag", "more")), ("note.txt", ("--note", "better"))):
        done = command(place, "one", "two", *words, **{VARIABLE: f"enospc:written:{name}:1"})
        assert done.returncode == 1
        assert "No space left on device" in done.stderr
        assert done.stdout.startswith("two: "), "the others are changed all the same"
    assert (read_tags(place / "one"), read_note(place / "one")) == (("night",), "good")


def test_a_run_that_is_gone_meanwhile_takes_no_room(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    overviews = list_overviews(all_runs(place))[0]
    delete_run(place / "two")
    print_disk_use(overviews, [place], Scope((), None), as_json=True)
    listed = [json.loads(line)["run"] for line in capsys.readouterr().out.splitlines()]
    assert sorted(listed) == ["one", "stopped"]


@given(words=st.lists(st.text(min_size=1, max_size=12), max_size=3), where=st.none() | st.text(min_size=1, max_size=20))
def test_a_scope_is_typed_as_it_was(words: list[str], where: str | None) -> None:
    typed = shlex.split(Scope(tuple(words), where).command("--gc", "state=finished"))
    expected = f"{where} state=finished" if where else "state=finished"
    assert typed[-(len(words) + 4) :] == ["runs", *words, "--where", expected, "--gc"]


def test_a_job_of_the_queue_that_needs_a_run_is_named_before(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job = Job(number=1, run="child", start=str(place / "one" / "net_002.pth"))
    QueueStore(place).change(lambda _state: [Change(change="add", jobs=(job,), to=-1)])
    assert code_of(lambda: runs(["one", "two"], delete=True, dry_run=True)) == 0
    one, two, _ = capsys.readouterr().out.splitlines()
    assert one.endswith("job 1 of the queue starts from it")
    assert "queue" not in two
    runs(["one"], rename="first")
    assert find_run(str(place.absolute() / "one")).name == "first", "the job finds it all the same"
