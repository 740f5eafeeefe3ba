"""A run in sentences, the same for both front ends."""

import math

from cifar_tui import text
from cifar_tui.checkpoint_events import CheckpointFailed, CheckpointSaved
from cifar_tui.data_sets import DATA_SETS
from cifar_tui.events import (
    DataMissing,
    EpochDone,
    NoteAdded,
    Noted,
    Progressed,
    RateChanged,
    RolledBack,
    RunFailed,
    RunFinished,
    RunResumed,
    RunStopped,
)
from cifar_tui.history.run_history import Note, RunHistory
from cifar_tui.recipe import Recipe


def what_is_trained(history: RunHistory, *, counts: bool = True, name_limit: int = 40) -> str:
    """Preset, ancestor and data: `quick from one, epoch 7, on CIFAR-10, 50,000 + 10,000 images`.

    Where room is short it comes without the `counts` of images, and with the ancestor's name shortened.
    """
    if history.started is None:
        return ""
    recipe = history.started.recipe
    own = f" with {text.shortened(recipe.network, name_limit)}" if recipe.model is not None else ""
    way = f"{recipe.preset}{own}{_unusual(recipe)}"
    origin = f"{way} {ancestry(recipe, name_limit)}," if recipe.parent is not None else way
    if history.data is None:
        named = DATA_SETS.get(recipe.data)
        where = named.title if named else "synthetic images" if recipe.synthetic else "images in a folder"
        return f"{origin} on {where}"
    images = f", {history.data.train_images:,} + {history.data.test_images:,} images" if counts else ""
    return f"{origin} on {text.safe_text(history.data.description)}{images}"


def _unusual(recipe: Recipe) -> str:
    """Return an optimizer that is not the usual one, and an average: ` with adamw, ema 0.999`; empty otherwise."""
    unusual: list[str] = [recipe.optimizer] if recipe.optimizer != "sgd" else []
    unusual += [f"ema {recipe.ema:g}"] if recipe.ema else []
    return f" with {', '.join(unusual)}" if unusual else ""


def ancestry(recipe: Recipe, name_limit: int = 40) -> str:
    """Return the parent of a run: `from one, epoch 7`, and that it knew synthetic images; empty without one."""
    parent = recipe.parent
    if parent is None:
        return ""
    name = text.shortened(text.safe_text(parent.run or parent.checkpoint), name_limit)
    whose = f"{name}, epoch {parent.epoch}" if parent.run else name
    told = parent.synthetic and not recipe.synthetic  # which says so itself
    return f"from {whose}{' (synthetic images)' if told else ''}"


def on_what(history: RunHistory) -> str:
    """Device and precision: `CPU, 2 threads · fp32`; empty until they are known."""
    return f"{history.training.device} · {history.training.precision}" if history.training else ""


def progress_line(progress: Progressed) -> str:
    """Return the progress of long work: `Reading images: 12,000 of 60,000, 20 %, 04:12 left`."""
    if progress.unit == "":
        return f"{progress.what}…"
    amount = text.size if progress.unit == "bytes" else lambda number: f"{number:,.0f}"
    unit = " images" if progress.unit == "images" and not progress.what.endswith("images") else ""
    if not progress.total:
        return f"{progress.what}: {amount(progress.done)}{unit}"
    share = progress.done / progress.total
    line = f"{progress.what}: {amount(progress.done)} of {amount(progress.total)}{unit}, {text.percent(share, 0)}"
    if progress.seconds > 0.5 and progress.done:
        if progress.unit == "bytes":
            line += f", {text.size(progress.done / progress.seconds)}/s"
        line += f", {text.rough_duration(progress.seconds * (1 - share) / share).strip()} left"
    return line


def note_text(note: Note) -> str:
    """Return the sentence of an event that a person should read."""
    match note:
        case CheckpointSaved():
            return f"Saved {note.checkpoint}."
        case CheckpointFailed():
            return note.reason
        case Noted():
            return note.text
        case NoteAdded():
            return f"Step {note.step:,}: {text.safe_text(note.text)} ({text.safe_text(note.by)})"
        case RateChanged():
            return f"Learning rate {text.rate(note.learning_rate)} from step {note.from_step:,}."
        case RolledBack():
            back = f"Rolled back from step {note.from_step:,} to step {note.to_step:,}"
            return f"{back}; the learning rate is now {text.rate(note.learning_rate)}."
        case RunResumed():
            exact = f", not bit-exact: {note.inexact_because}" if note.inexact_because else ", bit-exact"
            changed = f" Changed: {', '.join(note.changes)}." if note.changes else ""
            return f"Resumed after step {note.at_step:,}{exact}.{changed}"


