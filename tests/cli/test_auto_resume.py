"""`train --auto-resume`: one command that starts a run, resumes it, and is done once the run has finished."""

import dataclasses
import hashlib
import os
import signal
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest
from pseudo_terminal import PATIENCE_SECONDS

from cifar_tui.cli.auto_resume import jobs_of_run
from cifar_tui.cli.chosen_jobs import jobs_of
from cifar_tui.cli.recipe_options import branched_recipe
from cifar_tui.cli.train_jobs import StartFile
from cifar_tui.errors import AlreadyFinished, BadInput, FolderInUse
from cifar_tui.events import RunFailed, RunStopped
from cifar_tui.failpoints import VARIABLE
from cifar_tui.files.run_files import journal_path
from cifar_tui.own_model import OwnModel
from cifar_tui.presets import preset
from cifar_tui.recipe import Recipe
from cifar_tui.runs.checkpoints.sidecars import write_sidecar
from cifar_tui.runs.checkpoints.states import StateRecord, commit_state
from cifar_tui.runs.folder import RunFolder, read_recipe
from cifar_tui.runs.rename import rename_run
from tests import scripted
from tests.faults.trainers import SMALL
from tests.invariants import Evidence, check, journal_lines
from tests.program import run_program, start_program
from tests.run_folders import put_finished_run, put_live_run, put_run, write_events

RECIPE = dataclasses.replace(preset("quick"), data="synthetic", epochs=8, width=8)
TYPED: dict[str, object] = {"data": "synthetic", "epochs": 8, "width": 8}


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "runs"


class Chosen(NamedTuple):
    resumed: bool
    folder: Path
    changes: tuple[str, ...]
    note: str


def chosen(changes: dict[str, object] = TYPED, preset_name: str | None = "quick", **more: object) -> Chosen:
    options = {"start": StartFile(), "name": "one", "folder": None, "model": None} | more
    jobs = jobs_of_run(changes, preset_name, **options)  # type: ignore[arg-type]
    try:
        return Chosen(jobs.resumed, jobs.folder, jobs.changes, jobs.note)
    finally:
        jobs.close()


def put_broken_off(runs: Path, name: str = "one", *, state: bool = True, recipe: Recipe = RECIPE) -> Path:
    """A run that was killed in its second epoch."""
    events = [*scripted.opening()[1:], *scripted.epochs(1), scripted.step(scripted.STEPS_PER_EPOCH + 1)]
    folder = put_run(runs, name, events, recipe)
    if state:
        commit_state(folder, StateRecord(step=3, size=1, sha256="0", images="0", environment={}, saved_at=0.0))
    return folder


def test_it_needs_a_name_or_a_folder_and_no_resume() -> None:
    with pytest.raises(BadInput, match="add --run-name or --outf"):
        chosen(name=None)
    with pytest.raises(BadInput, match="leave --resume out"):
        jobs_of({}, "one", None, StartFile(), "one", None, auto_resume=True)


def test_a_run_that_is_not_there_is_a_new_one(runs: Path) -> None:
    jobs = chosen()
    assert (jobs.resumed, jobs.folder) == (False, runs / "one")
    assert not runs.exists()
    assert chosen(name=None, folder=Path("other")).folder == runs.parent / "other"


def test_a_run_that_was_broken_off_is_resumed_with_the_same_options(runs: Path) -> None:
    put_broken_off(runs)
    for changes in (TYPED, {}):
        jobs = chosen(changes)
        assert (jobs.resumed, jobs.changes, jobs.note) == (True, (), "")


@pytest.mark.parametrize("ending", [RunStopped(4, ""), RunFailed("The loss was NaN.", "", 1)])
def test_a_run_that_was_stopped_or_failed_is_resumed(runs: Path, ending: RunStopped | RunFailed) -> None:
    folder = put_broken_off(runs)
    write_events(folder, [ending])
    assert chosen().resumed


def test_options_that_make_another_run_are_named(runs: Path) -> None:
    put_broken_off(runs)
    with pytest.raises(BadInput, match="other options: --from, --preset, --seed, --width cannot change"):
        chosen({**TYPED, "width": 16, "seed": 3}, "short", start=StartFile("two:3"))
    with pytest.raises(BadInput, match="other options: --model cannot"):
        chosen(model="nets.py:make")


def test_what_may_change_does_unless_it_is_what_the_run_started_with(runs: Path) -> None:
    folder = put_broken_off(runs)
    assert [text for text in chosen({**TYPED, "epochs": 9}).changes if "8 → 9" in text]
    run = RunFolder.reopen(folder)
    run.write_recipe(dataclasses.replace(RECIPE, epochs=12))
    run.close()
    jobs = chosen()
    assert jobs.changes == ()
    assert jobs.note == "As it was changed since this run started: --epochs 12."
    assert read_recipe(folder).epochs == 12


