"""The processes that train one network together, as torchrun starts them: rank 0 leads, the others follow its orders.

Between two orders a follower waits for the next, in no collective: a pause, a save or an evaluation of the leader may
take as long as it likes. In an order all ranks compute the same number of steps, and sum in every one of them.
"""

import contextlib
import dataclasses
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum
from pathlib import Path

import psutil
import torch
import torch.distributed as dist
from torch.distributed import PrefixStore, TCPStore  # type: ignore[attr-defined] # of its C part

from cifar_tui.errors import BadInput, CifarTuiError
from cifar_tui.files.lock_owner import describe_this_process, process_here
from cifar_tui.system.launcher import LOST, attempt, rank_here, ranks_here
from cifar_tui.text import counted, safe_text

RUN_KEY = "cifar-tui/run"
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
    """Take over the leader's weights, statistics and momentum."""
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
    steps_at_once: int = 1
    """Steps of an order: one on a processor, where a step takes long; several on GPUs, where an order would."""

    def on(self, device: torch.device) -> "Ranks":
        """Return the same processes with a way between such devices; all of them ask for it at once."""
        if not self.several:
            return self
        cuda = device.type == "cuda"
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

    def sum(self, tensor: torch.Tensor) -> None:
        """Replace a tensor by its sum over all ranks. Raises RankLost."""
        if self.several:
            with _lost("a step"):
                dist.all_reduce(tensor, group=self.sums)

    def gather(self, part: torch.Tensor) -> torch.Tensor:
        """Return the parts of all ranks one after another: [N, ...] becomes [count × N, ...]. Raises RankLost."""
        if not self.several:
            return part
        parts = [torch.empty_like(part) for _ in range(self.count)]
        with _lost("a test"):
            dist.all_gather(parts, part.contiguous(), group=self.sums)
        return torch.cat(parts)

    def copy_from_leader(self, tensors: Sequence[torch.Tensor]) -> None:
        """Replace tensors by those of rank 0. Raises RankLost."""
        if self.several:
            with _lost("taking over the weights"):
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
        with _lost("an order"):
            dist.broadcast(words, 0, group=self.control)


ALONE = Ranks()
ANOTHER = "Another process"


@contextlib.contextmanager
def _lost(during: str) -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:  # torch's classes for it derive from this one, as does the plain one of gloo
        raise RankLost(f"{ANOTHER} of this run was lost during {during} ({_first_line(error)}).") from None


def _first_line(error: Exception) -> str:
    """Return the error's first sentence, without the place in torch's sources that gloo puts before it."""
    first = (str(error).splitlines() or [""])[0].partition(". ")[0]
    return safe_text(re.sub(r"^\[[^]]*\] ", "", first), 200)


def join_ranks() -> Ranks:
    """Meet the other processes. Raises CifarTuiError when they do not come."""
    if ranks_here() == 1:
        return ALONE
    rank, count = rank_here(), ranks_here()
    try:
        # Without a prefix of its own, a second attempt meets keys of the first: 7 of 10 restarts failed.
        server = _store(count, ours=rank == 0 and not _agent_has_store())
        store = PrefixStore(f"attempt{attempt()}", server)
        store.set(f"process{rank}", describe_this_process().decode())
        dist.init_process_group("gloo", store=store, rank=rank, world_size=count)
        control = dist.new_group(backend="gloo", timeout=WAIT_FOR_ORDERS)
    except (RuntimeError, ValueError) as error:
        raise CifarTuiError(
            f"The {counted(count, 'process')} of this run did not find each other ({_first_line(error)})."
        ) from None
    return Ranks(rank, count, control, store)  # type: ignore[arg-type] # this rank is in the group


def _store(count: int, *, ours: bool) -> TCPStore:
    try:
        address, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    except (KeyError, ValueError):
        raise BadInput(
            "RANK and WORLD_SIZE are set, but not MASTER_ADDR and MASTER_PORT: start the run with torchrun."
        ) from None
    return TCPStore(address, port, count, is_master=ours, timeout=JOIN, wait_for_workers=False)


def _agent_has_store() -> bool:
    """Return True where the launcher keeps the store, which then outlives a lost process."""
    return os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"


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


@contextlib.contextmanager
def leading(ranks: Ranks) -> Iterator[None]:
    """Lead the followers for as long as something goes on, and end them then, however that ended."""
    try:
        yield
    except RankLost as error:
        named = _named(ranks, error)
        leave_ranks()  # the others see the closed connections
        raise named from None
    except BaseException:
        with contextlib.suppress(RankLost):
            ranks.order(Order(Verb.END))
        leave_ranks()
        raise
    ranks.order(Order(Verb.END))
    leave_ranks()


def _named(ranks: Ranks, error: RankLost) -> RankLost:
    """Return the error with the numbers of the processes on this machine that have ended."""
    ended = []
    for rank in range(1, ranks.count):
        with contextlib.suppress(RuntimeError, psutil.Error):
            pid = process_here(ranks.store.get(f"process{rank}").decode().partition("\n")[0]) if ranks.store else 0
            # One that was killed stays as a zombie until its launcher looks.
            if pid and (not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE):
                ended.append(str(rank))
    if not ended:
        return error
    which = f"Process {ended[0]}" if len(ended) == 1 else f"Processes {', '.join(ended)}"
    return RankLost(str(error).replace(ANOTHER, which, 1))


def leave_ranks() -> None:
    """Give back what the processes shared."""
    if dist.is_available() and dist.is_initialized():
        with contextlib.suppress(RuntimeError):  # another one may be gone
            dist.destroy_process_group()
