"""The number of this process among those that torchrun has started for one run. Needs no torch."""

import os

LAUNCHED = "CIFAR_TUI_LAUNCHED"
"""Set where a launcher of ours has started the process."""
EXIT_KEY = "cifar-tui/exit"
"""The key, in the launcher's store, of the exit code of a leader that has ended."""
LOST = 75
"""The exit code of a process that has lost another one: for now, as sysexits.h has it."""


def ranks_here() -> int:
    """Return the number of processes of the run; 1 without a launcher."""
    count = os.environ.get("WORLD_SIZE", "")
    return int(count) if count.isdecimal() and int(count) > 1 and "RANK" in os.environ else 1


def rank_here() -> int:
    """Return this process's number among them, from 0; rank 0 leads."""
    number = os.environ.get("RANK", "")
    return int(number) if number.isdecimal() and ranks_here() > 1 else 0


def local_rank() -> int:
    """Return this process's number among those on this machine, which is that of its GPU."""
    number = os.environ.get("LOCAL_RANK", "")
    return int(number) if number.isdecimal() and ranks_here() > 1 else 0


def attempt() -> int:
    """Return how often the launcher has started these processes before, after one of them was lost."""
    number = os.environ.get("TORCHELASTIC_RESTART_COUNT", "")
    return int(number) if number.isdecimal() else 0
