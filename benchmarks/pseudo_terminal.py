"""A program in a real pseudo-terminal, its output read by a terminal emulator: for benchmarks and tests."""

import fcntl
import math
import os
import pty
import select
import signal
import struct
import termios
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyte

READ_BYTES = 65_536
PATIENCE_SECONDS = 120.0
"""The longest wait for anything, on however busy a machine."""


@dataclass(frozen=True, slots=True)
class RunConnection:
    """The line between a program and the terminal it is seen on."""

    bytes_per_second: float = math.inf
    delay_seconds: float = 0.0
    """One way; keys and output both take it."""


LINK_BYTES = 1_400
"""Carried at a time by a thin link, as a network's packets are."""


NO_LINK = RunConnection()


class PseudoTerminal:
    """A terminal of a fixed size with one program in it."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        size: tuple[int, int] = (120, 40),
        term: str = "xterm-256color",
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
        link: RunConnection = NO_LINK,
    ) -> None:
        """Start `command` in a terminal of `size` (columns, rows)."""
        columns, rows = size
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self.raw = bytearray()
        """Every byte the program wrote."""
        self.blind = False
        """True while the output is read and kept, and not put on the screen."""
        self._ended = False
        self._link = link
        self._free_at = time.monotonic()
        """The moment from which the link can carry the next byte."""
        self._on_the_way: deque[tuple[float, bytes]] = deque()
        self._keys: deque[tuple[float, bytes]] = deque()
        self.pid, self._terminal = pty.fork()
        if self.pid == 0:
            # The child: whatever happens, it must not go on as a second benchmark or test.
            try:
                fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
                if folder is not None:
                    os.chdir(folder)
                inherited = os.environ if environment is None else environment
                sized = {"COLUMNS": str(columns), "LINES": str(rows), "TERM": term, "PYTHONUTF8": "1"}
                os.execvpe(command[0], list(command), {**inherited, **sized})
            finally:
                os._exit(127)

    def __enter__(self) -> "PseudoTerminal":
        """Use it for a block, whose end is the program's."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave no program behind."""
        self.close()

    def close(self) -> None:
        """Kill the program if it still runs, and close the terminal."""
        if self._ended:
            return
        self._ended = True
        os.killpg(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        if self._terminal >= 0:
            os.close(self._terminal)

    def resize(self, columns: int, rows: int) -> None:
        """Give the terminal another size; the program is told by the system."""
        self.screen.resize(rows, columns)
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def hang_up(self) -> None:
        """Close the terminal, as a dropped connection does; the program is still ours to wait for."""
        os.close(self._terminal)
        self._terminal = -1

    @property
    def drawing_pid(self) -> int:
        """The process that draws: the program itself, or the child that it waits for (Linux)."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return int(children[0]) if children else self.pid

    @property
    def text(self) -> str:
        """The characters on the screen, one line a row."""
        return "\n".join(self.screen.display)

    def read(self, seconds: float) -> bool:
        """Take in what comes within so many seconds. Returns whether anything did."""
        self._send_keys()
        now = time.monotonic()
        due = min([now + seconds, *(queue[0][0] for queue in (self._on_the_way, self._keys) if queue)])
        wait = max(min(seconds, due - now), 0.0)
        if self._free_at > now:
            time.sleep(min(wait, self._free_at - now))
            return self._arrive()
        ready, _, _ = select.select([self._terminal], [], [], wait)
        if ready:
            try:
                content = os.read(self._terminal, LINK_BYTES if self._link.delay_seconds else READ_BYTES)
            except OSError:
                return False  # Linux's word for a program that has gone
            self._free_at = time.monotonic() + len(content) / self._link.bytes_per_second
            self._on_the_way.append((self._free_at + self._link.delay_seconds, content))
        return self._arrive()

    def _arrive(self) -> bool:
        """Put on the screen what has come over the link by now."""
        arrived = False
        while self._on_the_way and self._on_the_way[0][0] <= time.monotonic():
            content = self._on_the_way.popleft()[1]
            self.raw += content
            if not self.blind:
                self._stream.feed(content)
            arrived = arrived or bool(content)
        return arrived

    def _send_keys(self) -> None:
        while self._keys and self._keys[0][0] <= time.monotonic():
            os.write(self._terminal, self._keys.popleft()[1])

    def read_for(self, seconds: float) -> None:
        """Take in whatever comes for so many seconds."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self.read(min(left, 0.1))

    def wait_for(self, words: str, seconds: float = PATIENCE_SECONDS) -> str:
        """Read until `words` are on the screen. Raises AssertionError when they do not come."""
        self.read_until(lambda: words in self.text, repr(words), seconds)
        return self.text

    def read_until(self, condition: Callable[[], bool], what: str, seconds: float = PATIENCE_SECONDS) -> None:
        """Read until something holds. Raises AssertionError, saying what did not come, when it never does."""
        until = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > until:
                raise AssertionError(f"{what} did not come:\n{self.text}")
            self._read_or_wait()

    def settle(self, quiet_seconds: float, seconds: float = 10.0) -> float:
        """Read until nothing has come for a while. Returns when the last byte came, on the monotonic clock."""
        last = time.monotonic()
        until = last + seconds
        while time.monotonic() < until and self.read(quiet_seconds):
            last = time.monotonic()
        return last

    def press(self, keys: str) -> None:
        """Type."""
        self._keys.append((time.monotonic() + self._link.delay_seconds, keys.encode()))
        self._send_keys()

    def exit_code(self, seconds: float = PATIENCE_SECONDS) -> int:
        """Read until the program has ended. Raises AssertionError, and kills it, when it does not end."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._read_or_wait()
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._read_or_wait()
                self._ended = True
                if self._terminal >= 0:
                    os.close(self._terminal)
                return os.waitstatus_to_exitcode(status)
        self.close()
        raise AssertionError(f"it did not end:\n{self.text}")

    def _read_or_wait(self) -> None:
        if self._terminal >= 0:
            self.read(0.1)
        else:
            time.sleep(0.1)
