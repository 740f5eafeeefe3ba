import errno
import os
import re
import time
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cifar_tui.errors import BadInput, FolderInUse
from cifar_tui.events import RolledBack, RunFinished, StepDone
from cifar_tui.files import append_file
from cifar_tui.files.append_file import LineFile
from cifar_tui.files.atomic_write import TEMPORARY_PREFIX, write_atomically
from cifar_tui.files.run_files import JOURNAL_NAME, journal_path
from cifar_tui.presets import preset
from cifar_tui.runs.checkpoints.sidecars import list_sidecars, read_sidecar, sidecar_path, step_checkpoint
from cifar_tui.runs.folder import RunFolder, run_name
from cifar_tui.runs.records import journal, recorder
from cifar_tui.runs.records.journal import read_events
from cifar_tui.runs.records.recorder import Recorder
from tests import scripted

NOW = time.struct_time((2026, 1, 2, 3, 4, 5, 4, 2, 0))


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomically(path, lambda file: file.write(b"old"))

    def fail(file: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="space"):
        write_atomically(path, fail)
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_a_durable_write_tells_size_and_digest(tmp_path: Path) -> None:
    written = write_atomically(tmp_path / "file", lambda file: file.write(b"abc"))
    assert written.size == 3
    assert written.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert not list(tmp_path.glob(f"{TEMPORARY_PREFIX}*"))


def test_the_journal_gives_back_what_was_said(tmp_path: Path) -> None:
    path = journal_path(tmp_path)
    events = [*scripted.opening(), *scripted.epochs(1), scripted.verdict("net_001.pth")]
    file = LineFile(path)
    for event in events:
        journal.append_event(file, event)
    file.close()
    assert list(journal.read_events(path)) == events
    assert all("at" in orjson.loads(line) for line in path.read_bytes().splitlines())


@given(st.lists(st.binary(max_size=60)), st.binary(max_size=40))
def test_junk_in_a_journal_is_passed_over(junk: list[bytes], torn: bytes) -> None:
    import tempfile

    good = orjson.dumps({"at": 1.0, "event": "RunFinished", "step": 3, "test_accuracy": 0.5})
    with tempfile.TemporaryDirectory() as folder:
        path = journal_path(Path(folder))
        path.write_bytes(b"\n".join([*junk, good, torn]))
        assert RunFinished(3, 0.5) in list(journal.read_events(path))


def test_lines_wait_in_memory_while_the_disk_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = LineFile(tmp_path / "log", retry_seconds=0.0)
    file.append(b"one\n")
    real_write = os.write
    full = True

    def write(descriptor: int, content: bytes) -> int:
        if full and descriptor > 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real_write(descriptor, content)

    monkeypatch.setattr(os, "write", write)
    file.append(b"two\n")
    assert file.error is not None
    full = False
    file.append(b"three\n")
    assert file.error is None
    file.close()
    assert (tmp_path / "log").read_bytes() == b"one\ntwo\nthree\n"


def test_a_run_folder_holds_its_recipe_and_keeps_others_out(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path / "a", "a", preset("quick"))
    assert orjson.loads((tmp_path / "a" / "recipe.json").read_bytes())["epochs"] == 26
    with pytest.raises(FolderInUse, match=f"process {os.getpid()}"):
        RunFolder.create(tmp_path / "a", "a", preset("quick"))
    run.close()
    with pytest.raises(BadInput, match="not empty"):
        RunFolder.create(tmp_path / "a", "a", preset("quick"))


def test_a_folder_with_other_files_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(BadInput, match=r"thesis\.tex"):
        RunFolder.create(tmp_path, "a", preset("quick"))
    assert (tmp_path / "thesis.tex").read_text() == "mine"
    assert not (tmp_path / "recipe.json").exists()


def test_an_unwritable_place_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="Cannot write"):
        RunFolder.create(tmp_path / "file" / "run", "run", preset("quick"))


def test_a_run_that_trained_nothing_leaves_no_folder(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path / "a", "a", preset("quick"))
    Recorder(run).close()
    run.discard()
    run.close()
    assert not (tmp_path / "a").exists()


def test_a_run_on_synthetic_images_says_so_in_its_name_unless_one_was_chosen() -> None:
    import dataclasses

    synthetic = dataclasses.replace(preset("quick"), data="synthetic")
    assert run_name(synthetic, None, NOW) == "quick-20260102-030405-synthetic"
    assert run_name(synthetic, "mine", NOW) == "mine"
    assert run_name(preset("quick"), "mine", NOW) == "mine"


@pytest.mark.parametrize("name", ["../up", "a/b", "", ".hidden", "-rf", "a\nb", "x" * 101, "\x1b[2J"])
def test_a_name_that_is_no_folder_name_is_refused(name: str) -> None:
    with pytest.raises(BadInput, match="cannot be a run's name"):
        run_name(preset("quick"), name, NOW)