def epoch_line(epoch: EpochDone, epochs: int, best: bool) -> str:
    """One finished epoch, for the console."""
    mark = "  best so far" if best else ""
    validation = epoch.validation_accuracy
    held_out = "" if validation is None else f"; validation accuracy {text.percent(validation)}"
    seconds = epoch.train_seconds + epoch.test_seconds
    return (
        f"epoch {epoch.epoch}/{epochs} done: training loss {text.loss(epoch.train_loss)}, "
        f"accuracy {text.percent(epoch.train_accuracy)}; test loss {text.loss(epoch.test_loss)}, "
        f"accuracy {text.percent(epoch.test_accuracy)}{held_out}{mark}; {text.duration(seconds)}"
    )


def step_line(history: RunHistory) -> str:
    """Return the progress of training, for the console."""
    step, training, started = history.last_step, history.training, history.started
    if step is None or training is None or started is None:
        return ""
    left = history.seconds_left
    return (
        f"epoch {step.epoch}/{started.recipe.epochs}  step {step.step:,}/{training.total_steps:,}  "
        f"loss {text.loss(step.loss)}  accuracy {text.percent(step.accuracy, 1)}  "
        f"rate {text.rate(step.learning_rate)}  "
        f"{text.throughput(history.images_per_second)}"
        + (f"  {text.rough_duration(left).strip()} left" if math.isfinite(left) else "")
    )


def seconds_elapsed(history: RunHistory) -> float:
    """Return how long the run has trained and tested, without pauses."""
    trained = history.last_step.seconds if history.last_step is not None else 0.0
    testing = history.progress.seconds if history.progress is not None and history.state == "testing" else 0.0
    return trained + sum(epoch.test_seconds for epoch in history.epochs) + testing


def chosen_on(best: EpochDone) -> str:
    """Return the images that the best epoch was chosen on, in words."""
    return "chosen on the test images" if best.validation_accuracy is None else "chosen on the validation images"


def outcome(history: RunHistory) -> str:
    """Return the ending of a run in one sentence; empty while it has not ended."""
    match history.ending:
        case RunFinished() as finished:
            took = f" in {text.duration(seconds_elapsed(history))}" if history.last_step is not None else ""
            steps = text.counted(finished.step, "step")
            line = f"Finished {steps}{took}: test accuracy {text.percent(finished.test_accuracy)}"
            best = history.best
            if best is not None and best.choosing_accuracy > history.epochs[-1].choosing_accuracy:
                # Picking the best epoch by the test set flatters it, and the reader should know.
                line += f" (best {text.percent(best.test_accuracy)} after epoch {best.epoch}, {chosen_on(best)})"
            return f"{line}."
        case RunStopped(step=0) if history.resumed:
            return "Stopped before it resumed: the run is unchanged."
        case RunStopped(step=0):
            return "Stopped before the first step: there was nothing to save."
        case RunStopped() as stopped:
            total = f" of {history.training.total_steps:,}" if history.training else ""
            by = f" by {text.safe_text(stopped.signal, 20)}" if stopped.signal else ""
            at = f"Stopped{by} after step {stopped.step:,}{total}"
            if stopped.checkpoint:
                return f"{at}, saved as {stopped.checkpoint}."
            why = f" {history.unsaved.reason}" if history.unsaved is not None else ""
            return f"{at}, but the weights could not be saved.{why}"
        case RunFailed() as failed:
            where = f" Details are in {text.safe_text(failed.traceback_file)}." if failed.traceback_file else ""
            return f"{failed.reason}{where}"
        case DataMissing() as missing:
            return missing.reason
    return ""


def exit_code(history: RunHistory, ended_by: int = 0) -> int:
    """Return the program's exit code after this run; `ended_by` is that of a signal or key that was to end it.

    It counts for a run that was stopped, and so can be resumed: not for one that has finished or failed by then.
    """
    match history.ending:
        case RunFailed() as failed:
            return failed.exit_code
        case DataMissing():
            return 2
        case RunFinished():
            return 0
    return ended_by
