"""TensorBoard's own readers find in our files what the run's journal has: each step once, and nothing else."""

import dataclasses
import itertools
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from cifar_tui.checkpoint_events import CheckpointSaved, EvaluationDone
from cifar_tui.errors import BadInput
from cifar_tui.events import Event, RolledBack, RunFailed, RunResumed, RunStarted, StepDone
from cifar_tui.files import append_file, tfevents
from cifar_tui.files.run_files import journal_path
from cifar_tui.presets import preset
from cifar_tui.recipe import Recipe
from cifar_tui.runs.delete_run import delete_run, other_files
from cifar_tui.runs.folder import RunFolder
from cifar_tui.runs.records.recorder import Recorder
from cifar_tui.runs.records.tensorboard_files import event_files, export_to
from tests import scripted
from tests.runs.records.event_files import Boards, Points
from tests.scripted import STEPS_PER_EPOCH, epoch, epochs, put_checkpoint, put_verdict, step, verdict

RECIPE = dataclasses.replace(preset("quick"), tensorboard=True, parent=None)
WITHOUT = dataclasses.replace(RECIPE, tensorboard=False)
FULL = OSError(28, "No space left on device")


def opening(recipe: Recipe = RECIPE) -> list[Event]:
    return [scripted.started(recipe=recipe), *scripted.opening()[1:]]


def resumed(at_step: int, recipe: Recipe = RECIPE) -> list[Event]:
    return [RunResumed(at_step, recipe, (), "", 1_700_000_000.0, "0.1.0"), *scripted.opening()[1:]]


def record(folder: Path, *events: Event) -> list[str]:
    """Record events as one process does that trains or evaluates. Returns what a person was told."""
    exists = (folder / "recipe.json").exists()
    run = RunFolder.reopen(folder) if exists else RunFolder.create(folder, "one", RECIPE)
    recorder = Recorder(run)
    notes = [recorder.append_event(event) for event in events]
    recorder.close()
    run.close()
    return [note for note in notes if note is not None]


def steps(first: int, last: int) -> list[Event]:
    return [step(number) for number in range(first, last + 1)]


def exported(folder: Path, place: Path) -> Boards:
    export_to(folder, place)
    return Boards(place)


def rounded(points: Points) -> Points:
    """Points as 32 bits hold them."""
    return [(at, float(np.float32(value))) for at, value in points]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return tmp_path / "runs" / "one"


def test_train_and_test_share_charts(run: Path) -> None:
    record(run, *opening(), *epochs(2))
    boards = Boards(run.parent)
    assert boards.names == ["one/tb/test", "one/tb/train"]
    assert boards.tags("one/tb/train") == {"loss", "accuracy", "learning_rate", "images_per_second"}
    assert boards.tags("one/tb/test") == {"loss", "accuracy"}
    written = [(one.step, one.loss) for one in steps(1, 100) if isinstance(one, StepDone)]
    assert boards.points("one/tb/train", "loss") == rounded(written)
    tested = [(STEPS_PER_EPOCH * number, epoch(number).test_accuracy) for number in (1, 2)]
    assert boards.points("one/tb/test", "accuracy") == rounded(tested)
    assert set(boards.points("one/tb/train", "images_per_second")) == {(at, 1_000.0) for at in range(1, 101)}


def test_what_was_held_out_has_a_chart_of_its_own(run: Path) -> None:
    record(run, *opening(), dataclasses.replace(epoch(1), validation_accuracy=0.5))
    assert Boards(run).points("tb/validation", "accuracy") == [(50, 0.5)]
    assert Boards(run).tags("tb/validation") == {"accuracy"}


def test_the_recipe_is_in_the_hparams_tab(run: Path) -> None:
    record(run, *opening(dataclasses.replace(RECIPE, epochs=7, width=24)), step(1))
    record(run, *resumed(1), step(2))
    shown = Boards(run).hparams("tb/test")
    assert (shown["epochs"], shown["width"], shown["preset"], shown["nesterov"]) == (7.0, 24.0, "quick", True)
    assert shown["mean"] == "0.4914, 0.4822, 0.4465"
    assert not {"tensorboard", "keep", "data_dir"} & set(shown)


def test_a_run_without_the_option_writes_nothing(run: Path) -> None:
    record(run, *opening(WITHOUT), *epochs(1))
    assert not (run / "tb").exists()


def test_a_run_that_trained_nothing_leaves_nothing(run: Path) -> None:
    record(run, scripted.started(recipe=RECIPE), RunFailed("no data", "", 1))
    assert not (run / "tb").exists()


def test_no_step_is_there_twice_after_a_resume(run: Path) -> None:
    record(run, *opening(), *epochs(1), *steps(51, 80))
    record(run, *resumed(60), *steps(61, 100), epoch(2))
    boards = Boards(run)
    for tag in ("loss", "accuracy", "learning_rate"):
        assert boards.steps("tb/train", tag) == list(range(1, 101))
    assert boards.steps("tb/test", "loss") == [50, 100]
    assert len(set(boards.steps("tb/train", "images_per_second"))) == len(boards.steps("tb/train", "images_per_second"))