def test_the_tutorials_files_have_the_tutorials_formats(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path / "a", "a", preset("tutorial"))
    recorder = Recorder(run)
    losses = [2.3026, 2.1, 1.9, 1.7]
    for number, loss in enumerate(losses, start=1):
        recorder.append_event(StepDone(number, (number + 1) // 2, loss, 0.125 * number, 128, 0.1, 1.0 * number))
    for number, accuracy in ((1, 0.84), (2, 0.8612), (3, 0.8555), (4, 0.9)):
        recorder.append_event(scripted.epoch(number, accuracy))
    recorder.close()
    run.close()
    # The tutorial's own statements, with the tutorial's own variables.
    expected = "".join(
        "%03d  %05d |Loss: %.03f | Acc: %.3f%% " % values + "\n"
        for values in [
            (1, 1, losses[0], 100.0 * 16 / 128),
            (1, 2, (losses[0] + losses[1]) / 2, 100.0 * (16 + 32) / 256),
            (2, 3, losses[2], 100.0 * 48 / 128),
            (2, 4, (losses[2] + losses[3]) / 2, 100.0 * (48 + 64) / 256),
        ]
    )
    assert (run.path / "log.txt").read_text() == expected
    assert (run.path / "acc.txt").read_text() == "".join(
        "EPOCH=%03d,Accuracy= %.3f%%" % (number, accuracy) + "\n"
        for number, accuracy in ((1, 84.0), (2, 86.12), (3, 85.55), (4, 90.0))
    )
    assert (run.path / "best_acc.txt").read_text() == "EPOCH=%d,best_acc= %.3f%%" % (4, 90.0)


def test_best_acc_stays_away_below_85(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path / "a", "a", preset("tutorial"))
    recorder = Recorder(run)
    recorder.append_event(scripted.epoch(1, 0.85))
    recorder.close()
    run.close()
    assert not (run.path / "best_acc.txt").exists()


def test_sidecars_are_listed_by_step_and_damaged_ones_left_out(tmp_path: Path) -> None:
    third, first = scripted.put_checkpoint(tmp_path, 3), scripted.put_checkpoint(tmp_path, 1)
    (tmp_path / "net_002.json").write_text('{"checkpoint": "net_002.pth"}')
    (tmp_path / "net_004.json").write_bytes(b"\xff\xfe")
    (tmp_path / "net_005.pth").write_bytes(b"weights without a sidecar")
    assert list_sidecars(tmp_path) == [first, third]


def test_a_sidecar_cannot_point_elsewhere(tmp_path: Path) -> None:
    sidecar = scripted.put_checkpoint(tmp_path, 1)
    append_event = orjson.loads(sidecar_path(tmp_path / sidecar.checkpoint).read_bytes())
    append_event["checkpoint"] = "../../etc/passwd"
    (tmp_path / "net_001.json").write_bytes(orjson.dumps(append_event))
    assert list_sidecars(tmp_path) == []


@given(st.binary(max_size=200) | st.text(max_size=100).map(lambda text: orjson.dumps({"checkpoint": text})))
def test_any_bytes_are_a_sidecar_or_one_named_error(content: bytes) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net_001.json"
        path.write_bytes(content)
        with pytest.raises(ValueError):
            read_sidecar(path)


def test_mid_epoch_checkpoints_have_names_of_their_own() -> None:
    assert re.fullmatch(r"net_002_step_00109\.pth", step_checkpoint(2, 109))


def test_records_that_cannot_go_back_wait_until_they_can(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = RunFolder.create(tmp_path / "one", "one", preset("quick"))
    records = Recorder(folder)
    for number in range(1, 6):
        records.append_event(scripted.step(number))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(recorder, "rewind_records", full)
        note = records.append_event(RolledBack(5, 3, 0.05, ((4, 0.5),)))
        assert note is not None
        assert "No space left" in note
        assert records.append_event(scripted.step(4)) is None
    clock = time.monotonic() + 60
    monkeypatch.setattr(time, "monotonic", lambda: clock)
    assert records.append_event(scripted.step(5)) == "The run's records are written again, and complete."
    records.close()
    steps = [event.step for event in read_events(tmp_path / "one" / JOURNAL_NAME) if isinstance(event, StepDone)]
    assert steps == [1, 2, 3, 4, 5]
    log = (tmp_path / "one" / "log.txt").read_text().splitlines()
    assert [int(line.split()[1]) for line in log] == [1, 2, 3, 4, 5]


def a_full_disk(point: str, name: str) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("seconds_later", [0.0, 60.0])
def test_a_disk_that_has_room_again_is_told_before_the_next_line_of_every_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds_later: float
) -> None:
    """acc.txt gets one line an epoch: a refusal of that line is neither remembered for an epoch nor at the end."""
    folder = RunFolder.create(tmp_path / "one", "one", preset("quick"))
    records = Recorder(folder)
    records.append_event(scripted.step(1))
    with monkeypatch.context() as full:
        full.setattr(append_file, "hit", a_full_disk)
        assert "wait in memory" in (records.append_event(scripted.epoch(1)) or "")
    clock = time.monotonic() + seconds_later
    monkeypatch.setattr(time, "monotonic", lambda: clock)
    told = records.append_event(scripted.step(2))
    assert told == ("The run's records are written again, and complete." if seconds_later else None)
    assert records.close() is None, "nothing is lost"
    assert len((folder.path / "acc.txt").read_bytes().splitlines()) == 1
    folder.close()
