"""The event about the norms of layers. It is one of twenty-one lines of a journal, so its numbers are packed."""

import math
import re
import string
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from cifar_tui import lazy_numpy as np
from cifar_tui.dataclass import dataclass
from cifar_tui.events import Event

if TYPE_CHECKING:
    import numpy.typing as npt

Floats32: TypeAlias = "npt.NDArray[np.float32]"

EVERY = 20
"""Steps between two measurements; the first step is measured, too."""
LETTERS = string.ascii_uppercase + string.ascii_lowercase + string.digits + "+/"
"""The digits 0 to 63: the alphabet of base64."""
CODE_OF_ONE = 2_001
"""A hundredth of a decade lies between two codes; code 0 is 0."""
NOT_FINITE = 4_095
"""The code of NaN and of infinity, and the largest that two letters hold."""
_PACKED = re.compile(r"(?:[A-Za-z0-9+/]{2})*")


@dataclass(frozen=True, slots=True)
class NormsMeasured(Event):
    """Norms of all layers in one step, in the order of `TrainingStarted.layers`, packed: two letters a number."""

    undone_by_rewind: ClassVar[bool] = True
    step: int
    """The step."""
    gradients: str
    """L2 norm of the loss's gradient by each layer's weights, before the update."""
    weights: str
    """L2 norm of each layer's weights, before the update."""

    def holds(self, layers: int) -> bool:
        """Return True if both are numbers of so many layers: a journal may have been written by anyone."""
        return all(len(one) == 2 * layers and _PACKED.fullmatch(one) for one in (self.gradients, self.weights))


def is_measured(step: int) -> bool:
    """Return True if the norms of a step are measured."""
    return step == 1 or step % EVERY == 0


def pack(numbers: Iterable[float]) -> str:
    """Return numbers of 0 and more as two letters each, to 1.2 %; those beyond 1e-20 and 8e20 as the nearest."""
    codes = [_code(number) for number in numbers]
    return "".join(LETTERS[code >> 6] + LETTERS[code & 63] for code in codes)


def unpack(packed: Sequence[str]) -> Floats32:
    """Return float32 [N, L] of N strings of the same length, at least one; infinity for what was not finite."""
    values = np.zeros(128, np.int64)
    values[[ord(letter) for letter in LETTERS]] = np.arange(64)
    letters = values[np.frombuffer("".join(packed).encode("ascii"), np.uint8)].reshape(len(packed), -1, 2)
    codes = letters[..., 0] << 6 | letters[..., 1]
    # float32 ends below 1e39, and the largest code is 1e20.9.
    numbers: Floats32 = np.power(10.0, (codes - CODE_OF_ONE) / 100).astype(np.float32)
    numbers[codes == 0] = 0.0
    numbers[codes == NOT_FINITE] = np.inf
    return numbers


def _code(number: float) -> int:
    if not math.isfinite(number):
        return NOT_FINITE
    return min(max(round(100 * math.log10(number)) + CODE_OF_ONE, 1), NOT_FINITE - 1) if number > 0 else 0