def test_a_run_that_has_finished_is_left_alone(runs: Path) -> None:
    folder = put_finished_run(runs, "one", 2, dataclasses.replace(RECIPE, epochs=2))
    before = journal_path(folder).read_bytes()
    for changes in ({**TYPED, "epochs": 2}, {}):
        with pytest.raises(AlreadyFinished, match=r"one has finished its 2 epochs: test accuracy \d") as ended:
            chosen(changes)
        assert ended.value.exit_code == 0
    with pytest.raises(BadInput, match="--width"):
        chosen({**TYPED, "width": 16})
    assert journal_path(folder).read_bytes() == before
    commit_state(folder, StateRecord(step=6, size=1, sha256="0", images="0", environment={}, saved_at=0.0))
    assert chosen({**TYPED, "epochs": 3}).resumed, "more epochs than it has"


def test_a_run_that_lives_is_said_with_a_code_of_its_own(runs: Path) -> None:
    live = put_live_run(runs, "one", [], RECIPE)
    with pytest.raises(FolderInUse, match="training already") as refused:
        chosen()
    assert refused.value.exit_code == 3
    live.close()


def test_a_run_that_was_renamed_is_found(runs: Path) -> None:
    folder = put_broken_off(runs)
    renamed = rename_run(folder, "baseline")
    assert chosen().folder == renamed
    for state in renamed.glob("state_*"):
        state.unlink()
    assert not chosen().resumed, "one that cannot be resumed is none"


def test_a_run_without_a_state_starts_again_in_its_folder(runs: Path) -> None:
    folder = put_broken_off(runs, state=False)
    jobs = chosen()
    assert (jobs.resumed, jobs.folder) == (True, folder)
    assert "starts again" in jobs.note
    scripted.put_checkpoint(folder, 1)
    assert chosen().folder == folder
    assert [path.name for path in runs.iterdir()] == ["one"]


def test_a_finished_run_without_a_state_is_never_trained_over(runs: Path) -> None:
    folder = put_finished_run(runs, "one", 2, dataclasses.replace(RECIPE, epochs=2))
    before = sorted((path.name, path.stat().st_mtime_ns) for path in folder.iterdir())
    with pytest.raises(
        BadInput, match=r"one cannot be resumed\. It has finished, and its training states were deleted"
    ):
        chosen({**TYPED, "epochs": 3})
    assert sorted((path.name, path.stat().st_mtime_ns) for path in folder.iterdir()) == before


@pytest.mark.parametrize("why", ["pinned", "long"])
def test_checkpoints_of_worth_are_set_aside(runs: Path, why: str) -> None:
    folder = put_broken_off(runs, state=False)
    scripted.put_checkpoint(folder, 1)
    if why == "pinned":
        (folder / "pinned.json").write_text('["net_001.pth"]')
    else:
        write_events(folder, [dataclasses.replace(scripted.step(60), seconds=100.0)])
    (runs / "one-before-1").mkdir()
    jobs = chosen()
    assert (jobs.resumed, jobs.folder) == (False, folder)
    assert "it is now one-before-2" in jobs.note
    assert sorted(path.name for path in runs.iterdir()) == ["one-before-1", "one-before-2"]
    assert (runs / "one-before-2" / "net_001.pth").exists()


def test_the_checkpoint_that_a_run_started_from_may_be_gone(runs: Path) -> None:
    parent = put_finished_run(runs, "parent", 2)
    for number in (1, 2):
        sidecar = dataclasses.replace(scripted.put_checkpoint(parent, number), run="parent", sha256=str(number) * 64)
        write_sidecar(parent, sidecar)
    changes: dict[str, object] = {"epochs": 8}
    typed_so = ("parent", "parent:2", str(parent / "net_002.pth"))
    for typed in typed_so:
        assert not chosen(changes, None, start=StartFile(typed), folder=Path("child"), name=None).resumed
    recipe, _ = branched_recipe(parent / "net_002.pth", None, changes)
    RunFolder.create(runs / "one", "one", recipe).close()
    assert not chosen(changes, None, start=StartFile("parent")).resumed, "killed while it was made"
    folder = put_broken_off(runs, recipe=recipe)
    (folder / "start.pth").touch()
    for typed in typed_so:
        assert chosen(changes, None, start=StartFile(typed)).resumed
    with pytest.raises(BadInput, match="--from"):
        chosen(changes, None, start=StartFile("parent:1"))
    for path in parent.iterdir():
        path.unlink()
    for typed in typed_so:
        assert chosen(changes, None, start=StartFile(typed)).resumed


