"""The C library's way with freed memory, where that is glibc's."""

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_MAX, M_ARENA_MAX = -1, -4, -8
"""Parameters of mallopt, from malloc.h."""
NEVER = 2**31 - 1


def keep_freed_memory() -> None:
    """Keep what is freed for what is allocated next, in place of giving it back to the system and asking again.

    A training step frees and allocates the same large blocks, and the system clears every page of them each time.
    """
    if sys.platform != "linux" or not hasattr(library := ctypes.CDLL(None), "mallopt"):
        return
    for parameter, value in ((M_MMAP_MAX, 0), (M_TRIM_THRESHOLD, NEVER), (M_ARENA_MAX, 1)):
        library.mallopt(parameter, value)


def give_freed_memory_back() -> None:
    """Give the system what is free now."""
    if sys.platform == "linux" and hasattr(library := ctypes.CDLL(None), "malloc_trim"):
        library.malloc_trim(0)
