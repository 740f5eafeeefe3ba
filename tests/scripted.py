"""An engine that emits the events of a script, without torch, for the tests of the front ends."""

import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np

from cifar_tui.checkpoint_events import CheckpointSaved, EvaluationDone, WrongImage
from cifar_tui.control import DeleteCheckpoint, PinCheckpoint, Request, SetAttended
from cifar_tui.engine.evaluation.metrics import evaluation_result
from cifar_tui.errors import CifarTuiError
from cifar_tui.events import DataReady, EpochDone, Event, RunStarted, StepDone, TrainingStarted
from cifar_tui.layer_events import NormsMeasured
from cifar_tui.layer_events import pack as pack_norms
from cifar_tui.presets import preset
from cifar_tui.recipe import Recipe
from cifar_tui.runs.checkpoints.predictions import pack
from cifar_tui.runs.checkpoints.sidecars import Sidecar, epoch_checkpoint, write_sidecar
from cifar_tui.runs.checkpoints.test_images import store_images
from cifar_tui.runs.checkpoints.verdicts import StoredEvaluation, store_evaluation

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
WIDE_CLASSES = ("飞机", "🐱", "👨\u200d👩\u200d👧", "שלום", "cafe\u0301", "plain", "一号飞机", "二号飞机", "a", "b")
"""Names that take other numbers of cells than they have characters."""
BLOCKS = tuple(f"layer{stage}.{block}" for stage in range(1, 5) for block in range(2))
SHORTCUTS = ("layer2.0", "layer3.0", "layer4.0")
LAYERS = (
    "conv1.0",
    *(
        f"{block}.{part}"
        for block in BLOCKS
        for part in (("left.0", "left.3", "shortcut.0") if block in SHORTCUTS else ("left.0", "left.3"))
    ),
    "fc",
)
STEPS_PER_EPOCH = 50
DAY = 86_400.0
"""Seconds."""
CHECKSUM = "0a1b2c3d"
"""Of the test images."""


class ScriptedConnection:
    """A connection whose events a test puts in, and whose requests a test reads."""

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self.requests: list[Request] = []
        self.attended: bool | None = None
        self._waiting = list(events)
        self.ended = False
        self.elsewhere = False
        self.accepting = True
        self.silent_seconds = 0.0
        self.other_user = ""

    def emit(self, *events: Event) -> None:
        self._waiting.extend(events)

    @property
    def drained(self) -> bool:
        """True once every event was polled."""
        return not self._waiting

    def poll(self) -> list[Event]:
        events, self._waiting = self._waiting, []
        return events

    def submit(self, request: Request) -> None:
        if isinstance(request, SetAttended):
            self.attended = request.attended
        else:
            self.requests.append(request)

    def accepts(self, _verb: type[Request]) -> bool:
        return self.accepting

    def join(self, seconds: float | None = None) -> bool:
        return self.ended


class ScriptedJobs:
    """Hands out scripted connections and remembers what was started."""

    def __init__(self, *connections: ScriptedConnection, refusal: CifarTuiError | None = None) -> None:
        self._connections = list(connections)
        self._refusal = refusal
        self.trained_on: list[str | None] = []
        self.presets: list[str] = []
        self.evaluated: list[str] = []
        self.resumed = 0
        self.branched: list[tuple[str, int, float]] = []
        self.evaluation = ScriptedConnection()
        self.compared: list[list[str]] = []
        self.compared_beside: bool | None = None
        self.comparison = ScriptedConnection()
        self.managed: list[Request] = []
        self.closed = False
        self.management = ScriptedConnection()

    @property
    def current(self) -> "ScriptedJobs":
        return self

    def train(self, data: str | None = None) -> ScriptedConnection:
        if self._refusal is not None:
            raise self._refusal
        self.trained_on.append(data)
        return self._connections.pop(0)

    def train_preset(self, preset: str) -> ScriptedConnection:
        if self._refusal is not None:
            raise self._refusal
        self.presets.append(preset)
        return self._connections.pop(0)

    def refuse(self, refusal: CifarTuiError) -> None:
        self._refusal = refusal

    def resume(self) -> ScriptedConnection:
        if self._refusal is not None:
            raise self._refusal
        self.resumed += 1
        return self._connections.pop(0)

    def branch(self, checkpoint: str, epochs: int, learning_rate: float) -> ScriptedConnection:
        if self._refusal is not None:
            raise self._refusal
        self.branched.append((checkpoint, epochs, learning_rate))
        return self._connections.pop(0)

    def compare(self, checkpoints: Sequence[Path], *, beside: bool) -> ScriptedConnection:
        self.compared.append([f"{path.parent.name}/{path.name}" for path in checkpoints])
        self.compared_beside = beside
        return self.comparison

    def evaluate(self, checkpoint: str) -> ScriptedConnection:
        if self._refusal is not None:
            raise self._refusal
        self.evaluated.append(checkpoint)
        return self.evaluation

    def manage_checkpoint(self, request: DeleteCheckpoint | PinCheckpoint) -> ScriptedConnection:
        self.managed.append(request)
        return self.management

    def close(self) -> None:
        self.closed = True


