"""Memory that is freed and allocated again is not cleared by the system each time, and goes back when asked for."""

import subprocess
import sys

import pytest

# A process of its own: what is asked of the C library holds for all that comes after.
PROGRAM = """
import ctypes, resource, sys
from cifar_tui.system.allocator import give_freed_memory_back, keep_freed_memory
library = ctypes.CDLL(None)
library.malloc.restype = ctypes.c_void_p
library.malloc.argtypes, library.free.argtypes = [ctypes.c_size_t], [ctypes.c_void_p]
SIZE = 64 << 20

def touch():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    place = library.malloc(SIZE)
    ctypes.memset(place, 1, SIZE)
    library.free(place)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()

without = [touch(), touch()]
keep_freed_memory()
kept = [touch(), touch()]
held = resident()
give_freed_memory_back()
print(without[1] > 30, kept[1], held - resident() > SIZE // 2)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's")
def test_freed_memory_is_kept_for_what_comes_next_and_given_back_when_asked_for() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "0", "True"]
