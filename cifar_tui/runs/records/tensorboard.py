"""Turns a run's events into those of TensorBoard: the same for a run that trains and for the journal of an old one.

The steps go into one run of TensorBoard, `train`, and the tests into another, `test`, under the same tags: TensorBoard
draws one tag of several runs into one chart.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Literal

from cifar_tui.checkpoint_events import CheckpointSaved, EvaluationDone
from cifar_tui.events import EpochDone, Event, RolledBack, RunResumed, RunStarted, StepDone, TrainingStarted
from cifar_tui.files import tfevents
from cifar_tui.history.curves import StepColumns
from cifar_tui.history.run_history import FeedItem
from cifar_tui.recipe import Recipe
from cifar_tui.runs.checkpoints.verdicts import check_evaluation
from cifar_tui.serialization import to_record

Board = Literal["train", "test", "validation"]
"""The runs that TensorBoard shows of one of ours; `validation` where training images are held out."""
Message = tuple[Board, bytes]
"""A message, and the run it belongs to."""

THROUGHPUT_SECONDS = 1.0
"""Training time that images per second are taken over, at least."""
NO_CHOICE_OF_NUMBERS = ("data_dir", "rate_changes", "keep", "tensorboard")
"""Fields of the recipe that no result follows from."""


class TensorBoardMessages:
    """Turns the events of one run, in order, into messages. Does no I/O but what `wrong_pixels` does."""

    def __init__(self, wrong_pixels: Callable[[EvaluationDone], Sequence[bytes]]) -> None:
        """Begin with nothing; `wrong_pixels` returns the pixels of an evaluation's wrongest images, where stored."""
        self._wrong_pixels = wrong_pixels
        self._begun: set[Board] = set()
        self._recipe: Recipe | None = None
        self._steps: dict[str, int] = {}
        """The last step of each checkpoint."""
        self._evaluated: set[int] = set()
        """Steps whose images were written: a second evaluation gives no second ones."""
        self._measured_from: float | None = None
        """Training time that images are counted from."""
        self._images = 0

    def of(self, event: Event, at: float, *, tested_again: bool = False) -> Iterator[Message]:
        """Yield an event's messages; `at` is when it was emitted, in seconds since 1970.

        Where it takes the run back, `tested_again` is True if the epoch that ended there is tested again.
        """
        for board, message in self._messages(event, at, tested_again=tested_again):
            if board not in self._begun:
                self._begun.add(board)
                yield board, tfevents.session_start(at, 0)  # of the first start, nothing is dropped
            yield board, message

    def skip(self, item: FeedItem) -> None:
        """Take an event as written that is in the files already."""
        match item:
            case StepColumns() | StepDone():
                self._begun.add("train")
            case EpochDone():
                self._begun |= {"test"} if item.validation_accuracy is None else {"test", "validation"}
            case EvaluationDone() if item.checkpoint in self._steps:
                self._evaluated.add(self._steps[item.checkpoint])
            case RunStarted() | TrainingStarted() | CheckpointSaved():
                for board, _ in self._messages(item, 0.0, tested_again=False):
                    self._begun.add(board)

    def _messages(self, event: Event, at: float, *, tested_again: bool) -> Iterator[Message]:
        match event:
            case StepDone():
                yield "train", tfevents.scalars(at, event.step, self._step_values(event))
            case EpochDone():
                yield from _tested(event, at)
            case RunStarted():
                self._recipe, self._measured_from = event.recipe, 0.0
            case TrainingStarted() if self._recipe is not None:
                yield "test", tfevents.hparams(at, _choices(self._recipe))
                self._recipe = None
            case CheckpointSaved():
                self._steps[event.checkpoint] = event.step
            case EvaluationDone():
                yield from self._evaluation(event, at)
            case RunResumed():
                yield from self._went_back(event.at_step, at, tested_again)
            case RolledBack():
                yield from self._went_back(event.to_step, at, tested_again)

    def _step_values(self, step: StepDone) -> dict[str, float]:
        values = {"loss": step.loss, "accuracy": step.accuracy, "learning_rate": step.learning_rate}
        if self._measured_from is None:
            self._measured_from = step.seconds
            return values
        self._images += step.images
        seconds = step.seconds - self._measured_from
        if seconds >= THROUGHPUT_SECONDS:
            values["images_per_second"] = self._images / seconds
            self._measured_from, self._images = step.seconds, 0
        return values

    def _went_back(self, to_step: int, at: float, tested_again: bool) -> Iterator[Message]:
        """Yield what makes readers drop the steps that are trained, and the epochs that are tested, again."""
        self._measured_from, self._images = None, 0
        first_tested = to_step if tested_again else to_step + 1
        self._evaluated = {step for step in self._evaluated if step < first_tested}
        for board in sorted(self._begun):
            yield board, tfevents.session_start(at, to_step + 1 if board == "train" else first_tested)

    def _evaluation(self, done: EvaluationDone, at: float) -> Iterator[Message]:
        """Yield the images of an evaluation; none of a checkpoint that the run does not know."""
        step = self._steps.get(done.checkpoint)
        if step is None or step in self._evaluated:
            return
        try:
            check_evaluation(done)
        except ValueError:  # a journal that was written by something else
            return
        # Loads Pillow.
        from cifar_tui.runs.records.evaluation_images import draw_confusion, draw_wrong_images

        # TensorBoard's own server drops a tag's later steps once an earlier one comes: that one gets a tag of its own.
        in_order = step > max(self._evaluated, default=0)
        suffix = "" if in_order else f"/{done.checkpoint.removesuffix('.pth')}"
        self._evaluated.add(step)
        yield "test", tfevents.image(at, step, f"confusion{suffix}", *draw_confusion(done))
        pixels = self._wrong_pixels(done)
        if pixels:
            yield "test", tfevents.image(at, step, f"wrong_images{suffix}", *draw_wrong_images(done, pixels))


def _tested(epoch: EpochDone, at: float) -> Iterator[Message]:
    values = {"loss": epoch.test_loss, "accuracy": epoch.test_accuracy}
    yield "test", tfevents.scalars(at, epoch.step, values)
    if epoch.validation_accuracy is not None:
        yield "validation", tfevents.scalars(at, epoch.step, {"accuracy": epoch.validation_accuracy})


def _choices(recipe: Recipe) -> dict[str, bool | float | str]:
    """Return what the run was started with as the values that TensorBoard has; those that are not set are left out."""
    return {
        name: _choice(value)
        for name, value in to_record(recipe).items()
        if value is not None and name not in NO_CHOICE_OF_NUMBERS
    }


def _choice(value: object) -> bool | float | str:
    if isinstance(value, dict):  # the parent
        return f"{value['run']}/{value['checkpoint']}".removeprefix("/")
    if isinstance(value, list | tuple):
        return ", ".join(f"{one:g}" if isinstance(one, float) else str(one) for one in value)
    return value if isinstance(value, bool) or (isinstance(value, float | int) and math.isfinite(value)) else str(value)
