"""A tensor that a file describes, not yet read."""

from dataclasses import dataclass
from typing import TypeAlias

import torch


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """A tensor that a file describes; nothing of it has been read."""

    dtype: torch.dtype
    """Of its numbers."""
    shape: tuple[int, ...]
    """Its size along each dimension."""


Content: TypeAlias = "StoredTensor | str | int | float | bool | dict[object, Content] | list[Content] | None"
"""The content that a file would load to; tuples are lists here."""
