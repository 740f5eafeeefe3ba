"""The stages that the processes of a run have come to, and their failures, in the launcher's store.

Who waits there waits in no collective, and so for as long as it takes.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

import orjson
import psutil

from cifar_tui.engine.network.ranks import (
    ANOTHER,
    EndOrdered,
    Order,
    RankLost,
    Ranks,
    Verb,
    leave_ranks,
    lost_during,
)
from cifar_tui.errors import CifarTuiError, StopRequested
from cifar_tui.files.lock_owner import process_here
from cifar_tui.system.launcher import local_rank
from cifar_tui.text import safe_text

POLL_SECONDS = 0.1
END_SECONDS = 2.0
"""A process that ends closes its connections first: so long after them, it has ended."""
FOLDER = "folder"
"""The key of the run's folder."""
ENDED = "ended"
"""The key that the leader sets when it ends the run."""
FAILED = "failed"
"""The key of a process's failure, before its number."""


class Stage(StrEnum):
    """Stages of the start that a process has behind it."""

    DEVICE = "device"
    """Its device is chosen; on the leader: everybody's is."""
    IMAGES = "images"
    """Its images are loaded, and so on the disk of its machine."""
    READY = "ready"
    """It waits for orders."""


class RankFailed(CifarTuiError):
    """Another process cannot go on, and would not if it were started again; the message has its number and reason."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class Failure(NamedTuple):
    """The end of a process that could tell it."""

    rank: int
    """Its number."""
    reason: str
    """A sentence."""
    exit_code: int
    """That of an error for people; 0 for a bug, after which the processes are started again."""


def arrive(ranks: Ranks, stage: Stage, what: str = "") -> None:
    """Tell the others that this process has come to a stage. Raises RankLost."""
    if ranks.several:
        with lost_during("the start"):
            ranks.meeting_point.set(f"{stage}{ranks.rank}", what)


def await_all(ranks: Ranks, stage: Stage, stop_requested: Callable[[], bool]) -> dict[int, str]:
    """Wait until all followers have come to a stage. Returns what each told with it.

    Raises RankFailed or RankLost for one that will not come, StopRequested.
    """
    keys = {rank: f"{stage}{rank}" for rank in range(1, ranks.count)}
    with lost_during("the start"):
        while keys and not ranks.meeting_point.check(list(keys.values())):
            if failure := _failure(ranks):
                raise _named(failure, "the start")
            if ended := _ended_here(ranks):
                raise RankLost(f"{_ended(ended)} lost during the start.")
            if stop_requested():
                raise StopRequested
            time.sleep(POLL_SECONDS)
        return {rank: ranks.meeting_point.get(key).decode() for rank, key in keys.items()}


def await_rank(ranks: Ranks, stage: Stage, rank: int) -> str:
    """Wait, on a follower, until one process has come to a stage. Returns what it told with it.

    Raises RankLost, and EndOrdered at the run's end.
    """
    with lost_during("the start"):
        while not ranks.meeting_point.check([f"{stage}{rank}"]):
            if ranks.meeting_point.check([ENDED]):
                raise EndOrdered
            time.sleep(POLL_SECONDS)
        return ranks.meeting_point.get(f"{stage}{rank}").decode()


def await_images_of_this_machine(ranks: Ranks) -> None:
    """Wait, on a follower, until the first process of its machine has fetched and prepared the images.

    Raises as `await_rank` does.
    """
    if local_rank():
        await_rank(ranks, Stage.IMAGES, ranks.rank - local_rank())


def has_ended(ranks: Ranks) -> bool:
    """Return True, on a follower, once the leader has ended the run, or cannot be reached."""
    try:
        return ranks.meeting_point.check([ENDED])
    except RuntimeError:
        return True


def tell_failure(ranks: Ranks, reason: str, exit_code: int) -> None:
    """Tell the others why this process ends; an `exit_code` of 0 is a bug's."""
    with contextlib.suppress(RuntimeError):  # they have ended, too
        ranks.meeting_point.set(f"{FAILED}{ranks.rank}", orjson.dumps([reason, exit_code]).decode())


