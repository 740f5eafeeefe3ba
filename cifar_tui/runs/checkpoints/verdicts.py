"""Stored evaluations: a JSON file beside a checkpoint, with the result and the images it was most wrong about."""

import base64
import errno
import itertools
import math
import re
from pathlib import Path

import orjson

from cifar_tui import text
from cifar_tui.checkpoint_events import EvaluationDone, WrongImage
from cifar_tui.dataclass import dataclass
from cifar_tui.event_records import event_from_record, event_to_record
from cifar_tui.files.atomic_write import write_atomically
from cifar_tui.files.run_files import CHECKPOINT_PATTERN
from cifar_tui.files.safe_open import open_regular
from cifar_tui.runs.checkpoints.sidecars import Sidecar, verdict_path
from cifar_tui.runs.checkpoints.test_images import IMAGE_BYTES

SIZE_LIMIT = 4 * 1024 * 1024
"""Bytes; 190 images, the most there are, need 0.8 MB, the most predictions 1.1 MB, a thousand long names 0.3 MB, and
the confusions of 50,000 images at most 0.4 MB."""
MOST_CLASSES = 1_000
OTHER_WEIGHTS = "the weights were saved again since"
OTHER_IMAGES = "the test images have changed since"
DIGEST_PATTERN = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class StoredEvaluation:
    """An evaluation's result, with the digest that tells if it still holds, and its images."""

    verdict: EvaluationDone
    """The result."""
    sha256: str
    """Hexadecimal digest of the weights it measured."""
    pictures: tuple[bytes, ...]
    """The wrongest images' pixels in the verdict's order, each uint8 [32, 32, 3], RGB."""
    predictions: bytes = b""
    """Of every test image, as `predictions.pack` returns them; empty in older files, and for too many images."""

    def outdated_because(self, sidecar: Sidecar, test_checksum: str) -> str:
        """Return why it no longer holds, as a sentence's end; empty while it does.

        `test_checksum` is that of the run's test images; where it is not known, they are taken to be the same.
        """
        if self.sha256 != sidecar.sha256:
            return OTHER_WEIGHTS
        if test_checksum and self.verdict.test_checksum != test_checksum:
            return OTHER_IMAGES
        return ""


def store_evaluation(folder: Path, kept: StoredEvaluation) -> None:
    """Write it beside its checkpoint, durably. Raises OSError, also where it is larger than what is read again."""
    record = {
        "sha256": kept.sha256,
        "verdict": event_to_record(kept.verdict),
        "pictures": base64.b64encode(b"".join(kept.pictures)).decode(),
        "predictions": base64.b64encode(kept.predictions).decode(),
    }
    content = orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)
    if len(content) > SIZE_LIMIT:
        raise OSError(errno.EFBIG, f"it would take more than {text.size(SIZE_LIMIT)}")
    write_atomically(verdict_path(folder / kept.verdict.checkpoint), lambda file: file.write(content))


def read_evaluation(folder: Path, checkpoint: str) -> StoredEvaluation:
    """Read a checkpoint's evaluation. Raises ValueError when the file is not one, OSError without a file."""
    if not CHECKPOINT_PATTERN.fullmatch(checkpoint):
        raise ValueError("not a checkpoint's name")
    with open_regular(verdict_path(folder / checkpoint), SIZE_LIMIT) as file:
        record = orjson.loads(file.read(SIZE_LIMIT))
    if not isinstance(record, dict) or not isinstance(record.get("verdict"), dict):
        raise ValueError("not a record")
    verdict = event_from_record(record["verdict"])
    if not isinstance(verdict, EvaluationDone) or verdict.checkpoint != checkpoint:
        raise ValueError("not an evaluation of this checkpoint")
    check_evaluation(verdict)
    sha256 = record.get("sha256")
    if not isinstance(sha256, str) or not DIGEST_PATTERN.fullmatch(sha256):
        raise ValueError("without its weights' digest")
    pictures = _pictures(record.get("pictures"), len(verdict.wrongest))
    return StoredEvaluation(verdict, sha256, pictures, _predictions(record.get("predictions", ""), verdict))


def check_evaluation(verdict: EvaluationDone) -> None:
    """Check that a verdict's numbers fit each other, whoever wrote them. Raises ValueError."""
    classes = len(verdict.classes)
    spellings = verdict.confusion, verdict.sparse_confusion
    if not 0 < classes <= MOST_CLASSES or sorted(map(len, spellings)) != [0, classes]:
        raise ValueError("without one row of the confusion matrix per class")
    if any(len(row) != classes or min(row) < 0 for row in verdict.confusion):
        raise ValueError("with a broken confusion matrix")
    if not all(_possible_row(row, classes) for row in verdict.sparse_confusion):
        raise ValueError("with a broken confusion matrix")
    if verdict.images < 1 or sum(images for _, _, images in verdict.cells()) != verdict.images:
        raise ValueError("with images that are not in the confusion matrix")
    shares = (verdict.accuracy, verdict.top3_accuracy, verdict.calibration_error)
    if not all(share is None or 0 <= share <= 1 for share in shares) or not math.isfinite(verdict.seconds):
        raise ValueError("with impossible numbers")
    if not all(_possible(image, verdict.images, classes) for image in verdict.wrongest):
        raise ValueError("with impossible images")


def _possible_row(row: tuple[int, ...], classes: int) -> bool:
    """Return True for a row of a sparse confusion matrix: known classes that ascend, each with a count of images."""
    predicted, images = row[::2], row[1::2]
    ascending = all(one < other for one, other in itertools.pairwise((-1, *predicted, classes)))
    return len(predicted) == len(images) and ascending and all(one > 0 for one in images)


def _possible(image: WrongImage, images: int, classes: int) -> bool:
    places = 0 <= image.index < images and 0 <= image.label < classes and 0 <= image.predicted < classes
    known = image.probability_of()
    complete = len(image.probabilities) == classes if not image.shares else {image.label, image.predicted} <= set(known)
    return places and complete and all(0 <= one < classes and 0 <= share <= 1 for one, share in known.items())


def _pictures(encoded: object, count: int) -> tuple[bytes, ...]:
    if not isinstance(encoded, str):
        raise ValueError("without images")
    pixels = base64.b64decode(encoded, validate=True)
    if len(pixels) != count * IMAGE_BYTES:
        raise ValueError("with more or fewer images than it names")
    return tuple(pixels[start : start + IMAGE_BYTES] for start in range(0, len(pixels), IMAGE_BYTES))


def _predictions(encoded: object, verdict: EvaluationDone) -> bytes:
    # numpy takes 0.1 s to import, which shell completion has no use for.
    from cifar_tui.runs.checkpoints.predictions import Predictions

    if not isinstance(encoded, str):
        raise ValueError("with broken predictions")
    packed = base64.b64decode(encoded, validate=True)
    if packed:
        Predictions(packed, verdict)
    return packed
