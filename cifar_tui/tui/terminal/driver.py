"""Textual's driver for a terminal that may go away: closed, its connection dropped, or hung up on.

Textual's writer dies with the terminal, after which its queue fills and the app stands still; its reader panics or
spins; and SIGHUP ends the process, training and all.
"""

import asyncio
import contextlib
import math
import os
import select
import signal
from types import FrameType
from typing import IO, Any

from textual import events
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.geometry import Size

RESIZE_SECONDS = 1.0
"""How often the screen is drawn anew while its size changes all the time, as when an edge is dragged: that costs a
whole screen, in which the training hardly goes on."""
REST_SECONDS = 0.15
"""A size that has stayed for so long is drawn."""


class SteadyFile:
    """A terminal to write to that swallows what can no longer be written."""

    def __init__(self, file: IO[str]) -> None:
        self.lost = False
        self._file = file

    def write(self, text: str) -> int:
        """Write, as far as there is something to write to."""
        if not self.lost:
            try:
                return self._file.write(text)
            except OSError:
                self.lost = True
        return len(text)

    def flush(self) -> None:
        """Hand on what waits."""
        try:
            self._file.flush()
        except OSError:
            self.lost = True

    def fileno(self) -> int:
        """The terminal's descriptor."""
        return self._file.fileno()

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return self._file.isatty()


class SteadyDriver(LinuxDriver):
    """A driver that knows when its terminal is gone, and lets the app go on."""

    def __init__(self, *arguments: Any, **options: Any) -> None:  # Any: Textual's own arguments, passed on
        """Take over the terminal; from now on SIGHUP only says that it is gone."""
        super().__init__(*arguments, **options)
        assert self._file is not None  # there is no screen without a terminal
        self._steady = SteadyFile(self._file)
        self._file = self._steady  # type: ignore[assignment] # all of a file that the writer uses
        self._hung_up = False
        signal.signal(signal.SIGHUP, self._hang_up)

    @property
    def gone(self) -> bool:
        """Whether the terminal is gone."""
        if self._hung_up or self._steady.lost:
            return True
        poll = select.poll()
        poll.register(self.fileno, 0)
        return any(event & (select.POLLHUP | select.POLLERR) for _, event in poll.poll(0))

    def start_application_mode(self) -> None:
        """Take the screen; of many sizes in a row only the first, the last and a few between are drawn."""
        super().start_application_mode()  # type: ignore[no-untyped-call] # Textual's own
        loop = asyncio.get_running_loop()
        drawn_at, timer = -math.inf, loop.call_later(0.0, lambda: None)

        def draw() -> None:
            nonlocal drawn_at
            drawn_at = loop.time()
            size = Size(*self._get_terminal_size())
            self._app.post_message(events.Resize(size, size))

        def resized() -> None:
            nonlocal timer
            timer.cancel()
            now, next_at = loop.time(), drawn_at + RESIZE_SECONDS
            timer = loop.call_at(now if next_at <= now else min(now + REST_SECONDS, next_at), draw)

        def heard(_number: int, _frame: FrameType | None) -> None:
            if not self._in_band_window_resize:
                loop.call_soon_threadsafe(resized)

        signal.signal(signal.SIGWINCH, heard)

    def _get_terminal_size(self) -> tuple[int, int]:
        """The size of the terminal itself: standard output may be a file."""
        with contextlib.suppress(OSError):
            return os.get_terminal_size(self.fileno)
        return super()._get_terminal_size()

    def _run_input_thread(self) -> None:
        """Read until the app ends or the terminal is gone, which is no reason to panic."""
        while not self.exit_event.is_set():
            try:
                self.run_input_thread()
            except OSError:
                self._hung_up = True
                return
            except ValueError:
                continue  # bytes that are no UTF-8, or no sequence of a terminal: the next ones may be

    def _hang_up(self, _number: int, _frame: FrameType | None) -> None:
        self._hung_up = True
        # A terminal that hangs up has nothing left to read; its reader would spin on that.
        if not os.isatty(self.fileno):
            self.exit_event.set()


def terminal_is_gone(driver: Driver | None) -> bool:
    """Whether the driver's terminal went away; never so for one that draws for a test."""
    return isinstance(driver, SteadyDriver) and driver.gone
