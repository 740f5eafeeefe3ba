import dataclasses
import math

import numpy as np
import pytest

from cifar_tui.checkpoint_events import EvaluationFailed, EvaluationProgressed, EvaluationStarted
from cifar_tui.events import (
    DataMissing,
    Event,
    LossNotFinite,
    NoteAdded,
    Noted,
    Paused,
    Progressed,
    Reopened,
    Resumed,
    RolledBack,
    RunFailed,
    RunFinished,
    RunResumed,
    RunStopped,
)
from cifar_tui.history.run_history import RunHistory
from cifar_tui.history.series import RecentAverage
from cifar_tui.presets import preset
from cifar_tui.report.run_summary import note_text
from tests import scripted


def after(*events: Event) -> RunHistory:
    history = RunHistory()
    for event in events:
        history.apply(event)
    return history


def test_a_persons_note_is_kept_with_its_step() -> None:
    (note,) = after(NoteAdded(40, "smaller \x1b[2Jcrops from here", "pts/3")).notes
    assert note_text(note) == "Step 40: smaller �[2Jcrops from here (pts/3)"


def test_the_states_follow_what_the_engine_says() -> None:
    history = RunHistory()
    seen = [history.state]
    testing = Progressed("Testing epoch 1", 0, 10, "images", 0.0)
    for event in [
        *scripted.opening(),
        scripted.step(1),
        Paused(1),
        Resumed(1),
        testing,
        scripted.epoch(1),
        RunFinished(50, 0.5),
    ]:
        history.apply(event)
        seen.append(history.state)
    assert seen == [
        "starting",
        "preparing",
        "preparing",
        "training",
        "training",
        "paused",
        "training",
        "testing",
        "training",
        "finished",
    ]


@pytest.mark.parametrize(
    ("ending", "state"),
    [(RunStopped(3, "x"), "stopped"), (RunFailed("broke", "", 1), "failed"), (DataMissing("gone"), "no data")],
)
def test_an_ending_ends_the_run(ending: Event, state: str) -> None:
    history = after(*scripted.opening(), ending)
    assert history.state == state
    assert not history.live


def test_the_best_epoch_is_never_one_without_a_number() -> None:
    history = after(scripted.epoch(1, 0.4), scripted.epoch(2, math.nan), scripted.epoch(3, 0.6), scripted.epoch(4, 0.6))
    assert history.best is not None
    assert history.best.epoch == 3
    assert after(scripted.epoch(1, math.nan)).best is None


def test_throughput_and_time_left_come_from_training_time() -> None:
    history = after(*scripted.opening(epochs=2), *[scripted.step(number) for number in range(1, 31)])
    assert history.images_per_second == pytest.approx(1_000)
    assert history.seconds_left == pytest.approx(70 + 2 * 10 / 3, rel=0.01)
    assert math.isnan(after(*scripted.opening()).seconds_left)
    assert after(*scripted.opening(epochs=2), scripted.step(1)).seconds_left == pytest.approx(99 + 2 * 10 / 3), (
        "from one step"
    )
    assert math.isnan(after(*scripted.opening(), scripted.step(51)).seconds_left), "of a run that resumes it is not"


def test_the_time_left_knows_that_images_grow() -> None:
    """Steps on small images are fast, and say little by themselves of those to come."""
    recipe = dataclasses.replace(preset("short"), sizes="growing", epochs=12)
    opening = [scripted.started(recipe=recipe), *scripted.opening(epochs=12)[1:]]
    history = after(*opening, *[scripted.step(number) for number in range(1, 31)])
    assert history.images_per_second == pytest.approx(1_000)
    seconds_per_epoch, tests = 50, 12 * 10 / 3
    whole = (2.4 * 0.4 + 5 * 0.65 + 4) * seconds_per_epoch + tests
    assert history.seconds_left == pytest.approx(whole / 0.4, rel=0.01)
    late = dataclasses.replace(scripted.step(31), epoch=13)
    assert math.isnan(after(*opening, scripted.step(1), late).seconds_left), "an epoch that the recipe does not have"


def test_every_step_reaches_the_curves() -> None:
    history = after(*[scripted.step(number) for number in range(1, 101)])
    assert (
        history.curves.train_loss.count
        == history.curves.train_accuracy.count
        == history.curves.learning_rate.count
        == 100
    )
    assert history.step == 100
    assert history.epoch == 2


