"""The content of a pickle, on paper: containers that know how much hangs on them, and tensors without numbers."""

import torch

from cifar_tui.dataclass import dataclass
from cifar_tui.engine.formats.pickle_calls import is_inert
from cifar_tui.engine.formats.stored_tensor import Content, PassedOver, StoredTensor
from cifar_tui.errors import refused

MOST_NODES = 100_000
"""Values reachable from the outermost one, counted as often as they are reached."""
DEEPEST = 32


@dataclass(slots=True)
class Group:
    """A dict, list or tuple, with how much hangs on it."""

    kind: str
    """`dict`, `list` or `tuple`."""
    values: list[object]
    """Its items; of a dict, keys and values in turn."""
    nodes: int = 1
    """Values reachable from it, itself included."""
    depth: int = 1
    """Containers in each other, itself included."""

    def add(self, values: list[object]) -> None:
        """Take values in. Raises CheckpointDamaged when it grows out of all proportion."""
        for value in values:
            self.nodes += value.nodes if isinstance(value, Group) else 1
            if isinstance(value, Group):
                self.depth = max(self.depth, value.depth + 1)
        if self.nodes > MOST_NODES:
            raise refused(f"the file contains more than {MOST_NODES:,} values")
        if self.depth > DEEPEST:
            raise refused(f"the file nests its values more than {DEEPEST} levels deep")
        self.values += values


@dataclass(frozen=True, slots=True)
class Named:
    """A function or class that is never looked up."""

    name: str
    """Module and name, with dots."""


@dataclass(frozen=True, slots=True)
class Storage:
    """A storage that holds the numbers of tensors."""

    dtype: torch.dtype
    """Of its numbers."""
    key: str
    """Its name in the file."""
    numbers: int
    """Count of the numbers."""


def as_content(value: object) -> Content:
    """The values without their counts; never deeper than was allowed."""
    if isinstance(value, Group):
        if value.kind != "dict":
            return [as_content(one) for one in value.values]
        return {key: as_content(one) for key, one in zip(value.values[::2], value.values[1::2], strict=True)}
    if isinstance(value, Named) and is_inert(value.name):
        return PassedOver(value.name)
    if isinstance(value, StoredTensor | PassedOver | str | int | float | None):
        return value
    raise TypeError
