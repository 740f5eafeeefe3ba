"""The images of one evaluation, found by class: all test images where they were stored, else the wrongest ones."""

from collections.abc import Sequence

from cifar_tui.checkpoint_events import WrongImage
from cifar_tui.report.class_names import class_names
from cifar_tui.report.confusion import Confusion
from cifar_tui.runs.checkpoints.predictions import NAMED, PredictedImage, Predictions
from cifar_tui.runs.checkpoints.test_images import read_images
from cifar_tui.tui.evaluation.evaluation_finder import FoundEvaluation


class EvaluatedImages:
    """Images with what they were predicted as; the pixels of those in view are read from the run's folder."""

    def __init__(self, found: FoundEvaluation) -> None:
        """Find images of an evaluation."""
        self.names = class_names(found.result.classes)
        self.confusion = Confusion(found.result)
        self._found = found
        packed = found.predictions
        self._predictions = Predictions(packed, found.result) if packed else None
        self._found_by: tuple[int | None, int | None, str] | None = None
        self._indexes_found: list[int] = []
        self._wrongest = {image.index: place for place, image in enumerate(found.result.wrongest)}

    def indexes(self, label: int | None, predicted: int | None, words: str = "") -> list[int]:
        """Return the images of a cell or, where a class is None, the wrong ones of all: the most confident first.

        With words, only those whose true class or predicted class has all of them in its name.
        """
        if (label, predicted, words) != self._found_by:
            found = self._indexes(label, predicted)
            if words:
                named = self._named(words)
                found = [one for one in found if not named.isdisjoint(self._cell(one))]
            self._found_by, self._indexes_found = (label, predicted, words), found
        return self._indexes_found

    def classes(self, other: int | None, *, true: bool) -> list[int]:
        """Return the true classes, or the predicted ones, that images of another class have: the ones to choose from.

        Without another class, those with an image that was predicted as another.
        """
        confusion = self.confusion
        if other is None:
            return [one for one in range(confusion.classes) if confusion.wrong(*((one, None) if true else (None, one)))]
        pairs = confusion.predicted_from(other) if true else confusion.predicted_as(other)
        right = {other} if confusion.count(other, other) else set()
        return sorted(right | {pair.label if true else pair.predicted for pair in pairs})

    def _named(self, words: str) -> set[int]:
        wanted = words.lower().split()
        names = (f"{name} {shown}".lower() for name, shown in zip(self._found.result.classes, self.names, strict=True))
        return {label for label, name in enumerate(names) if all(word in name for word in wanted)}

    def _cell(self, index: int) -> tuple[int, int]:
        if self._predictions is not None:
            return self._predictions.cell(index)
        image = self._found.result.wrongest[self._wrongest[index]]
        return image.label, image.predicted

    def _indexes(self, label: int | None, predicted: int | None) -> list[int]:
        if self._predictions is not None:
            return self._predictions.indexes(label, predicted)
        chosen = [
            image
            for image in self._found.result.wrongest
            if label in (None, image.label) and predicted in (None, image.predicted)
        ]
        chosen.sort(key=lambda image: -image.probability_of()[image.predicted])
        return [image.index for image in chosen]

    def image(self, index: int) -> PredictedImage:
        """Return an image's prediction."""
        if self._predictions is not None:
            return self._predictions.image(index)
        return _predicted(self._found.result.wrongest[self._wrongest[index]])

    def pixels(self, indexes: Sequence[int]) -> list[bytes]:
        """Return the pixels of images, uint8 [32, 32, 3] each; empty for one whose pixels are not stored."""
        result = self._found.result
        stored = read_images(self._found.folder, result.test_checksum, result.images, indexes)
        if stored:
            return stored
        kept = self._found.pixels
        places = (self._wrongest.get(index, len(kept)) for index in indexes)
        return [kept[place] if place < len(kept) else b"" for place in places]


def _predicted(image: WrongImage) -> PredictedImage:
    known = image.probability_of()
    ranked = sorted(known.items(), key=lambda one: -one[1])[:NAMED]
    shares = {**dict(ranked), image.label: known[image.label]}
    return PredictedImage(image.index, image.label, image.predicted, tuple(shares.items()))