def test_a_loss_without_a_number_is_marked_and_does_not_spoil_the_average() -> None:
    history = after(scripted.step(1, loss=2.0), scripted.step(2, loss=math.nan), scripted.step(3, loss=2.0))
    assert history.curves.train_loss.marks == [2]
    assert history.curves.loss_now.value == pytest.approx(2.0)


def test_an_average_starts_at_the_first_value_and_follows_the_latest() -> None:
    average = RecentAverage()
    average.append(math.nan)
    assert math.isnan(average.value)
    average.append(3.0)
    assert average.value == pytest.approx(3.0)
    average.append(4.0)
    assert 3.5 < average.value < 4.0
    average.extend(np.array([4.0, 1e9, 4.0, 4.0, 4.0]))
    assert 4.0 < average.value < 12.0
    average.extend(np.array([1e9, *[4.0] * 58]))
    average.append(4.0)
    assert average.value == pytest.approx(4.0, abs=1.0), "nor when the wild value is the oldest"
    average.extend(np.full(1_000, 5.0))
    assert average.value == pytest.approx(5.0)


def test_an_evaluation_is_under_way_until_its_verdict() -> None:
    history = after(EvaluationStarted("net_001.pth", 10), EvaluationProgressed("net_001.pth", 5, 10))
    assert history.evaluation is not None
    history.apply(scripted.verdict("net_001.pth"))
    assert history.evaluation is None
    assert history.verdicts["net_001.pth"].accuracy == pytest.approx(0.855)
    history.apply(EvaluationFailed("net_002.pth", "damaged", damaged=True))
    assert history.failed_evaluations["net_002.pth"].damaged


def test_notes_are_kept_newest_last() -> None:
    assert list(map(note_text, after(Noted("a"), Noted("b")).notes)) == ["a", "b"]


def test_going_back_forgets_later_steps_epochs_and_checkpoints() -> None:
    history = after(*scripted.opening(), *scripted.epochs(3), scripted.step(151))
    history.apply(RolledBack(151, 75, 0.05, ((76, 0.5),)))
    assert [epoch.epoch for epoch in history.epochs] == [1]
    assert history.best is history.epochs[0]
    assert [saved.checkpoint for saved in history.checkpoints] == ["net_001.pth"]
    assert history.step == 75
    assert history.curves.train_loss.last is not None
    assert history.curves.train_loss.last[0] == 75
    assert history.curves.train_loss.count == 75
    assert "Rolled back from step 151 to step 75" in note_text(history.notes[-1])
    history.apply(scripted.step(76))
    assert history.curves.train_loss.last[0] == 76
    assert history.curves.rate_changes == [76]


def test_a_resumed_run_lives_again_with_its_changed_recipe() -> None:
    history = after(*scripted.opening(), *scripted.epochs(2), RunStopped(100, "net_002.pth"))
    history.apply(Reopened("/elsewhere/one"))
    assert history.live
    assert history.state == "preparing"
    assert history.started is not None
    assert history.started.folder == "/elsewhere/one"
    recipe = dataclasses.replace(preset("quick"), epochs=40)
    history.apply(RunResumed(80, recipe, ("epochs 26 → 40",), "threads 2 → 4", 0.0, "0.1.0"))
    assert history.step == 80
    assert history.started.recipe.epochs == 40
    assert note_text(history.notes[-1]) == (
        "Resumed after step 80, not bit-exact: threads 2 → 4. Changed: epochs 26 → 40."
    )


def test_the_best_epoch_is_chosen_on_images_held_out_where_there_are_some() -> None:
    first = dataclasses.replace(scripted.epoch(1, test_accuracy=0.9), validation_accuracy=0.7)
    second = dataclasses.replace(scripted.epoch(2, test_accuracy=0.8), validation_accuracy=0.75)
    assert after(*scripted.opening(), first, second).best == second


def test_a_broken_loss_waits_for_an_answer() -> None:
    history = after(*scripted.opening(), scripted.step(1), LossNotFinite(2, math.nan, waiting=True))
    assert history.state == "paused"
    assert history.nonfinite_loss is not None
    history.apply(Resumed(2))
    assert history.nonfinite_loss is None
    assert history.curves.broken_steps == [2]
    history.apply(LossNotFinite(3, math.nan, waiting=False))
    assert history.state == "training"
