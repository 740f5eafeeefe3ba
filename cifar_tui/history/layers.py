"""The norms of a run's layers over its steps, in as many buckets as a screen can use."""

from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

from cifar_tui import lazy_numpy as np
from cifar_tui.history.series import Floats
from cifar_tui.layer_events import Floats32, NormsMeasured, unpack

if TYPE_CHECKING:
    import numpy.typing as npt

Marks: TypeAlias = "npt.NDArray[np.int8]"

CAPACITY = 1_024
"""Buckets kept; when they are full, neighbours are merged and each then holds twice as many measurements."""
MOST_PACKED = 256
"""Measurements that wait to be unpacked, many at once."""
REMEMBERED = 15
"""A layer's usual gradient is the median of so many measurements before."""
LEAST = 3
"""Measurements before a layer is judged."""
EXPLODES = 10.0
"""Times the usual gradient from which a layer may be exploding."""
DIES = 1e-3
"""Share of the usual gradient up to which a layer may be dying."""


class LayerHistory:
    """The norms of every layer, in buckets of the largest gradient and the newest weight. Infinity is not finite."""

    def __init__(self) -> None:
        self.names: tuple[str, ...] = ()
        """The layers' names, in the network's order; empty where the run was trained by an earlier version."""
        self.version = 0
        """Raised with everything that changes the norms."""
        self._packed: list[NormsMeasured] = []
        self._buckets = 0
        self._in_bucket = 0
        self._per_bucket = 1

    # Made with the first measurement, for they need numpy.
    @cached_property
    def _steps(self) -> Floats:
        return np.empty(CAPACITY)

    @cached_property
    def _norms(self) -> Floats32:
        """Gradients and weights, [2, buckets, layers]."""
        return np.empty((2, CAPACITY, len(self.names)), np.float32)

    @cached_property
    def _marks(self) -> Marks:
        return np.empty((CAPACITY, len(self.names)), np.int8)

    @cached_property
    def _latest(self) -> Floats32:
        """The gradients that the next one is compared with, [up to `REMEMBERED`, layers]."""
        return np.empty((0, len(self.names)), np.float32)

    def name(self, names: tuple[str, ...]) -> None:
        """Take the names of the layers; those of another network begin anew."""
        if names and names != self.names:
            version = self.version
            vars(self).clear()
            self.__init__()  # type: ignore[misc]
            self.names, self.version = names, version + 1

    def add(self, measured: NormsMeasured) -> None:
        """Add a measurement; one of other layers is passed over."""
        if self.names and measured.holds(len(self.names)):
            self.version += 1
            self._packed.append(measured)
            if len(self._packed) >= MOST_PACKED:
                self._unpack()

    def rewind(self, step: int) -> None:
        """Forget every measurement after a step; where they were merged, up to a bucket more or less."""
        self.version += 1
        self._packed = [one for one in self._packed if one.step <= step]
        kept = int(np.searchsorted(self._steps[: self._buckets], step, side="right")) if self._buckets else 0
        if kept < self._buckets:
            self._buckets, self._in_bucket = kept, self._per_bucket
            self._latest = self._norms[0, max(kept - REMEMBERED, 0) : kept].copy()

    @property
    def steps(self) -> Floats:
        """The first step of every bucket, float64 [N], ascending."""
        self._unpack()
        return self._steps[: self._buckets] if self._buckets else np.empty(0)

    @property
    def gradients(self) -> Floats32:
        """The norm of every layer's gradient, float32 [N, layers]."""
        self._unpack()
        return self._norms[0, : self._buckets]

    @property
    def weights(self) -> Floats32:
        """The norm of every layer's weights, float32 [N, layers]."""
        self._unpack()
        return self._norms[1, : self._buckets]

    @property
    def marks(self) -> Marks:
        """1 where a gradient is `EXPLODES` times the layer's usual one, -1 where it is `DIES` of it, else 0."""
        self._unpack()
        return self._marks[: self._buckets]

    def _unpack(self) -> None:
        packed, self._packed = self._packed, []
        if not packed:
            return
        gradients, weights = unpack([one.gradients for one in packed]), unpack([one.weights for one in packed])
        past = np.concatenate([self._latest, gradients])
        marks = marked(past)[len(self._latest) :]
        self._latest = past[-REMEMBERED:]
        for measured, gradient, weight, mark in zip(packed, gradients, weights, marks, strict=True):
            self._put(measured.step, gradient, weight, mark)

    def _put(self, step: int, gradient: Floats32, weight: Floats32, mark: Marks) -> None:
        if self._buckets and self._in_bucket < self._per_bucket:
            newest = self._buckets - 1
            np.maximum(self._norms[0, newest], gradient, out=self._norms[0, newest])
            self._norms[1, newest] = weight
            self._marks[newest] = _stronger(self._marks[newest], mark)
            self._in_bucket += 1
            return
        if self._buckets == CAPACITY:
            self._merge_neighbours()
        self._steps[self._buckets] = step
        self._norms[:, self._buckets] = gradient, weight
        self._marks[self._buckets] = mark
        self._buckets += 1
        self._in_bucket = 1

    def _merge_neighbours(self) -> None:
        half = CAPACITY // 2
        self._steps[:half] = self._steps[::2]
        self._norms[0, :half] = np.maximum(self._norms[0, ::2], self._norms[0, 1::2])
        self._norms[1, :half] = self._norms[1, 1::2]
        self._marks[:half] = _stronger(self._marks[::2], self._marks[1::2])
        self._buckets = half
        self._in_bucket = self._per_bucket = self._per_bucket * 2


def marked(gradients: Floats32) -> Marks:
    """Return the marks of gradients in order, [N, layers], each by the median of those just before it."""
    marks = np.zeros(gradients.shape, np.int8)
    for place in range(LEAST, min(len(gradients), REMEMBERED)):
        marks[place] = _compared(gradients[place], np.median(gradients[:place], axis=0))
    if len(gradients) > REMEMBERED:
        windows = np.lib.stride_tricks.sliding_window_view(gradients[:-1], REMEMBERED, axis=0)
        middle = REMEMBERED // 2
        marks[REMEMBERED:] = _compared(gradients[REMEMBERED:], np.partition(windows, middle, axis=-1)[..., middle])
    return marks


def _compared(gradients: Floats32, usual: Floats32) -> Marks:
    known = (usual > 0) & np.isfinite(usual)
    above, below = known & (gradients >= EXPLODES * usual), known & (gradients <= DIES * usual)
    marks: Marks = above.astype(np.int8) - below.astype(np.int8)
    return marks


def _stronger(one: Marks, other: Marks) -> Marks:
    """Return the marks of both: an explosion before a death, for it is shorter."""
    return np.where((one == 1) | (other == 1), np.int8(1), np.minimum(one, other))
