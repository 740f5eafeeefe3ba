"""A queue on disk: a journal of its changes in the folder of runs, which grows by whole lines under a lock.

One file, and not one a job: a sweep is added completely or not at all, by one write, and listing 10,000 jobs opens one
file. How far a job is follows from its run's folder; the journal holds what that cannot tell.
"""

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import orjson

from cifar_tui.errors import BadInput, FolderInUse
from cifar_tui.failpoints import hit
from cifar_tui.files.atomic_write import sync_folder, write_atomically
from cifar_tui.files.lock_owner import MARK_LIMIT, describe_this_process, living_owner
from cifar_tui.queue.changes import Change, QueueState, snapshot
from cifar_tui.queue.job import Job
from cifar_tui.serialization import Record, from_record, to_record
from cifar_tui.text import safe_text

FOLDER_NAME = ".queue"
"""The folder of a queue, in the folder of its runs."""
JOURNAL_NAME = "queue.jsonl"
LOCK_NAME = "queue.lock"
RUNNER_LOCK_NAME = "runner.lock"
LOG_NAME = "log.txt"
LOCK_SECONDS = 20.0
"""Time that another command may take to change the queue."""
POLL_SECONDS = 0.02
COMPACTED_BYTES = 1_000_000
"""Size of the journal from which on it is written anew once most of it is about jobs that are gone."""


