"""The changes of a queue, one a line of its journal, and the queue that follows from them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import field
from typing import ClassVar, Literal

from cifar_tui.dataclass import dataclass
from cifar_tui.errors import BadInput
from cifar_tui.queue.job import Job

Kind = Literal["add", "move", "drop", "pause", "resume", "start", "lost", "back", "end", "handed", "count"]
Outcome = Literal["", "finished", "failed", "stopped"]
EntryState = Literal["waiting", "started", "ended"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change."""

    omitted_if_empty: ClassVar[tuple[str, ...]] = ("jobs",)

    change: Kind
    """Its kind: `lost` for a run that was killed, `back` for one that waits again, `handed` for one that SLURM has."""
    jobs: tuple[Job, ...] = ()
    """Jobs that are added."""
    number: int = 0
    """The job that it is about."""
    to: int = 0
    """The place among those that wait, from 0; of jobs that are added, -1 for the end; of `count`, the next number."""
    text: str = ""
    """The device it starts on, the reason why it failed, its number in SLURM, or why the queue is paused."""
    outcome: Outcome = ""
    """The end of a job."""
    at: float = 0.0
    """Wall clock, seconds since 1970."""


@dataclass(slots=True)
class Entry:
    """A job, and how far it is."""

    job: Job
    state: EntryState = "waiting"
    device: str = ""
    """The device it was started on last."""
    slurm: str = ""
    """Its number in SLURM; empty where it was not handed over."""
    losses: int = 0
    """Times that its run was killed."""
    outcome: Outcome = ""
    reason: str = ""
    """The reason of a failure, or the result."""
    started_at: float = 0.0
    ended_at: float = 0.0

    def wait_again(self) -> None:
        """Forget an earlier end, and that SLURM has it."""
        self.state, self.slurm, self.outcome, self.reason, self.ended_at = "waiting", "", "", "", 0.0


@dataclass(slots=True)
class QueueState:
    """A queue as its changes have left it."""

    entries: dict[int, Entry] = field(default_factory=dict)
    """By the number of the job; one that was dropped is not there any more."""
    order: list[int] = field(default_factory=list)
    """The numbers in the queue's order."""
    numbers: dict[str, int] = field(default_factory=dict)
    """The number of each job by the name of its run."""
    next_number: int = 1
    """The number of the next job."""
    paused: bool = False
    """True while nothing is started."""
    pause_reason: str = ""
    """The reason, where it was no person's command."""
    unreadable: int = 0
    """Lines of the journal that this version cannot read."""

    def in_order(self, state: EntryState | None = None) -> Iterator[Entry]:
        """Yield the entries in their order, of one state or all."""
        for number in self.order:
            entry = self.entries[number]
            if state is None or entry.state == state:
                yield entry

    def by_run(self, run: str) -> Entry | None:
        """Return the entry whose run has this name."""
        number = self.numbers.get(run)
        return self.entries[number] if number is not None else None

    def apply(self, change: Change) -> None:
        """Follow one change; what is about a job that is gone changes nothing."""
        entry = self.entries.get(change.number)
        match change.change:
            case "add":
                self._add(change)
            case "count":
                self.next_number = max(self.next_number, change.to)
            case "pause" | "resume":
                self.paused, self.pause_reason = change.change == "pause", change.text
            case _ if entry is not None:
                self._apply_to(entry, change)

    def _add(self, change: Change) -> None:
        new = [job for job in change.jobs if job.number not in self.entries]
        self.entries.update((job.number, Entry(job)) for job in new)
        numbers = [job.number for job in new]
        self.numbers.update((job.run, job.number) for job in new)
        if change.to < 0:
            self.order += numbers
        else:
            at = self._index(change.to)
            self.order[at:at] = numbers
        self.next_number = max([self.next_number, *(number + 1 for number in numbers)])

    def _apply_to(self, entry: Entry, change: Change) -> None:
        match change.change:
            case "move":
                self.order.remove(change.number)
                self.order.insert(self._index(change.to), change.number)
            case "drop":
                self.order.remove(change.number)
                del self.numbers[entry.job.run], self.entries[change.number]
            case "start":
                entry.wait_again()
                entry.state, entry.device, entry.started_at = "started", change.text, change.at
            case "handed":
                entry.wait_again()
                entry.state, entry.slurm, entry.started_at = "started", change.text, change.at
            case "lost":
                entry.wait_again()
                entry.losses += 1
            case "back":
                entry.wait_again()
            case "end":
                entry.state, entry.outcome, entry.reason = "ended", change.outcome, change.text
                entry.ended_at = change.at

    def _index(self, place: int) -> int:
        """Return where in the order the job stands that has so many waiting ones before it."""
        for index, number in enumerate(self.order):
            if self.entries[number].state == "waiting":
                if place <= 0:
                    return index
                place -= 1
        return len(self.order)


def retried(entry: Entry) -> Change:
    """Return the change that has a job wait again. Raises BadInput for one that has not failed and was not stopped."""
    if entry.state != "ended" or entry.outcome == "finished":
        how = entry.outcome if entry.state == "ended" else entry.state
        raise BadInput(f"{entry.job.run} is {how}: only a job that has failed or was stopped can be tried again.")
    return Change(change="back", number=entry.job.number)


def replayed(changes: Iterable[Change]) -> QueueState:
    """Return the queue that follows from changes."""
    state = QueueState()
    for change in changes:
        state.apply(change)
    return state


def snapshot(state: QueueState) -> Sequence[Change]:
    """Return the fewest changes that lead to a queue."""
    changes = [
        Change(change="add", jobs=tuple(entry.job for entry in state.in_order()), to=-1),
        Change(change="count", to=state.next_number),
    ]
    if state.paused:
        changes.append(Change(change="pause", text=state.pause_reason))
    for number, entry in state.entries.items():
        changes += [Change(change="lost", number=number)] * entry.losses
        if entry.device or (entry.started_at and not entry.slurm):
            changes.append(Change(change="start", number=number, text=entry.device, at=entry.started_at))
        if entry.slurm:
            changes.append(Change(change="handed", number=number, text=entry.slurm, at=entry.started_at))
        if entry.state == "waiting" and (entry.device or entry.started_at):
            changes.append(Change(change="back", number=number))
        if entry.state == "ended":
            ended = {"outcome": entry.outcome, "text": entry.reason, "at": entry.ended_at}
            changes.append(Change(change="end", number=number, **ended))  # type: ignore[arg-type] # of its own fields
    return changes