@pytest.mark.parametrize("saved", [True, False])
def test_an_epoch_that_is_tested_again_is_there_once(run: Path, saved: bool) -> None:
    events = [*opening(), *epochs(1)]
    record(run, *(one for one in events if saved or not isinstance(one, CheckpointSaved)))
    again = [] if saved else [epoch(1, 0.25)]
    record(run, *resumed(50), *again, step(51))
    accuracy = epoch(1).test_accuracy if saved else 0.25
    assert Boards(run).points("tb/test", "accuracy") == rounded([(50, accuracy)])


def test_no_step_is_there_twice_after_a_roll_back(run: Path) -> None:
    back = RolledBack(120, 70, 0.05, ((71, 0.5),))
    record(run, *opening(), *epochs(2), *steps(101, 120), back, *(step(at, 9.0) for at in range(71, 91)))
    boards = Boards(run)
    assert boards.steps("tb/train", "loss") == list(range(1, 91))
    assert {loss for at, loss in boards.points("tb/train", "loss") if at > 70} == {9.0}
    assert boards.steps("tb/test", "loss") == [50]


def test_a_killed_writer_costs_only_what_it_had_not_written(run: Path) -> None:
    record(run, *opening(), *epochs(1))
    (file,) = (run / "tb" / "train").iterdir()
    file.write_bytes(file.read_bytes()[:-7])
    record(run, *resumed(50), *steps(51, 60))
    assert Boards(run).steps("tb/train", "loss") == [*range(1, 50), *range(51, 61)]