def name_folder(ranks: Ranks, folder: Path) -> None:
    """Tell the followers the run's folder."""
    ranks.meeting_point.set(FOLDER, str(folder))


def folder_here(ranks: Ranks) -> Path | None:
    """Return the run's folder, on a follower; None before it is told, or on another machine than the leader's."""
    with contextlib.suppress(RuntimeError):
        if ranks.meeting_point.check([FOLDER]) and process_of(ranks, 0):
            return Path(ranks.meeting_point.get(FOLDER).decode())
    return None


def ended_on_purpose(ranks: Ranks) -> bool:
    """Return True, on a follower that has lost the others, where they end because of an error that stays."""
    with contextlib.suppress(RuntimeError):
        failure = _failure(ranks)
        return ranks.meeting_point.check([ENDED]) or (failure is not None and failure.exit_code > 0)
    return False


@contextlib.contextmanager
def leading(ranks: Ranks) -> Iterator[None]:
    """Lead the followers for as long as something goes on, and end them then, however that ended.

    Raises RankFailed or RankLost with the number of the process that was lost, and its reason, where they are known.
    """
    try:
        yield
    except RankLost as error:
        named = _explained(ranks, error)
        leave_ranks()  # the others see the closed connections
        raise named from None
    except BaseException:
        _tell_end(ranks)
        leave_ranks()  # the others may wait in a sum, where they hear no order
        raise
    _tell_end(ranks)
    with contextlib.suppress(RankLost):
        ranks.order(Order(Verb.END))
    leave_ranks()


def _tell_end(ranks: Ranks) -> None:
    if ranks.several:
        with contextlib.suppress(RuntimeError):  # the launcher has ended, and ends all
            ranks.meeting_point.set(ENDED, "")


def _explained(ranks: Ranks, error: RankLost) -> CifarTuiError:
    """Return the error with the reason of the process that was lost, or with the numbers of those that have ended."""
    until = time.monotonic() + END_SECONDS
    with contextlib.suppress(RuntimeError):  # the store is gone
        while time.monotonic() < until:
            if failure := _failure(ranks):
                return _named(failure, error.during)
            if ended := _ended_here(ranks):
                return RankLost(str(error).replace(ANOTHER, _ended(ended), 1))
            time.sleep(POLL_SECONDS)
    return error


def _named(failure: Failure, during: str) -> CifarTuiError:
    if failure.exit_code:
        return RankFailed(f"Process {failure.rank} of this run failed: {failure.reason}", failure.exit_code)
    return RankLost(f"Process {failure.rank} of this run was lost during {during}: {failure.reason}")


def _failure(ranks: Ranks) -> Failure | None:
    """Return the failure of the first process that has told one. Raises RuntimeError without a store."""
    for rank in range(1, ranks.count):
        if ranks.meeting_point.check([f"{FAILED}{rank}"]):
            reason, exit_code = orjson.loads(ranks.meeting_point.get(f"{FAILED}{rank}"))
            return Failure(rank, safe_text(str(reason), 1_000), int(exit_code))
    return None


def _ended_here(ranks: Ranks) -> list[int]:
    """Return the numbers of the processes on this machine that have ended. Raises RuntimeError without a store."""
    ended = []
    for rank in range(1, ranks.count):
        pid = process_of(ranks, rank)
        with contextlib.suppress(psutil.Error):
            # One that was killed stays as a zombie until its launcher looks.
            if pid and (not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE):
                ended.append(rank)
    return ended


def process_of(ranks: Ranks, rank: int) -> int:
    """Return the number of a rank's process on this machine; 0 for one elsewhere. Raises RuntimeError."""
    return process_here(ranks.meeting_point.get(f"process{rank}").decode().partition("\n")[0])


def _ended(ranks: list[int]) -> str:
    numbers = ", ".join(map(str, ranks))
    return f"Process {numbers} of this run was" if len(ranks) == 1 else f"Processes {numbers} of this run were"
