"""The processes that train one network together, as torchrun starts them: rank 0 leads, the others follow its orders.

Between two orders a follower waits for the next, in no collective: a pause, a save or an evaluation of the leader may
take as long as it likes. In an order all ranks compute the same number of steps, and sum in every one of them.
"""

import contextlib
import dataclasses
import os
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import field
from datetime import timedelta
from enum import IntEnum
from pathlib import Path

import torch
import torch.distributed as dist
from torch.distributed import PrefixStore, TCPStore  # type: ignore[attr-defined] # of its C part

from cifar_tui.dataclass import dataclass
from cifar_tui.engine.network.pace import Pace
from cifar_tui.errors import BadInput, CifarTuiError
from cifar_tui.files.lock_owner import describe_this_process
from cifar_tui.system.launcher import EXIT_KEY, LOST, attempt, rank_here, ranks_here
from cifar_tui.text import counted, safe_text

RUN_KEY = "cifar-tui/run"
LEADER, REFUSED = "process0", "refused"
"""Keys of one attempt: the leader's process, and the exit code of one that does not start the run."""
POLL_SECONDS = 0.1
TELL = timedelta(seconds=10)
"""The longest that a leader which ends waits for the launcher's store."""
"""The key of the run's folder in the launcher's store."""
JOIN = timedelta(minutes=10)
"""The longest that all processes may take to start."""
LONGEST_STEP = timedelta(minutes=10)
"""A process that does not come to a sum for so long is lost."""
WAIT_FOR_ORDERS = timedelta(days=365)
"""A follower waits so long; that the leader has ended, it learns at once from the closed connection."""
MOST_STEPS = 8
"""Steps that one order may ask for."""


class Verb(IntEnum):
    """Kinds of orders."""

    STEPS = 1
    """Train some steps of an epoch: `epoch`, `first` (the batch, from 0), and the rate of each."""
    TEST = 2
    """Compute logits of a set of images, from image `first` on: `epoch` is the set, 0 for test, 1 for held out."""
    COPY = 3
    """Take over the leader's weights, statistics, averages, and what its optimizer keeps."""
    TELL = 4
    """Take in what the leader tells next."""
    END = 5
    """End."""


@dataclass(frozen=True, slots=True)
class Order:
    """The next thing that all ranks do."""

    verb: Verb
    """Its kind."""
    epoch: int = 0
    """Of the steps; or the number of a set of images to test on."""
    first: int = 0
    """The first batch or image; or the number of bytes that are told."""
    rates: tuple[float, ...] = ()
    """Learning rates, one a step."""


class EndOrdered(Exception):
    """The leader has ended before it had anything to train. Never shown."""


class RankLost(CifarTuiError):
    """Another process of this run has ended, or cannot be reached; the message says at what."""

    exit_code = LOST

    def __init__(self, message: str, during: str = "the start") -> None:
        super().__init__(message)
        self.during = during


@dataclass(frozen=True, slots=True)
class Ranks:
    """All processes that train the network, as one of them sees them."""

    rank: int = 0
    """Its number, from 0."""
    count: int = 1
    """Processes there are."""
    control: dist.ProcessGroup | None = None
    """Carries orders, between processors."""
    store: PrefixStore | None = None
    """Small things that all processes read and write."""
    sums: dist.ProcessGroup | None = None
    """Carries tensors, between devices."""
    pace: Pace = field(default_factory=Pace)
    """The seconds that this one takes for its part of a step."""
    steps_at_once: int = 1
    """Steps of an order: one on a processor, where a step takes long; several on GPUs, where an order would."""

    def on(self, device: torch.device) -> "Ranks":
        """Return the same processes with a way between such devices; all of them ask for it at once."""
        if not self.several:
            return self
        cuda = device.type == "cuda"
        self.pace.prepare(device)
        sums = dist.new_group(backend="nccl" if cuda else "gloo", timeout=LONGEST_STEP)
        at_once = MOST_STEPS if cuda else 1
        return dataclasses.replace(self, sums=sums, steps_at_once=at_once)  # type: ignore[arg-type] # likewise

    @property
    def several(self) -> bool:
        """True where there is more than this process."""
        return self.count > 1

    def share(self, start: int, stop: int) -> slice:
        """Return this rank's part of a range; all ranks' parts are the range."""
        return slice(start + self.rank, stop, self.count)

    @property
    def meeting_point(self) -> PrefixStore:
        """The store of several processes."""
        assert self.store is not None  # they have met there
        return self.store

    def sum(self, tensor: torch.Tensor) -> None:
        """Replace a tensor by its sum over all ranks. Raises RankLost."""
        if self.several:
            with lost_during("a step"):
                dist.all_reduce(tensor, group=self.sums)

    def gather(self, part: torch.Tensor) -> torch.Tensor:
        """Return the parts of all ranks one after another: [N, ...] becomes [count × N, ...]. Raises RankLost."""
        if not self.several:
            return part
        parts = [torch.empty_like(part) for _ in range(self.count)]
        with lost_during("a test"):
            dist.all_gather(parts, part.contiguous(), group=self.sums)
        return torch.cat(parts)

    def copy_from_leader(self, tensors: Sequence[torch.Tensor]) -> None:
        """Replace tensors by those of rank 0. Raises RankLost."""
        if self.several:
            with lost_during("taking over the weights"):
                for tensor in tensors:
                    dist.broadcast(tensor, 0, group=self.sums)

    def order(self, order: Order) -> None:
        """Tell all followers what to do next; nothing where there are none. Raises RankLost."""
        if self.several:
            rates = [*order.rates, *[0.0] * (MOST_STEPS - len(order.rates))]
            words = [order.verb, order.epoch, order.first, len(order.rates), *rates]
            self._broadcast(torch.tensor(words, dtype=torch.float64))

    def next_order(self) -> Order:
        """Wait for what to do next, on a follower. Raises RankLost when the leader has ended without an order."""
        words = torch.zeros(4 + MOST_STEPS, dtype=torch.float64)
        self._broadcast(words)
        verb, epoch, first, count, *rates = words.tolist()
        return Order(Verb(int(verb)), int(epoch), int(first), tuple(rates[: int(count)]))

    def gpus(self, own: str) -> str:
        """Return the UUIDs of all ranks' GPUs, by commas, on the leader; `own` is this one's, empty without."""
        if self.store is None or not own:
            return own
        self.store.set(f"gpu{self.rank}", own)
        return ",".join(self.store.get(f"gpu{rank}").decode() for rank in range(self.count if self.rank == 0 else 0))

    def tell(self, content: bytes) -> None:
        """Tell all followers something. Raises RankLost."""
        if self.several:
            self.order(Order(Verb.TELL, first=len(content)))
            self._broadcast(torch.frombuffer(bytearray(content), dtype=torch.uint8))

    def hear(self) -> bytes:
        """Return what the leader tells, on a follower. Raises RankLost, and EndOrdered where it has ended instead."""
        order = self.next_order()
        if order.verb is not Verb.TELL:
            raise EndOrdered
        words = torch.zeros(order.first, dtype=torch.uint8)
        self._broadcast(words)
        return words.numpy().tobytes()

    def _broadcast(self, words: torch.Tensor) -> None:
        with lost_during("an order"):
            dist.broadcast(words, 0, group=self.control)


