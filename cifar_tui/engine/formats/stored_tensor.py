"""A tensor that a file describes, not yet read."""

from typing import TypeAlias

import torch

from cifar_tui.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """A tensor that a file describes; nothing of it has been read."""

    dtype: torch.dtype
    """Of its numbers."""
    shape: tuple[int, ...]
    """Its size along each dimension."""
    storage: str = ""
    """Key of the storage that holds its numbers, in torch's own format."""
    stride: tuple[int, ...] = ()
    """Numbers between neighbours along each dimension."""
    offset: int = 0
    """Numbers before its first."""


@dataclass(frozen=True, slots=True)
class PassedOver:
    """Stands for a value that no network needs: it is never built."""

    name: str
    """The class or function that would have built it."""


Content: TypeAlias = (
    "StoredTensor | PassedOver | str | int | float | bool | dict[object, Content] | list[Content] | None"
)
"""The content that a file would load to; tuples are lists here."""
