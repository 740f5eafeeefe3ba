"""A deletion that is broken off anywhere leaves a whole checkpoint, or one that is gone after the next start."""

import hashlib
import itertools
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cifar_tui.presets import preset
from cifar_tui.runs.checkpoints.delete_files import DELETING_PREFIX
from cifar_tui.runs.checkpoints.interrupted_deletes import finish_deletes
from cifar_tui.runs.checkpoints.sidecars import delete_checkpoint, list_sidecars, sidecar_path, verdict_path
from cifar_tui.runs.checkpoints.states import StateRecord, commit_state, discard_state, list_states, state_path
from cifar_tui.runs.folder import RunFolder
from cifar_tui.runs.garbage import collect_garbage
from tests import scripted
from tests.faults.trainers import resumed, trainer
from tests.invariants import Evidence, check
from tests.runs.checkpoints.test_retention import Killed, failing_after, put

NAME = "net_001.pth"
POINTS = 4
"""A checkpoint's mark renamed, its weights and its verdict gone, its mark gone."""


def put_whole(folder: Path) -> None:
    put(folder, NAME, 1, 50)
    (sidecar,) = list_sidecars(folder)
    scripted.put_verdict(folder, 1, sha256=sidecar.sha256)


def broken_off(points: int, delete: Callable[[], object]) -> bool:
    """Whether it was killed after so many points."""
    with failing_after(points, Killed()):
        try:
            delete()
        except Killed:
            return True
    return False


def restart(folder: Path) -> None:
    RunFolder.reopen(folder).close()


@pytest.fixture
def run(tmp_path: Path) -> Path:
    RunFolder.create(tmp_path / "one", "one", preset("quick")).close()
    return tmp_path / "one"


@pytest.mark.slow
@pytest.mark.fault(1)
@settings(max_examples=60, deadline=None)
@given(breaks=st.lists(st.integers(0, POINTS), min_size=1, max_size=4), restarts=st.booleans())
def test_a_deletion_broken_off_anywhere_leaves_all_or_nothing(
    tmp_path_factory: pytest.TempPathFactory, breaks: list[int], restarts: bool
) -> None:
    folder = tmp_path_factory.mktemp("run") / "one"
    RunFolder.create(folder, "one", preset("quick")).close()
    put_whole(folder)
    put(folder, "net_002.pth", 2, 100)
    strangers = {"net_003.pth": b"saved without its mark", ".deleting-net_004.json": b"mine", "notes.txt": b"mine"}
    for name, content in strangers.items():
        (folder / name).write_bytes(content)
    for points in breaks:
        broken_off(points, lambda: delete_checkpoint(folder, NAME))
        if restarts:
            broken_off(points, lambda: finish_deletes(folder))
    restart(folder)
    files = [folder / NAME, sidecar_path(folder / NAME), verdict_path(folder / NAME)]
    there = [path.exists() for path in files]
    assert all(there) or not any(there)
    assert not (folder / f"{DELETING_PREFIX}net_001.json").exists()
    (kept,) = [one for one in list_sidecars(folder) if one.checkpoint == "net_002.pth"]
    assert hashlib.sha256((folder / "net_002.pth").read_bytes()).hexdigest() == kept.sha256
    assert {name: (folder / name).read_bytes() for name in strangers} == strangers


@pytest.mark.parametrize("points", range(POINTS - 1))
def test_what_was_half_deleted_is_collected_and_named(run: Path, points: int) -> None:
    put_whole(run)
    assert broken_off(points, lambda: delete_checkpoint(run, NAME))
    assert list_sidecars(run) == [], "half of it is never taken for a whole one"
    removed = {path.name for path in collect_garbage([run])}
    assert ".deleting-net_001.json" in removed
    assert (NAME in removed) == (points == 0)
    assert not list(run.glob("*net_001*"))


@pytest.mark.parametrize("points", range(3))
def test_a_state_that_was_half_deleted_goes_too(run: Path, points: int) -> None:
    for step in (10, 20):
        state_path(run, step).write_bytes(b"state")
        digest = hashlib.sha256(b"state").hexdigest()
        commit_state(run, StateRecord(step=step, size=5, sha256=digest, images="", environment={}, saved_at=0.0))
    assert broken_off(points, lambda: discard_state(run, 10))
    restart(run)
    assert [state.step for state in list_states(run)] == [20]
    assert sorted(path.name for path in run.glob("*state*")) == ["state_0000020.json", "state_0000020.pt"]


def test_other_weights_of_that_name_are_nobodys_leftovers(run: Path) -> None:
    put_whole(run)
    assert broken_off(0, lambda: delete_checkpoint(run, NAME))
    (run / NAME).write_bytes(b"copied here meanwhile")
    restart(run)
    assert (run / NAME).read_bytes() == b"copied here meanwhile"
    assert not list(run.glob(".deleting-*"))


def test_a_checkpoint_that_was_saved_again_stays(run: Path) -> None:
    put_whole(run)
    assert broken_off(0, lambda: delete_checkpoint(run, NAME))
    put_whole(run)
    restart(run)
    (sidecar,) = list_sidecars(run)
    assert hashlib.sha256((run / NAME).read_bytes()).hexdigest() == sidecar.sha256
    assert not list(run.glob(".deleting-*"))


def test_nothing_is_collected_of_a_run_that_lives(run: Path) -> None:
    put_whole(run)
    assert broken_off(0, lambda: delete_checkpoint(run, NAME))
    holder = RunFolder.reopen(run)
    put_whole(run)
    assert broken_off(0, lambda: delete_checkpoint(run, NAME))
    assert collect_garbage([run]) == []
    assert (run / NAME).exists()
    holder.close()


RARE = pytest.mark.fault(1, often=True)


@pytest.mark.slow
@pytest.mark.fault(1)
@pytest.mark.parametrize(
    "point",
    [
        "renamed:.deleting-net_*",
        pytest.param("unlinked:net_*.pth", marks=RARE),
        pytest.param("unlinked:.deleting-net_*", marks=RARE),
    ],
)
def test_a_run_killed_while_it_deletes_leaves_nothing_half_deleted(tmp_path: Path, point: str) -> None:
    folder = tmp_path / "one"
    with trainer(folder, epochs=1) as whole:
        assert whole.exit_code() == 0
    with trainer(folder, "--epochs", "6", "--keep", "best+last:2", resume=True, fault=f"kill:{point}:1") as killed:
        assert killed.exit_code() == -9
    check(folder, Evidence())
    done = resumed(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    check(folder, Evidence(restarted=True))
    for path in itertools.chain(folder.glob("net_*.pth"), folder.glob("state_*.pt")):
        assert path.with_suffix(".json").exists(), f"{path.name} has no mark"