def test_a_clock_that_was_set_back_changes_nothing(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record(run, *opening(), *epochs(1))
    monkeypatch.setattr(time, "time", lambda: 1_000_000_000.0)
    record(run, *resumed(40), *steps(41, 45))
    assert Boards(run).steps("tb/train", "loss") == list(range(1, 46))


def test_a_run_that_wants_files_later_has_its_whole_past_in_them(run: Path, tmp_path: Path) -> None:
    record(run, *opening(WITHOUT), *epochs(1), *steps(51, 70))
    record(run, *resumed(60), *steps(61, 70))
    boards = Boards(run)
    assert boards.steps("tb/train", "loss") == list(range(1, 71))
    assert boards.steps("tb/test", "loss") == [50]
    assert boards.hparams("tb/test")["preset"] == "quick"


def test_evaluations_are_images(run: Path) -> None:
    record(run, *opening(), *epochs(2))
    put_verdict(run, 1)
    record(run, verdict("net_001.pth"), verdict("net_002.pth"))
    boards = Boards(run)
    assert boards.tags("tb/test", "images") == {"confusion", "wrong_images"}
    assert boards.image_steps("tb/test", "confusion") == [50, 100]
    assert boards.image_steps("tb/test", "wrong_images") == [50], "of the other, no images are stored"
    sheet = boards.image("tb/test", "wrong_images").convert("RGB")
    assert sheet.getpixel((8 + 3 * 5, 8 + 3 * 2)) == (0, 16, 40), "row 2, column 5 of the first"


def test_an_evaluation_again_or_of_an_earlier_epoch_hides_none(run: Path) -> None:
    record(run, *opening(), *epochs(2))
    record(run, verdict("net_002.pth"))
    record(run, verdict("net_001.pth"), verdict("net_002.pth"), verdict("net_007.pth"))
    boards = Boards(run)
    assert boards.tags("tb/test", "images") == {"confusion", "confusion/net_001"}
    assert boards.image_steps("tb/test", "confusion") == [100]
    assert boards.image_steps("tb/test", "confusion/net_001") == [50]


@pytest.mark.parametrize("classes", [2, 37, 100])
def test_any_number_of_classes_is_drawn(run: Path, classes: int) -> None:
    names = tuple(f"类 {number} of a long name" for number in range(classes))
    matrix = tuple(tuple(int(label == predicted) for predicted in range(classes)) for label in range(classes))
    done = dataclasses.replace(
        verdict("net_001.pth"), images=classes, classes=names, confusion=matrix, accuracy=1.0, wrongest=()
    )
    record(run, *opening(), *epochs(1), done)
    assert max(Boards(run).image("tb/test", "confusion").size) <= 1_100


def test_an_export_gives_the_same_charts(run: Path, tmp_path: Path) -> None:
    record(run, *opening(), *epochs(2), *steps(101, 120))
    put_verdict(run, 1)
    record(run, *resumed(110), *steps(111, 130))
    record(run, verdict("net_001.pth"))
    record(run, *resumed(130), RolledBack(130, 120, 0.1, ()), *steps(121, 150), epoch(3))
    live, old = Boards(run / "tb"), exported(run, tmp_path / "out")
    assert len(live.everything()) == 8
    assert old.everything() == live.everything()
    assert old.hparams("test") == live.hparams("test")


def test_an_export_has_evaluations_that_are_in_no_journal(run: Path, tmp_path: Path) -> None:
    record(run, *opening(WITHOUT), *epochs(3), verdict("net_001.pth"))
    for number, sha256 in ((1, "0" * 64), (2, "0" * 64), (3, "1" * 64)):
        put_checkpoint(run, number)
        put_verdict(run, number, sha256=sha256)
    boards = exported(run, tmp_path / "out")
    assert boards.image_steps("test", "confusion") == [50, 100], "the third is of other weights"
    assert boards.image_steps("test", "wrong_images") == [50, 100]


def test_an_export_replaces_what_was_exported(run: Path, tmp_path: Path) -> None:
    record(run, *opening(WITHOUT), *epochs(1))
    exported(run, tmp_path / "out")
    record(run, *resumed(50, WITHOUT), *steps(51, 60))
    assert exported(run, tmp_path / "out").steps("train", "loss") == list(range(1, 61))
    assert len(event_files(tmp_path / "out")) == 2


def test_a_run_without_steps_is_not_exported(run: Path, tmp_path: Path) -> None:
    record(run, *opening(WITHOUT))
    with pytest.raises(BadInput, match="no steps"):
        export_to(run, tmp_path / "out")
    journal_path(run).unlink()
    with pytest.raises(BadInput, match="Cannot read"):
        export_to(run, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_numbers_that_are_none_and_journals_of_others_are_read(run: Path, tmp_path: Path) -> None:
    odd = dataclasses.replace(verdict("net_001.pth"), confusion=((1,),))
    events: Iterable[Event] = [
        *opening(WITHOUT),
        step(1, float("nan")),
        step(2, 1e300),
        step(3, float("-inf")),
        dataclasses.replace(step(4), step=-4),
        *epochs(1)[-1:],
        odd,
    ]
    record(run, *events)
    with journal_path(run).open("ab") as journal:
        journal.write(b"torn\n" + bytes(7))
    losses = [loss for _, loss in exported(run, tmp_path / "out").points("train", "loss")]
    assert losses[1:3] == [float("inf"), float("-inf")]
    assert losses[0] != losses[0]


def test_a_full_disk_is_said_once_and_everything_comes_when_there_is_room(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = itertools.count()
    monkeypatch.setattr(time, "monotonic", lambda: 10.0 * next(clock))

    def full(_point: str, name: str) -> None:
        if "tfevents" in name:
            raise FULL

    folder = RunFolder.create(run, "one", RECIPE)
    recorder = Recorder(folder)
    with monkeypatch.context() as patch:
        patch.setattr(append_file, "hit", full)
        notes = [recorder.append_event(event) for event in [*opening(), *epochs(2)]]
        assert [note for note in notes if note] == [
            "TensorBoard's files cannot be written: No space left on device. Training continues; export can write them."
        ]
    assert not any(recorder.append_event(event) for event in steps(101, 110))
    assert recorder.close() is None
    folder.close()
    assert Boards(run).steps("tb/train", "loss") == list(range(1, 111))
    assert Boards(run).steps("tb/test", "loss") == [50, 100]


def test_a_place_that_cannot_be_written_costs_no_record(run: Path) -> None:
    folder = RunFolder.create(run, "one", RECIPE)
    folder.close()
    (run / "tb").write_text("a file")
    notes = record(run, *opening(), *epochs(1))
    assert len(notes) == 1
    assert "TensorBoard's files cannot be written" in notes[0]
    assert (run / "tb").read_text() == "a file"
    assert len((run / "log.txt").read_text().splitlines()) == STEPS_PER_EPOCH


def test_its_files_are_the_runs_own(run: Path) -> None:
    record(run, *opening(), *epochs(1))
    assert other_files(run) == []
    delete_run(run)
    assert list(run.parent.iterdir()) == []


def test_they_go_with_a_run_that_is_discarded(run: Path) -> None:
    record(run, *opening(), step(1))
    folder = RunFolder.reopen(run)
    folder.discard()
    folder.close()
    assert not run.exists()


def test_checksums_are_those_of_castagnoli_one_by_one_and_many_at_once() -> None:
    assert tfevents._checksum(b"123456789") == 0xE3069283
    messages = [tfevents.scalars(1.0, number, {"loss": number / 7}) for number in range(1, 400)]
    assert tfevents.frame(messages) == b"".join(tfevents.frame([one]) for one in messages)


def test_every_event_may_come(run: Path) -> None:
    """Whatever an engine emits, in an odd order, is recorded."""
    record(run, RunStarted("one", "/runs/one", RECIPE, 0.0, "0"), verdict("net_001.pth"), *resumed(0), step(1))
    done = EvaluationDone("net_001.pth", 1, 0.0, 1.0, ("a",), ((1,),), 0.0)
    record(run, done, RolledBack(1, 0, 0.1, ()), step(1))
    assert Boards(run).steps("tb/train", "loss") == [1]