class QueueStore:
    """The queue in a folder of runs; remembers how far it has read. Used by one thread."""

    def __init__(self, place: Path, compacted_bytes: int = COMPACTED_BYTES) -> None:
        """Open the queue of a folder of runs; nothing is read or made yet."""
        self.place = place.absolute()
        self.folder = self.place / FOLDER_NAME
        self._journal = self.folder / JOURNAL_NAME
        self._compacted_bytes = compacted_bytes
        self._compact_again = 0
        self._state = QueueState()
        self._inode = 0
        self._position = 0

    @property
    def log(self) -> Path:
        """The file that a runner writes its lines into."""
        return self.folder / LOG_NAME

    def folder_of(self, run: str) -> Path:
        """Return the folder of a job's run, absolute."""
        return self.place / run

    def read(self) -> QueueState:
        """Return the queue as it is now, empty where there is none; it is not to be changed. Raises BadInput."""
        try:
            descriptor = os.open(self._journal, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            self._forget(0)
            return self._state
        except OSError as error:
            raise self._refused(error) from error
        try:
            self._read_on(descriptor)
        finally:
            os.close(descriptor)
        return self._state

    def change(self, decide: Callable[[QueueState], Sequence[Change]]) -> Sequence[Change]:
        """Decide on changes by the queue as it is, and make them all or none; nobody else changes it meanwhile.

        Returns them. Raises BadInput where the disk refuses, FolderInUse where another process does not end, and
        whatever `decide` raises, with the queue untouched.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with self._locked():
                changes = decide(self.read())
                if changes:
                    self._append(changes)
                    self.read()
                    self._compact()
                return changes
        except OSError as error:
            raise self._refused(error) from error

    def _append(self, changes: Sequence[Change]) -> None:
        """Write complete lines at the end, on the disk before this returns; what is refused leaves none of them."""
        new = not self._journal.exists()
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(self._journal, flags, 0o666)
        try:
            os.ftruncate(descriptor, self._position)  # half a line, where a process was killed in the middle
            try:
                hit("appended", JOURNAL_NAME)
                _write(descriptor, b"".join(map(_to_line, changes)))
                hit("written", JOURNAL_NAME)
                os.fsync(descriptor)
            except BaseException:
                os.ftruncate(descriptor, self._position)
                raise
            hit("synced", JOURNAL_NAME)
        finally:
            os.close(descriptor)
        if new:
            sync_folder(self.folder)

    def _compact(self) -> None:
        """Write the journal anew once it is long, and more than half of it is no longer needed."""
        if self._position < max(self._compacted_bytes, self._compact_again):
            return
        content = b"".join(map(_to_line, snapshot(self._state)))
        self._compact_again = 2 * len(content)
        if self._state.unreadable or self._position < self._compact_again:
            return
        with contextlib.suppress(OSError):  # it stays as long as it is
            write_atomically(self._journal, lambda file: file.write(content))

    def _read_on(self, descriptor: int) -> None:
        facts = os.fstat(descriptor)
        if facts.st_ino != self._inode or facts.st_size < self._position:
            self._forget(facts.st_ino)
        content = bytearray()
        while block := os.pread(descriptor, 1 << 22, self._position + len(content)):
            content += block
        complete = content[: content.rfind(b"\n") + 1]
        for line in complete.splitlines():
            try:
                self._state.apply(from_record(Change, orjson.loads(line)))
            except ValueError:
                self._state.unreadable += 1
        self._position += len(complete)

    def _forget(self, inode: int) -> None:
        self._state, self._inode, self._position = QueueState(), inode, 0

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        lock = os.open(self.folder / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
        try:
            until = time.monotonic() + LOCK_SECONDS
            while not _take(lock):
                if time.monotonic() > until:
                    raise FolderInUse(
                        f"Another process has held the queue in {safe_text(str(self.place), 200)} for "
                        f"{LOCK_SECONDS:.0f} seconds: {_owner(lock)}. Try again once it has ended."
                    )
                time.sleep(POLL_SECONDS)
            _sign(lock)
            try:
                yield
            finally:
                _unsign(lock)
        finally:
            os.close(lock)

    def _refused(self, error: OSError) -> BadInput:
        why = error.strerror or str(error)
        return BadInput(f"The queue in {safe_text(str(self.folder), 200)} cannot be used: {why}. Nothing was changed.")


class RunnerLock:
    """The lock of a queue's runner: one process starts its jobs."""

    def __init__(self, store: QueueStore) -> None:
        """Take it. Raises FolderInUse, naming the process that has it, BadInput."""
        try:
            store.folder.mkdir(parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            self._lock = os.open(store.folder / RUNNER_LOCK_NAME, flags, 0o644)
        except OSError as error:
            raise BadInput(f"Cannot write to {store.folder}: {error.strerror or error}.") from error
        # Who only looks whether there is a runner holds it for a moment.
        until = time.monotonic() + 1.0
        while not _take(self._lock):
            if time.monotonic() > until:
                owner = _owner(self._lock)
                os.close(self._lock)
                raise FolderInUse(f"This queue is being run already, by {owner}.")
            time.sleep(POLL_SECONDS)
        _sign(self._lock)

    def close(self) -> None:
        """Give it back."""
        _unsign(self._lock)
        os.close(self._lock)


def runner_of(store: QueueStore) -> str:
    """Return the process that runs a queue, as `process 5 on host`; empty without one."""
    try:
        lock = os.open(store.folder / RUNNER_LOCK_NAME, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return ""
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _owner(lock)
    except OSError:  # a disk without locks: it is who stands in it
        return safe_text(living_owner(os.pread(lock, MARK_LIMIT, 0)))
    finally:
        os.close(lock)
    return ""


def _take(lock: int) -> bool:
    """Lock an open file without waiting. Returns False while another process has it."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a disk without locks
        return not living_owner(os.pread(lock, MARK_LIMIT, 0))
    return True


def _sign(lock: int) -> None:
    with contextlib.suppress(OSError):  # for messages only, and a full disk shall not be in the way of a drop
        os.ftruncate(lock, 0)
        os.pwrite(lock, describe_this_process(), 0)


def _unsign(lock: int) -> None:
    with contextlib.suppress(OSError):  # on a disk without locks, it is held for as long as its owner stands in it
        os.ftruncate(lock, 0)


def _owner(lock: int) -> str:
    return safe_text(living_owner(os.pread(lock, MARK_LIMIT, 0))) or "another process"


def _write(descriptor: int, content: bytes) -> None:
    """Raises OSError."""
    left = memoryview(content)
    while left:
        left = left[os.write(descriptor, left) :]


def _to_line(change: Change) -> bytes:
    record = _without(to_record(change), _UNCHANGED)
    if "jobs" in record:
        record["jobs"] = [_without(job, _PLAIN_JOB) for job in record["jobs"]]
    return orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)


def _without(record: Record, defaults: Record) -> Record:
    return {name: value for name, value in record.items() if name not in defaults or value != defaults[name]}


_UNCHANGED = {name: value for name, value in to_record(Change(change="add")).items() if name != "change"}
_PLAIN_JOB = {name: value for name, value in to_record(Job(number=0, run="")).items() if name not in ("number", "run")}
"""Fields as they are when nobody has set them: a line leaves them out."""
