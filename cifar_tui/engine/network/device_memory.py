"""A device whose memory does not suffice: one sentence that says who holds it."""

import contextlib
from collections.abc import Iterator

import torch

from cifar_tui.engine.network.device import WAIT_FOR_OTHERS, Device, is_out_of_memory
from cifar_tui.errors import CifarTuiError
from cifar_tui.system import nvidia
from cifar_tui.text import size

NOT_OTHERS_BYTES = 2_000_000_000
"""Held beside what torch counts, by the driver and this program: less is not called other programs'."""
NOT_OTHERS_SHARE = 0.05
"""The same as a share of all memory: 3.3 of 85.5 GB on an H100."""


def out_of_memory(device: Device, remedy: str = "") -> str:
    """Return what happened, and what to do: the remedy, unless other programs hold most of a GPU."""
    others, total = _held_by_others(device)
    if others < max(NOT_OTHERS_BYTES, NOT_OTHERS_SHARE * total):
        return f"{device.name} ran out of memory. {remedy}".rstrip()
    happened = f"{device.name} ran out of memory: other programs hold {size(others)} of its {size(total)}."
    if others > total / 2:
        remedy = WAIT_FOR_OTHERS
    return f"{happened} {remedy}".rstrip()


@contextlib.contextmanager
def explained(device: Device, remedy: str = "") -> Iterator[None]:
    """Raise CifarTuiError with one sentence, and the remedy, where the memory does not suffice for what is inside."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise CifarTuiError(out_of_memory(device, remedy)) from None


def smaller_batches(batch_size: int) -> str:
    """Return the remedy for a run whose batches do not fit."""
    return f"Its batches were of {batch_size:,}: start again with --batch-size {max(1, batch_size // 2)}."


def _held_by_others(device: Device) -> tuple[int, int]:
    """Return the bytes of a GPU that other programs hold, and all it has; zeros where its driver does not tell."""
    handle = nvidia.find_gpu(device.gpu) if device.gpu else None
    reading = None if handle is None else nvidia.read_gpu(handle)
    if reading is None or reading.memory_used is None or reading.memory_total is None:
        return 0, 0
    # In a container the driver does not say whose it is: what is not torch's own here is others', near enough.
    return reading.memory_used - torch.cuda.memory_reserved(), reading.memory_total