ALONE = Ranks()
ANOTHER = "Another process of this run was"


@contextlib.contextmanager
def lost_during(during: str) -> Iterator[None]:
    """Raise RankLost, with what went on, where another process cannot be reached."""
    try:
        yield
    except RuntimeError as error:  # torch's classes for it derive from this one, as does the plain one of gloo
        raise RankLost(f"{ANOTHER} lost during {during} ({first_line(error)}).", during) from None


def first_line(error: Exception) -> str:
    """Return the error's first sentence, without the place in torch's sources that gloo puts before it."""
    first = (str(error).splitlines() or [""])[0].partition(". ")[0]
    return safe_text(re.sub(r"^\[[^]]*\] ", "", first), 200)


def join_ranks() -> Ranks:
    """Meet the other processes. Raises CifarTuiError when they do not come."""
    if ranks_here() == 1:
        return ALONE
    rank, count = rank_here(), ranks_here()
    try:
        store = _of_this_attempt(_store(count, ours=rank == 0 and not _agent_has_store()))
        store.set(f"process{rank}", describe_this_process().decode())
        dist.init_process_group("gloo", store=store, rank=rank, world_size=count)
        control = dist.new_group(backend="gloo", timeout=WAIT_FOR_ORDERS)
    except (RuntimeError, ValueError) as error:
        raise CifarTuiError(
            f"The {counted(count, 'process')} of this run did not find each other ({first_line(error)})."
        ) from None
    return Ranks(rank, count, control, store)  # type: ignore[arg-type] # this rank is in the group


def _store(count: int, *, ours: bool, timeout: timedelta = JOIN) -> TCPStore:
    try:
        address, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    except (KeyError, ValueError):
        raise BadInput(
            "RANK and WORLD_SIZE are set, but not MASTER_ADDR and MASTER_PORT: start the run with torchrun."
        ) from None
    return TCPStore(address, port, count, is_master=ours, timeout=timeout, wait_for_workers=False)


def _agent_has_store() -> bool:
    """Return True where the launcher keeps the store, which then outlives a lost process."""
    return os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"


def await_leader() -> bool:
    """Wait, as a follower, until the leader comes to meet the others. Returns False where it will not."""
    if not _agent_has_store():
        return True
    with contextlib.suppress(RuntimeError, ValueError):  # joining tells of a store that is not reached
        store = _of_this_attempt(_store(ranks_here(), ours=False))
        until = time.monotonic() + JOIN.total_seconds()
        while not store.check([LEADER]) and time.monotonic() < until:
            if store.check([REFUSED]):
                return False
            time.sleep(POLL_SECONDS)
    return True


def refuse_start(exit_code: int) -> None:
    """Tell the others, who wait for this leader, and the launcher, that it ends, with which exit code."""
    if _agent_has_store():
        with contextlib.suppress(RuntimeError, ValueError):  # the launcher has ended
            store = _store(ranks_here(), ours=False, timeout=TELL)
            store.set(EXIT_KEY, str(exit_code))
            _of_this_attempt(store).set(REFUSED, str(exit_code))


def _of_this_attempt(store: TCPStore) -> PrefixStore:
    # Without a prefix of its own, a second attempt meets keys of the first: 7 of 10 restarts failed.
    return PrefixStore(f"attempt{attempt()}", store)


def remember_run(folder: Path) -> None:
    """Have the launcher remember the run's folder, for the next attempt."""
    if ranks_here() > 1 and _agent_has_store():
        _store(ranks_here(), ours=False).set(RUN_KEY, str(folder))


def run_of_earlier_attempt() -> Path | None:
    """Return the folder of the run that the launcher starts again after a process was lost; None for a first start."""
    if not attempt() or not _agent_has_store():
        return None
    store = _store(ranks_here(), ours=False)
    return Path(store.get(RUN_KEY).decode()) if store.check([RUN_KEY]) else None


def leave_ranks() -> None:
    """Give back what the processes shared."""
    if dist.is_available() and dist.is_initialized():
        with contextlib.suppress(RuntimeError):  # another one may be gone
            dist.destroy_process_group()