def started(folder: Path = Path("/runs/one"), recipe: Recipe | None = None, run: str = "one") -> RunStarted:
    return RunStarted(run, str(folder), recipe or preset("quick"), 1_700_000_000.0, "0.1.0")


def opening(folder: Path = Path("/runs/one"), epochs: int = 26) -> list[Event]:
    """Every event before the first step."""
    return [
        started(folder),
        DataReady("CIFAR-10", False, CLASSES, 50_000, 10_000, CHECKSUM),
        TrainingStarted(
            "CPU, 2 threads", "", "fp32", 11_173_962, STEPS_PER_EPOCH, epochs * STEPS_PER_EPOCH, layers=LAYERS
        ),
    ]


def step(number: int, loss: float | None = None) -> StepDone:
    """A step of a plausible run: one second and 1,000 images each."""
    wave = 0.25 * math.sin(number * 1.7) + 0.1 * math.sin(number * 0.31)
    down = 2.3 * math.exp(-number / 220) + 0.3
    return StepDone(
        step=number,
        epoch=(number - 1) // STEPS_PER_EPOCH + 1,
        loss=down * (1 + wave / 2) if loss is None else loss,
        accuracy=min(max(1 - down / 2.6 - wave / 8, 0.0), 1.0),
        images=1_000,
        learning_rate=0.2 * min(number / 260, 1 - (number - 260) / 1_040),
        seconds=float(number),
    )


def norms(number: int) -> NormsMeasured:
    """The norms of a step: later layers have larger gradients, and all gradients fall."""
    gradients = [(layer + 1) * 0.3 * math.exp(-number / 300) for layer in range(len(LAYERS))]
    return NormsMeasured(number, pack_norms(gradients), pack_norms([10.0] * len(LAYERS)))


def epoch(number: int, test_accuracy: float | None = None) -> EpochDone:
    accuracy = 1 - 0.6 * math.exp(-number / 4)
    return EpochDone(
        epoch=number,
        step=number * STEPS_PER_EPOCH,
        train_loss=1.8 * math.exp(-number / 4),
        train_accuracy=accuracy + 0.02,
        test_loss=1.7 * math.exp(-number / 4) + 0.1,
        test_accuracy=accuracy if test_accuracy is None else test_accuracy,
        validation_accuracy=None,
        learning_rate=0.1,
        train_seconds=50.0,
        test_seconds=5.0,
    )


def epochs(count: int) -> list[Event]:
    """The events of `count` complete epochs: their steps, their ends, their checkpoints."""
    events: list[Event] = []
    for number in range(1, count + 1):
        events += [step((number - 1) * STEPS_PER_EPOCH + index) for index in range(1, STEPS_PER_EPOCH + 1)]
        events += [epoch(number), CheckpointSaved(epoch_checkpoint(number), number, number * STEPS_PER_EPOCH)]
    return events


def put_checkpoint(folder: Path, number: int, content: bytes = b"weights") -> Sidecar:
    """A checkpoint on disk as the browser sees it, saved three days ago: a file and its sidecar."""
    sidecar = replace(sidecar_of(number, len(content)), saved_at=time.time() - 3 * DAY)
    (folder / sidecar.checkpoint).write_bytes(content)
    write_sidecar(folder, sidecar)
    return sidecar


def sidecar_of(number: int, size: int = 7) -> Sidecar:
    return Sidecar(
        checkpoint=epoch_checkpoint(number),
        run="one",
        data="CIFAR-10",
        synthetic=False,
        width=64,
        epoch=number,
        step=number * STEPS_PER_EPOCH,
        train_loss=0.5,
        train_accuracy=0.8,
        test_loss=0.6,
        test_accuracy=0.75,
        size=size,
        sha256="0" * 64,
        saved_at=1_700_000_000.0,
    )


def verdict(checkpoint: str, checksum: str = CHECKSUM) -> EvaluationDone:
    rows = tuple(_confused(label) for label in range(10))
    return EvaluationDone(
        checkpoint=checkpoint,
        images=10_000,
        loss=0.4312,
        accuracy=sum(rows[label][label] for label in range(10)) / 10_000,
        classes=CLASSES,
        confusion=rows,
        seconds=12.0,
        top3_accuracy=0.9723,
        calibration_error=0.0412,
        test_checksum=checksum,
        wrongest=tuple(wrong_image(number) for number in range(90)),
    )


