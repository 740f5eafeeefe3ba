"""Evaluates a saved checkpoint on request: the same for a live run and for one that has ended."""

import functools
import math
import time
from collections.abc import Callable
from pathlib import Path

from cifar_tui.checkpoint_events import EvaluationDone, EvaluationFailed, EvaluationProgressed, EvaluationStarted
from cifar_tui.control import CancelEvaluation, RequestQueue, Stop
from cifar_tui.data_sets import DATA_SETS, DEFAULT
from cifar_tui.engine.checkpoints.checkpoint import ReadNetwork, read_network
from cifar_tui.engine.data.augment import DeviceDataset
from cifar_tui.engine.data.dataset import DataFacts, DataSet
from cifar_tui.engine.data.load import LoadData, load_test
from cifar_tui.engine.evaluation.evaluate import evaluate
from cifar_tui.engine.evaluation.metrics import EvaluationResult
from cifar_tui.engine.evaluation.normalization_fit import misfit_note
from cifar_tui.engine.network.build import place
from cifar_tui.engine.network.device import Device, choose_device, is_out_of_memory
from cifar_tui.engine.network.device_memory import explained, out_of_memory
from cifar_tui.errors import BadInput, CheckpointDamaged, StopRequested
from cifar_tui.events import Emit, Noted
from cifar_tui.presets import PRESETS
from cifar_tui.recipe import Recipe
from cifar_tui.runs.checkpoints.test_images import store_images
from cifar_tui.runs.checkpoints.verdicts import StoredEvaluation, store_evaluation
from cifar_tui.runs.reading import AS_FOUND, Reading
from cifar_tui.text import other_classes, safe_text

SURE_AND_WRONG = 3
"""Times the loss of guessing that a network has which is wrong and sure of it."""
DOUBT = (
    "That is about as good as guessing, so the images may not be what the network was trained on: try another "
    "normalization (--normalize none, imagenet, half or cifar10), or --max-pool where one follows the first layer."
)
CANCELLED = "The evaluation was cancelled."


class CheckpointEvaluator:
    """Measures checkpoints of one run's folder on one set of test images."""

    def __init__(self, folder: Path, test: DeviceDataset, facts: DataFacts, device: Device, emit: Emit) -> None:
        self._folder = folder
        self._test = test
        self._facts = facts
        self._device = device
        self._emit = emit

    def evaluate(
        self,
        checkpoint: str,
        go_on: Callable[[], bool],
        *,
        tta: bool = False,
        keep: bool = True,
        read: ReadNetwork | None = None,
    ) -> None:
        """Measure one checkpoint, store the result beside it with `keep`, and emit it.

        `go_on` is called between batches; it may raise StopRequested. `read` is the checkpoint's network, where it was
        read before.
        """
        path, checkpoint = self._folder / checkpoint, safe_text(checkpoint)
        self._emit(EvaluationStarted(checkpoint, self._test.count))
        started = time.monotonic()

        def next_batch(done: int) -> bool:
            self._emit(EvaluationProgressed(checkpoint, done, self._test.count))
            return go_on()

        try:
            read = read or read_network(path)
            result = self._measure(read, next_batch, tta)
        except (CheckpointDamaged, BadInput) as error:
            self._emit(EvaluationFailed(checkpoint, str(error), damaged=isinstance(error, CheckpointDamaged)))
            return
        except StopRequested:
            self._emit(EvaluationFailed(checkpoint, CANCELLED, damaged=False))
            raise
        if isinstance(result, str):
            self._emit(EvaluationFailed(checkpoint, result, damaged=False))
            return
        done = self._done(checkpoint, result, time.monotonic() - started, tta)
        self._note_doubt(done, read)
        if keep and read.sha256:
            self._keep(done, read.sha256, result.predictions)
        self._emit(done)

    def _measure(self, read: ReadNetwork, go_on: Callable[[int], bool], tta: bool) -> EvaluationResult | str:
        """Return the result, or why there is none: a second network that does not fit must not end the training."""
        try:
            return evaluate(place(read.network, self._device), self._test, self._device, go_on, tta=tta) or CANCELLED
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            return out_of_memory(self._device)

    def _note_doubt(self, done: EvaluationDone, read: ReadNetwork) -> None:
        """Note what may be wrong where an external network, read by assumptions, is about as good as chance."""
        classes = len(done.classes)
        # Twice the share that guessing recognises; of two classes, that would be all of them.
        doubtful = done.accuracy < min(2 / classes, 0.6) or done.loss > SURE_AND_WRONG * math.log(classes)
        if doubtful and not read.sha256 and read.origin is None and read.model is None:
            self._emit(Noted(DOUBT))

    def _done(self, checkpoint: str, result: EvaluationResult, seconds: float, tta: bool) -> EvaluationDone:
        return EvaluationDone(
            checkpoint=checkpoint,
            images=result.images,
            loss=result.loss,
            accuracy=result.accuracy,
            classes=self._facts.classes,
            confusion=result.confusion,
            seconds=seconds,
            tta=tta,
            top3_accuracy=result.top3_accuracy,
            calibration_error=result.calibration_error,
            test_checksum=self._facts.test_checksum,
            wrongest=result.wrongest,
            sparse_confusion=result.sparse_confusion,
        )

    def _keep(self, done: EvaluationDone, sha256: str, predictions: bytes) -> None:
        """Store the result and the test images; where that fails, only they are missing next time."""
        pictures = tuple(self._test.images[image.index].cpu().numpy().tobytes() for image in done.wrongest)
        try:
            store_evaluation(self._folder, StoredEvaluation(done, sha256, pictures, predictions))
            store_images(self._folder, done.test_checksum, done.images, self._pixels)
        except OSError as error:
            self._emit(Noted(f"The result of {done.checkpoint} could not be stored: {error.strerror or error}."))

    def _pixels(self) -> bytes:
        return self._test.images.cpu().numpy().tobytes()


