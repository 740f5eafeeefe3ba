"""Groups the layers of a network, however many, so that they fit into the rows of a screen."""

from collections.abc import Sequence
from itertools import groupby, pairwise

from cifar_tui.dataclass import dataclass

SPARSE = 3
"""Groups by name that are no more than one in so many rows are cut up by count instead."""


@dataclass(frozen=True, slots=True)
class LayerGroup:
    """Layers that follow each other."""

    label: str
    """The part of their names that they share, or the first and the last."""
    start: int
    """The place of the first."""
    stop: int
    """The place after the last."""

    def __contains__(self, layer: int) -> bool:
        """Return True for the place of one of them."""
        return self.start <= layer < self.stop


def grouped(names: Sequence[str], rows: int) -> list[LayerGroup]:
    """Return at most so many groups, at least one: each layer, or those of a block, of a stage, or of a stretch."""
    groups = [LayerGroup(name, place, place + 1) for place, name in enumerate(names)]
    rows = max(rows, 1)
    for depth in range(max((name.count(".") for name in names), default=0), 0, -1):
        if len(groups) <= rows:
            break
        coarser = _by_prefix(names, depth)
        if len(coarser) * SPARSE <= min(rows, len(groups)):
            break
        groups = coarser
    return groups if len(groups) <= rows else _in_stretches(groups, rows)


def _by_prefix(names: Sequence[str], depth: int) -> list[LayerGroup]:
    found, start = [], 0
    for prefix, same in groupby(names, lambda name: ".".join(name.split(".")[:depth])):
        stop = start + len(list(same))
        found.append(LayerGroup(prefix, start, stop))
        start = stop
    return found


def _in_stretches(groups: Sequence[LayerGroup], rows: int) -> list[LayerGroup]:
    """Return a stretch of groups for each row, as even as can be."""
    ends = [len(groups) * row // rows for row in range(rows + 1)]
    stretches = [groups[start:stop] for start, stop in pairwise(ends)]
    return [LayerGroup(_from_to(one[0].label, one[-1].label), one[0].start, one[-1].stop) for one in stretches]


def _from_to(first: str, last: str) -> str:
    """Return `features.0–14` for the first and the last of some names."""
    if first == last:
        return first
    same = 0
    ours, theirs = first.split("."), last.split(".")
    while same < min(len(ours), len(theirs)) - 1 and ours[same] == theirs[same]:
        same += 1
    return f"{first}–{'.'.join(theirs[same:])}"
