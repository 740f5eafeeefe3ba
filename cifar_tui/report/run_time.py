"""The time that a run takes on this device, and the preset to take instead where that is longer than an evening."""

from cifar_tui import text
from cifar_tui.dataclass import dataclass
from cifar_tui.history.run_history import TEST_SHARE, RunHistory
from cifar_tui.presets import with_preset
from cifar_tui.recipe import Recipe

EVENING_SECONDS = 4 * 3_600.0
SHORTER_PRESETS = ("default", "quick", "short", "minutes")
"""The presets to take instead, the longest first."""
LEAST_SHARE = 0.75
"""A shorter preset is worth a new run where it takes at most this share of the time that is left."""
SETTLED_SECONDS = 20.0
"""Training time after which the steps on a GPU are no longer those of its warm-up."""
SETTLED_SECONDS_ON_CPU = 5.0


@dataclass(frozen=True, slots=True)
class ShorterPreset:
    """A preset that takes less time than the run under way."""

    preset: str
    """Its name."""
    seconds: float
    """Time that it takes on this device."""
    instead_of: str
    """Name of the preset under way."""
    seconds_now: float
    """Time that the whole run under way takes."""


def run_seconds(recipe: Recipe, train_images: int, test_images: int, images_per_second: float) -> float:
    """Return the time of a whole run, a test after every epoch included; the throughput is that of whole images."""
    images = recipe.work(recipe.epochs) * train_images + recipe.epochs * test_images * TEST_SHARE
    return images / images_per_second


def shorter_preset(history: RunHistory) -> ShorterPreset | None:
    """Return the preset to take instead, once a step is measured; None where the run is not longer than an evening.

    It is the longest that ends in an evening, or the shortest of all where none does.
    """
    started, data, speed = history.started, history.data, history.images_per_second
    if started is None or data is None or history.resumed or not (history.live and _settled(history)):
        return None
    recipe = started.recipe
    speed *= recipe.work_in(history.epoch)
    if not speed > 0:
        return None
    now = run_seconds(recipe, data.train_images, data.test_images, speed)
    left = min(now, history.seconds_left)
    if not left > EVENING_SECONDS:
        return None
    shorter = [
        ShorterPreset(name, seconds, recipe.preset, now)
        for name in SHORTER_PRESETS
        if (seconds := run_seconds(with_preset(recipe, name), data.train_images, data.test_images, speed))
        <= left * LEAST_SHARE
    ]
    fitting = [one for one in shorter if one.seconds <= EVENING_SECONDS]
    return next(iter(fitting or shorter[-1:]), None)


def _settled(history: RunHistory) -> bool:
    """Return True once the throughput is that of the whole run."""
    step, training = history.last_step, history.training
    if step is None or training is None:
        return False
    if training.gpu:
        return step.step > 1 and step.seconds >= SETTLED_SECONDS
    return step.step > 1 or step.seconds >= SETTLED_SECONDS_ON_CPU


def times_text(shorter: ShorterPreset) -> str:
    """Return both times in a sentence: `default takes about 2 d 7 h on this device, short about 5 h 40 min.`."""
    now, then = (text.rough_duration(seconds).strip() for seconds in (shorter.seconds_now, shorter.seconds))
    return f"{shorter.instead_of} takes about {now} on this device, {shorter.preset} about {then}."