def test_a_run_with_code_of_its_own_keeps_to_it(runs: Path, tmp_path: Path) -> None:
    code = "def make(classes): raise ValueError\n"
    (tmp_path / "nets.py").write_text(code)
    own = OwnModel(file="nets.py", function="make", sha256=hashlib.sha256(code.encode()).hexdigest())
    folder = put_broken_off(runs, recipe=dataclasses.replace(RECIPE, model=own, sizes="whole"))
    (folder / "model.py").write_text(code)
    (tmp_path / "nets.py").write_text("raise SystemExit\n")
    with pytest.raises(BadInput, match="make"):  # its own copy was tried
        chosen({"epochs": 8}, model="nets.py:make")
    with pytest.raises(BadInput, match="--model cannot"):
        chosen({"epochs": 8}, model="nets.py:other")


def with_fault(fault: str) -> dict[str, str]:
    return {**os.environ, **({VARIABLE: fault} if fault else {})}


def auto(*words: str, epochs: int = 2, fault: str = "") -> "subprocess.CompletedProcess[str]":
    """Run the same command as ever."""
    same = ("train", *SMALL, "--epochs", str(epochs), "--auto-resume", "--run-name", "one", "--headless")
    return run_program(*same, *words, variables=with_fault(fault))


def weights(folder: Path) -> str:
    return hashlib.sha256((folder / "net_002.pth").read_bytes()).hexdigest()


@pytest.mark.slow
@pytest.mark.fault(1)
def test_killed_at_any_moment_of_its_start_it_starts_again(runs: Path, tmp_path: Path) -> None:
    assert auto("--outf", "whole").returncode == 0
    (runs / "one").mkdir(parents=True)
    moments = ["opened:recipe.json:1", "renamed:recipe.json:1", "stepped:*:3", "renamed:net_001.json:1"]
    for moment in moments:
        killed = auto(fault=f"kill:{moment}")
        assert killed.returncode == -signal.SIGKILL, (moment, killed.stdout, killed.stderr)
    done = auto()
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("one ended before a training state was saved, and starts again.") == 1
    assert weights(runs / "one") == weights(tmp_path / "whole")
    assert (runs / "one" / "log.txt").read_text() == (tmp_path / "whole" / "log.txt").read_text()
    assert [path.name for path in runs.iterdir()] == ["one"]
    check(runs / "one", Evidence(restarted=True))
    again = auto()
    assert (again.returncode, again.stderr) == (0, "")
    assert again.stdout.startswith("one has finished its 2 epochs: test accuracy")


@pytest.mark.slow
@pytest.mark.fault(1)
def test_killed_while_the_weights_it_starts_with_are_copied_it_copies_them_again(runs: Path) -> None:
    assert auto("--outf", "parent").returncode == 0
    words = ("train", "--from", "parent", "--epochs", "1", "--auto-resume", "--run-name", "one", "--headless")
    for fault in ("kill:written:start.pth:1", "kill:renamed:recipe.json:1", "kill:renamed:start.pth:1"):
        killed = run_program(*words, variables=with_fault(fault))
        assert killed.returncode == -signal.SIGKILL, fault
    done = run_program(*words)
    assert done.returncode == 0, done.stderr
    check(runs / "one", Evidence(restarted=True))


@pytest.mark.slow
@pytest.mark.fault(14)
def test_of_two_that_start_at_the_same_moment_one_trains_and_the_other_says_so(runs: Path, tmp_path: Path) -> None:
    words = ("train", *SMALL, "--epochs", "15", "--auto-resume", "--run-name", "one", "--headless")
    files = [tmp_path / name for name in "ab"]
    both = [start_program(*words, output=Path(os.devnull), errors=file) for file in files]
    codes = [process.wait(PATIENCE_SECONDS) for process in both]
    said = [file.read_text() for file in files]
    assert sorted(codes) == [0, 3], said
    assert "train" in said[codes.index(3)]
    assert "Traceback" not in said[codes.index(3)]
    assert [line["event"] for line in journal_lines(runs / "one")].count("RunStarted") == 1
    check(runs / "one", Evidence(restarted=True))


@pytest.mark.slow
def test_in_the_background_it_starts_once_and_ends_with_0(runs: Path) -> None:
    started = auto("--detach", epochs=500)
    assert started.returncode == 0, started.stderr
    live = auto("--detach", epochs=500)
    assert (live.returncode, live.stdout) == (3, "")
    assert "is training already" in live.stderr
    assert run_program("stop", "one").returncode == 0
    again = auto("--detach", epochs=500)
    assert again.returncode == 0, again.stderr
    assert run_program("stop", "one").returncode == 0
    assert any(line["event"] == "RunResumed" for line in journal_lines(runs / "one"))