def _confused(label: int) -> tuple[int, ...]:
    """1,000 images of a class: most are predicted right, and half of the others as one other class."""
    wrong = 100 + 10 * label
    confused_with = {3: 5, 5: 3}.get(label, 9 - label)
    row = [wrong // 2 // 8] * 10
    row[label] = 1_000 - wrong
    row[confused_with] = wrong - 8 * (wrong // 2 // 8)
    return tuple(row)


def wrong_image(number: int) -> WrongImage:
    """One wrong image of every pair of classes, in turn."""
    label, other = divmod(number, 9)
    predicted = other + (other >= label)
    shares = [0.01] * 10
    shares[label], shares[predicted] = 0.02 + number / 1_000, 0.9 - number / 1_000
    return WrongImage(100 + number, label, predicted, tuple(shares))


def picture(number: int) -> bytes:
    """The bytes of a 32 × 32 image whose pixels name it: red is the number, green the row, blue the column."""
    rows, columns = np.indices((32, 32), dtype=np.uint8) * 8
    return np.stack([np.full_like(rows, number), rows, columns], axis=-1).tobytes()


def put_verdict(folder: Path, number: int, checksum: str = CHECKSUM, sha256: str = "0" * 64) -> EvaluationDone:
    """Store a verdict beside a checkpoint of `put_checkpoint`."""
    done = verdict(epoch_checkpoint(number), checksum)
    store_evaluation(
        folder, StoredEvaluation(done, sha256, tuple(picture(place) for place in range(len(done.wrongest))))
    )
    return done


def put_all_images(folder: Path, number: int) -> dict[int, tuple[int, int]]:
    """Store a verdict with the predictions and the pixels of all test images. Returns each one's cell."""
    done = verdict(epoch_checkpoint(number))
    cells = [
        (label, predicted)
        for label, row in enumerate(done.confusion)
        for predicted, images in enumerate(row)
        for _ in range(images)
    ]
    labels, predicted = (np.array([cell[place] for cell in cells]) for place in (0, 1))
    probabilities = np.full((len(cells), 10), 0.01)
    probabilities[np.arange(len(cells)), predicted] = 0.91
    packed = pack(probabilities, predicted, labels)
    wrongest = tuple(picture(place) for place in range(len(done.wrongest)))
    store_evaluation(folder, StoredEvaluation(done, "0" * 64, wrongest, packed))
    store_images(folder, CHECKSUM, len(cells), lambda: b"".join(picture(index % 256) for index in range(len(cells))))
    return dict(enumerate(cells))


def class_list(count: int) -> tuple[str, ...]:
    """So many class names: the ten of CIFAR-10, or numbered ones with some wide, right-to-left and long ones."""
    if count <= len(CLASSES):
        return CLASSES[:count]
    odd = ("飞机的第一种很长的名字", "飞机的第二种很长的名字", "שלום עולם", "n02085620-a_very_long_name_that_says-dog")
    return (*(f"{CLASSES[label % 10]} {label}" for label in range(count - len(odd))), *odd)


@cache
def evaluation_of(
    checkpoint: str, names: tuple[str, ...], images: int = 10_000, seed: int = 0
) -> tuple[EvaluationDone, bytes]:
    """What the engine makes of plausible logits: class 0 is the easiest, and every two neighbours are confused most.

    Returns the result, and the predictions on all images, packed.
    """
    random = np.random.default_rng(seed)
    classes, places = len(names), np.arange(images)
    labels = places % classes
    logits = random.standard_normal((images, classes), dtype=np.float32)
    logits[places, labels] += 4.5 - 2 * labels / classes
    logits[places, np.minimum(labels ^ 1, classes - 1)] += 1.0
    result = evaluation_result(logits, labels)
    done = EvaluationDone(
        checkpoint=checkpoint,
        images=images,
        loss=result.loss,
        accuracy=result.accuracy,
        classes=tuple(names),
        confusion=result.confusion,
        sparse_confusion=result.sparse_confusion,
        seconds=12.0,
        top3_accuracy=result.top3_accuracy,
        calibration_error=result.calibration_error,
        test_checksum=CHECKSUM,
        wrongest=result.wrongest,
    )
    return done, result.predictions


def put_evaluation(folder: Path, number: int, names: tuple[str, ...], images: int = 10_000) -> EvaluationDone:
    """Store an evaluation of these classes, with its images, beside a checkpoint of `put_checkpoint`."""
    done, predictions = evaluation_of(epoch_checkpoint(number), names, images)
    pictures = tuple(picture(place % 256) for place in range(len(done.wrongest)))
    store_evaluation(folder, StoredEvaluation(done, "0" * 64, pictures, predictions))
    return done
