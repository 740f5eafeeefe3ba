"""The norms of a run's layers over its steps, in as many buckets as a screen can use."""

from functools import cached_property

from cifar_tui import lazy_numpy as np
from cifar_tui.history.series import Floats
from cifar_tui.layer_events import Floats32, NormsMeasured, unpack

CAPACITY = 1_024
"""Buckets kept; when they are full, neighbours are merged and each then holds twice as many measurements."""
MOST_PACKED = 256
"""Measurements that wait to be unpacked, many at once."""


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

    def name(self, names: tuple[str, ...]) -> None:
        """Take the names of the layers; those of another network begin anew."""
        if names and names != self.names:
            self.__init__()  # type: ignore[misc]
            self.names = names

    def add(self, measured: NormsMeasured) -> None:
        """Add a measurement; one of other layers is passed over."""
        if len(measured.gradients) == len(measured.weights) == 2 * len(self.names) and self.names:
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

    def _unpack(self) -> None:
        packed, self._packed = self._packed, []
        if not packed:
            return
        gradients, weights = unpack([one.gradients for one in packed]), unpack([one.weights for one in packed])
        for measured, gradient, weight in zip(packed, gradients, weights, strict=True):
            self._put(measured.step, gradient, weight)

    def _put(self, step: int, gradient: Floats32, weight: Floats32) -> None:
        if self._buckets and self._in_bucket < self._per_bucket:
            newest = self._norms[:, self._buckets - 1]
            np.maximum(newest[0], gradient, out=newest[0])
            newest[1] = weight
            self._in_bucket += 1
            return
        if self._buckets == CAPACITY:
            self._merge_neighbours()
        self._steps[self._buckets] = step
        self._norms[:, self._buckets] = gradient, weight
        self._buckets += 1
        self._in_bucket = 1

    def _merge_neighbours(self) -> None:
        half = CAPACITY // 2
        self._steps[:half] = self._steps[::2]
        self._norms[0, :half] = np.maximum(self._norms[0, ::2], self._norms[0, 1::2])
        self._norms[1, :half] = self._norms[1, 1::2]
        self._buckets = half
        self._in_bucket = self._per_bucket = self._per_bucket * 2
