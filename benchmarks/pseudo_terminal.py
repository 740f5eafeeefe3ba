"""A program in a real pseudo-terminal, its output read by a terminal emulator: for benchmarks and tests."""

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyte

READ_BYTES = 65_536


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
    ) -> None:
        """Start `command` in a terminal of `size` (columns, rows)."""
        columns, rows = size
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self.raw = bytearray()
        """Every byte the program wrote."""
        self._ended = False
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
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self._terminal)

    @property
    def text(self) -> str:
        """What is on the screen."""
        return "\n".join(self.screen.display)

    def read(self, seconds: float) -> bool:
        """Take in what comes within so many seconds. Returns whether anything did."""
        ready, _, _ = select.select([self._terminal], [], [], seconds)
        if not ready:
            return False
        try:
            content = os.read(self._terminal, READ_BYTES)
        except OSError:
            return False  # Linux's word for a program that has gone
        self.raw += content
        self._stream.feed(content)
        return bool(content)

    def read_for(self, seconds: float) -> None:
        """Take in whatever comes for so many seconds."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self.read(min(left, 0.1))

    def wait_for(self, words: str, seconds: float = 60.0) -> str:
        """Read until `words` are on the screen. Raises AssertionError when they do not come."""
        until = time.monotonic() + seconds
        while words not in self.text:
            if time.monotonic() > until:
                raise AssertionError(f"{words!r} did not come:\n{self.text}")
            self.read(0.1)
        return self.text

    def settle(self, quiet_seconds: float, seconds: float = 10.0) -> float:
        """Read until nothing has come for a while. Returns when the last byte came, on the monotonic clock."""
        last = time.monotonic()
        until = last + seconds
        while time.monotonic() < until and self.read(quiet_seconds):
            last = time.monotonic()
        return last

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self._terminal, keys.encode())

    def exit_code(self, seconds: float = 60.0) -> int:
        """Read until the program has ended. Raises AssertionError, and kills it, when it does not end."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.read(0.1)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.read(0.1)
                self._ended = True
                os.close(self._terminal)
                return os.waitstatus_to_exitcode(status)
        self.close()
        raise AssertionError(f"it did not end:\n{self.text}")