def evaluate_checkpoint(
    recipe: Recipe,
    folder: Path,
    checkpoint: str,
    emit: Emit,
    requests: RequestQueue,
    *,
    tta: bool = False,
    external: bool = False,
    reading: Reading = AS_FOUND,
    keep: bool = True,
    load_data: LoadData = load_test,
) -> None:
    """Measure a checkpoint of a run that has ended, or an `external` one. Raises CifarTuiError.

    `reading` is how an external file is read. The checkpoint is read first, for one that is refused needs no images.
    """
    cancelled = functools.partial(requests.contains, Stop, CancelEvaluation)
    device = choose_device(recipe)
    try:
        read = read_network(folder / checkpoint, reading)
    except CheckpointDamaged as error:
        emit(EvaluationFailed(safe_text(checkpoint), str(error), damaged=True))
        return
    mirroring = mirroring_notes(recipe, read, external=external) if tta else ()
    for sentence in (*(read.assumptions if external else read.notes), *mirroring):
        emit(Noted(sentence))
    if external:
        recipe = recipe.with_normalization(read.mean, read.std)
    try:
        data = load_data(recipe, emit, cancelled)
    except StopRequested:
        emit(EvaluationFailed(safe_text(checkpoint), CANCELLED, damaged=False))
        return
    check_number_of_classes(safe_text(checkpoint), read, data)
    _note_images(read, data, external, emit)
    with explained(device):
        test = DeviceDataset(data.test.pixels, data.test.labels, recipe, device.torch, 0)
    evaluator = CheckpointEvaluator(folder, test, data.facts(), device, emit)
    evaluator.evaluate(checkpoint, lambda: not cancelled(), tta=tta, keep=keep, read=read)


def check_number_of_classes(checkpoint: str, read: ReadNetwork, data: DataSet) -> None:
    """Raise BadInput where a network tells more or fewer classes apart than the images have."""
    if read.classes != len(data.classes):
        differing = other_classes(checkpoint, read.classes, len(data.classes), data.description)
        raise BadInput(f"{differing}: name those it was trained for with --data.")


def mirroring_notes(recipe: Recipe, read: ReadNetwork, *, external: bool) -> tuple[str, ...]:
    """Return a sentence where mirror images may be none that the network was trained for; none where nothing says so.

    Raises BadInput where a mirror image is no image of its class, as of digits, and none was trained on either.
    """
    known = (recipe.data, read.origin.data if read.origin is not None else "")
    data_set = min((DATA_SETS.get(name, DEFAULT) for name in known), key=lambda one: one.mirrored)
    flip = "none" if external else recipe.flip
    if not data_set.mirrored:
        if flip == "none":
            raise BadInput(f"A mirror image of {data_set.title} is no image of its class: leave --tta out.")
        return (f"The images of {data_set.title} are mirrored, as they were in training (--flip {flip}).",)
    usual = PRESETS[recipe.preset].recipe.flip if recipe.preset in PRESETS else "none"
    if external or flip != "none" or usual == "none":
        return ()
    return ("The network was trained without mirror images (--flip none), and --tta judges each image with its own.",)


def _note_images(read: ReadNetwork, data: DataSet, external: bool, emit: Emit) -> None:
    """Note where the images have other classes, or are normalized in another way, than the network's had."""
    _note_classes(read, data.classes, emit)
    if external and (misfit := misfit_note(read, data.test.pixels)):
        emit(Noted(misfit))


def _note_classes(read: ReadNetwork, classes: tuple[str, ...], emit: Emit) -> None:
    """Note where the images' classes are others than those in the file's metadata."""
    known = read.origin.classes if read.origin is not None else ()
    differing = next((pair for pair in zip(known, classes, strict=False) if pair[0] != pair[1]), None)
    if differing is not None:
        there, here = (safe_text(name, 40) for name in differing)
        emit(Noted(f"The file was trained on other classes than these images have ({there}, not {here})."))
