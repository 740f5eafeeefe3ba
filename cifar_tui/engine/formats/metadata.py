"""Metadata of weights in a safetensors file: how their images look, class names, and the run they come from.

It stands in the header that the format has for text of any kind, one entry each; lists are JSON.
"""

import math
from collections.abc import Mapping, Sequence

import orjson

from cifar_tui.dataclass import dataclass
from cifar_tui.recipe import LEAST_CLASSES, MOST_CLASSES, SIDE
from cifar_tui.text import safe_text

Colours = tuple[float, float, float]
LEAST_STD = 1e-3
"""The least that colours may be divided by."""
LONGEST_NAME = 100
MOST_DIGITS = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsMetadata:
    """Metadata of weights that are a file of their own."""

    mean: Colours
    """Subtracted from each colour, 0 to 1."""
    std: Colours
    """Divides each colour then."""
    classes: tuple[str, ...] = ()
    """The class names in label order; empty where they are not known."""
    run: str = ""
    """The run they come from; empty where that is not known."""
    epoch: int = 0
    """The epoch they come from; 0 where that is not known."""
    data: str = ""
    """Name of the data set they were trained on; empty for a folder of images, and where that is not known."""
    side: int = SIDE
    """Side of its images in pixels, which were framed with black to 32 × 32."""

    def to_metadata(self) -> dict[str, str]:
        """The header's entries."""
        lists = {"mean": self.mean, "std": self.std, "classes": self.classes}
        text = {name: orjson.dumps(values).decode() for name, values in lists.items() if values}
        words = {"run": self.run, "epoch": str(self.epoch or ""), "data": self.data}
        words["side"] = str(self.side) if self.side != SIDE else ""
        return text | {name: word for name, word in words.items() if word}

    def text(self) -> str:
        """`run one, epoch 3`, as far as it is known."""
        pieces = (f"run {safe_text(self.run, LONGEST_NAME)}" if self.run else "", f"epoch {self.epoch}")
        return ", ".join(pieces if self.epoch and self.run else pieces[:1] if self.run else ())


def read_metadata(metadata: Mapping[str, str]) -> WeightsMetadata | None:
    """Return a header's metadata; None without a normalization. Raises ValueError for what cannot be."""
    if "mean" not in metadata and "std" not in metadata:
        return None
    mean, std = (_normalization(metadata.get(name, "")) for name in ("mean", "std"))
    if min(mean) < 0 or min(std) < LEAST_STD:
        raise ValueError("an impossible normalization")
    run, epoch = metadata.get("run", ""), metadata.get("epoch", "0")
    data, side = metadata.get("data", ""), _whole_number(metadata.get("side", str(SIDE)))
    if max(len(run), len(data)) > LONGEST_NAME:
        raise ValueError("an endless name")
    if not 0 < side <= SIDE:
        raise ValueError("an impossible side")
    return WeightsMetadata(
        mean=mean,
        std=std,
        classes=_classes(metadata.get("classes", "[]")),
        run=run,
        epoch=_whole_number(epoch),
        data=data,
        side=side,
    )


def _whole_number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS):
        raise ValueError("no whole number")
    return int(text)


def _normalization(text: str) -> Colours:
    values = orjson.loads(text)
    if not isinstance(values, list) or not all(type(value) in (int, float) for value in values):
        raise ValueError("no numbers")
    if len(values) != 3 or not all(math.isfinite(value) and value <= 1 for value in values):
        raise ValueError("not three shares")
    red, green, blue = map(float, values)
    return red, green, blue


def _classes(text: str) -> tuple[str, ...]:
    names = orjson.loads(text)
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError("no names")
    if names and not can_be_said(names):
        raise ValueError("not the classes of a network of ours")
    return tuple(names)


def can_be_said(classes: Sequence[str]) -> bool:
    """Return True if class names can stand in a header: as many as a network may have, each once, none endless."""
    alone = len(set(classes)) == len(classes) and LEAST_CLASSES <= len(classes) <= MOST_CLASSES
    return alone and all(0 < len(name) <= LONGEST_NAME for name in classes)
