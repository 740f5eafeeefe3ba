"""The room that runs take, by its purpose, and what of it can go."""

import dataclasses
import hashlib
from pathlib import Path

import pytest

from cifar_tui.checkpoint_events import CheckpointDeleted, CheckpointSaved
from cifar_tui.errors import FolderInUse
from cifar_tui.events import RunFinished
from cifar_tui.files.run_files import PINS_NAME, TENSORBOARD_NAME, journal_path
from cifar_tui.runs.checkpoints.delete_files import DELETING_PREFIX
from cifar_tui.runs.checkpoints.pins import write_pin
from cifar_tui.runs.checkpoints.sidecars import list_sidecars, write_sidecar
from cifar_tui.runs.checkpoints.states import StateRecord, commit_state, state_path
from cifar_tui.runs.disk_use import KINDS, DiskUse, Freeable, disk_use, freeable, interrupted_run_deletes
from cifar_tui.runs.free_space import free_space
from cifar_tui.runs.overview import read_overview
from cifar_tui.runs.records.journal import read_events
from cifar_tui.runs.tags import write_tags
from tests import scripted
from tests.run_folders import put_live_run, put_run

SIZE = 100_000
"""Bytes of each checkpoint and of each state, more than any other file of these runs."""
SCORES = (0.1, 0.9, 0.2, 0.3, 0.4, 0.5)


def put_weights(folder: Path, epoch: int) -> None:
    content = bytes([epoch]) * SIZE
    sidecar = scripted.sidecar_of(epoch, SIZE)
    (folder / sidecar.checkpoint).write_bytes(content)
    write_sidecar(folder, dataclasses.replace(sidecar, sha256=hashlib.sha256(content).hexdigest()))


def events(scores: tuple[float, ...] = SCORES) -> list[object]:
    found: list[object] = [*scripted.opening()[1:]]
    for number, score in enumerate(scores, 1):
        epoch = scripted.epoch(number)
        found += [dataclasses.replace(epoch, test_accuracy=score)]
        found += [CheckpointSaved(f"net_{number:03d}.pth", number, number * scripted.STEPS_PER_EPOCH)]
    return [*found, RunFinished(len(scores) * scripted.STEPS_PER_EPOCH, scores[-1])]


def put_heavy_run(place: Path, name: str = "one") -> Path:
    """A finished run whose second of six epochs was the best, with the state of its end."""
    folder = put_run(place, name, events())  # type: ignore[arg-type]
    for epoch in range(1, len(SCORES) + 1):
        put_weights(folder, epoch)
    step = len(SCORES) * scripted.STEPS_PER_EPOCH
    state_path(folder, step).write_bytes(b"s" * SIZE)
    commit_state(folder, StateRecord(step=step, size=SIZE, sha256="0", images="0", environment={}, saved_at=0.0))
    return folder


def test_every_byte_has_one_purpose(tmp_path: Path) -> None:
    run = put_heavy_run(tmp_path)
    before = disk_use(run)
    assert before.weights >= 6 * SIZE
    assert SIZE <= before.states < 2 * SIZE
    assert before.evaluations == before.events == before.leftovers == before.others == 0
    write_tags(run, ["night"])
    (run / TENSORBOARD_NAME / "train").mkdir(parents=True)
    (run / TENSORBOARD_NAME / "train" / "events").write_bytes(b"e" * SIZE)
    (run / "net_001.verdict.json").write_bytes(b"v" * SIZE)
    (run / "test_images_0a1b2c3d.rgb").write_bytes(b"i" * SIZE)
    (run / ".writing-net_007.pth-abc").write_bytes(b"w" * SIZE)
    (run / "mine" / "deep").mkdir(parents=True)
    (run / "mine" / "deep" / "thesis.pdf").write_bytes(b"t" * SIZE)
    (run / "link").symlink_to(tmp_path)
    after = disk_use(run)
    assert {kind: round((getattr(after, kind) - getattr(before, kind)) / SIZE) for kind in KINDS} == {
        "weights": 0,
        "states": 0,
        "journal": 0,
        "evaluations": 2,
        "events": 1,
        "leftovers": 1,
        "ours": 0,
        "others": 1,
    }
    assert after.ours > before.ours
    assert after.total == sum(getattr(after, kind) for kind in KINDS)
    both = DiskUse()
    both.add(before)
    both.add(after)
    assert both.total == before.total + after.total


def test_a_file_with_holes_counts_as_what_it_takes(tmp_path: Path) -> None:
    run = put_heavy_run(tmp_path)
    before = disk_use(run).total
    with (run / "sparse").open("wb") as file:
        file.truncate(10**12)
    assert disk_use(run).total - before < 10**6


def test_what_could_go_goes_and_nothing_else(tmp_path: Path) -> None:
    run = put_heavy_run(tmp_path)
    write_pin(run, "net_003.pth", pinned=True)
    could_go = freeable(read_overview(run), disk_use(run))
    assert (round(could_go.states / SIZE), round(could_go.checkpoints / SIZE)) == (1, 2)
    assert abs(free_space(run, "checkpoints") - could_go.checkpoints) < 20_000, "their sidecars go, too"
    assert [one.epoch for one in list_sidecars(run)] == [2, 3, 5, 6]
    gone = [event.checkpoint for event in read_events(journal_path(run)) if isinstance(event, CheckpointDeleted)]
    assert gone == ["net_001.pth", "net_004.pth"]
    assert freeable(read_overview(run), disk_use(run)).checkpoints == 0
    assert free_space(run, "states") >= SIZE
    assert freeable(read_overview(run), disk_use(run)) == Freeable()
    overview = read_overview(run)
    assert (overview.state, overview.best_accuracy, overview.best_epoch) == ("finished", 0.9, 2)


def test_with_broken_pins_no_checkpoint_could_go(tmp_path: Path) -> None:
    run = put_heavy_run(tmp_path)
    (run / PINS_NAME).write_text("{")
    assert freeable(read_overview(run), disk_use(run)).checkpoints == 0
    free_space(run, "checkpoints")
    assert len(list_sidecars(run)) == 6


def test_nothing_could_go_of_a_run_that_lives(tmp_path: Path) -> None:
    held = put_live_run(tmp_path, "one", events())  # type: ignore[arg-type]
    for epoch in range(1, 7):
        put_weights(held.path, epoch)
    assert freeable(read_overview(held.path), disk_use(held.path)) == Freeable()
    for what in ("states", "checkpoints"):
        with pytest.raises(FolderInUse, match="one is being trained or evaluated"):
            free_space(held.path, what)
    held.close()
    assert len(list_sidecars(held.path)) == 6


def test_runs_that_are_half_deleted_are_counted(tmp_path: Path) -> None:
    run = put_heavy_run(tmp_path)
    assert interrupted_run_deletes(tmp_path) == 0
    assert interrupted_run_deletes(tmp_path / "nowhere") == 0
    run.rename(tmp_path / f"{DELETING_PREFIX}one-00")
    assert interrupted_run_deletes(tmp_path) > 7 * SIZE
