"""A driver for a terminal that may go away: closed, its connection dropped, or hung up.

Textual's writer dies with the terminal, after which its queue fills and the app stands still; its reader panics or
spins; and SIGHUP ends the process, training and all.
"""

import codecs
import contextlib
import errno
import math
import os
import select
import signal
import threading
import time
from types import FrameType
from typing import IO, Any

from textual import constants, events
from textual._xterm_parser import XTermParser
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.geometry import Size
from textual.message import Message
from textual.messages import InBandWindowResize

from cifar_tui.system.foreground import terminal_settings_allowed
from cifar_tui.tui.terminal.resize_turns import ResizeTurns
from cifar_tui.tui.terminal.torn_sequence import TornSequence

ANSWER_SECONDS = 0.5
"""Leaving waits so long for answers to what the terminal was asked at the start."""
MOST_DELAY_SECONDS = 2.0
"""A terminal that has not answered for so long will not."""
READ_BYTES = 4_096
LOOK_SECONDS = 0.1
"""Between two looks at whether the app has ended."""
BURST_SECONDS = 0.01
"""A read that follows the one before so closely is another part of the same paste; nobody types like that."""


class ResilientFile:
    """A terminal to write to; once it is gone, what is written is dropped."""

    def __init__(self, file: IO[str]) -> None:
        self.lost = False
        self._file = file

    def write(self, text: str) -> int:
        """Write, while there is a terminal."""
        if not self.lost:
            try:
                return self._file.write(text)
            except OSError:
                self.lost = True
        return len(text)

    def flush(self) -> None:
        """Send what is buffered."""
        try:
            self._file.flush()
        except OSError:
            self.lost = True

    def fileno(self) -> int:
        """Return the terminal's descriptor."""
        return self._file.fileno()

    def isatty(self) -> bool:
        """Return True for a terminal."""
        return self._file.isatty()


class ResilientDriver(LinuxDriver):
    """A driver that notices when its terminal is gone, and keeps the app running."""

    def __init__(self, *arguments: Any, **options: Any) -> None:  # Any: Textual's own arguments
        """Take over the terminal; from now on SIGHUP only marks it as gone."""
        super().__init__(*arguments, **options)
        assert self._file is not None  # there is no screen without a terminal
        self._writer = ResilientFile(self._file)
        self._file = self._writer  # type: ignore[assignment] # all of a file that the writer uses
        self._hung_up = False
        self._torn = TornSequence()
        self._answered = threading.Event()
        self._asked_at = -math.inf
        self._resizes = ResizeTurns(self._draw_size)
        self._written_size: events.Resize | None = None
        self._reads = 0
        self._key_read, self._key_at, self._burst_at = -1, -math.inf, -math.inf
        signal.signal(signal.SIGHUP, self._hang_up)

    @property
    def gone(self) -> bool:
        """True once the terminal is gone."""
        if self._hung_up or self._writer.lost:
            return True
        poll = select.poll()
        poll.register(self.fileno, 0)
        return any(event & (select.POLLHUP | select.POLLERR) for _, event in poll.poll(0))

    def start_application_mode(self) -> None:
        """Take the screen; of many sizes in a row, draw only the first, the last and a few between."""
        self._answered.clear()
        self._asked_at = time.monotonic()
        self._written_size = None
        super().start_application_mode()  # type: ignore[no-untyped-call] # Textual's own

        def on_changed_size(_number: int, _frame: FrameType | None) -> None:
            if not self._in_band_window_resize:
                self._resizes.changed()

        signal.signal(signal.SIGWINCH, on_changed_size)

    def stop_application_mode(self) -> None:
        """Leave the screen, from the background, too."""
        with terminal_settings_allowed():
            super().stop_application_mode()

    def disable_input(self) -> None:
        """Stop reading, once the terminal has said what it can do: later, its answers would be typed into the shell."""
        if not self.exit_event.is_set() and time.monotonic() - self._asked_at < MOST_DELAY_SECONDS and not self.gone:
            self._answered.wait(ANSWER_SECONDS)
        super().disable_input()

    def _get_terminal_size(self) -> tuple[int, int]:
        """Return the size of the terminal itself: standard output may be a file."""
        with contextlib.suppress(OSError):
            return os.get_terminal_size(self.fileno)
        return super()._get_terminal_size()

    def _run_input_thread(self) -> None:
        """Read until the app ends or the terminal is gone, which does not end the app."""
        while not self.exit_event.is_set():
            try:
                self.run_input_thread()
            except OSError:
                self._hung_up = True
                return
            except ValueError:
                continue  # no sequence of a terminal: the next one may be

    def run_input_thread(self) -> None:
        """Read until the app ends. Raises OSError where the terminal is gone, ValueError for no sequence of a terminal.

        Textual's own looks ten times a second for an escape that nothing follows: so long each one took.
        """
        parser = XTermParser(self._debug)
        decode = codecs.getincrementaldecoder("utf-8")("ignore").decode
        wait = LOOK_SECONDS
        while not self.exit_event.is_set():
            readable, _, _ = select.select([self.fileno], [], [], wait)
            wait = LOOK_SECONDS
            if readable:
                wait = min(constants.ESCAPE_DELAY, LOOK_SECONDS)
                self._reads += 1
                if not (content := os.read(self.fileno, READ_BYTES)) and self.gone:
                    raise OSError(errno.EIO, "the terminal has hung up")
                if text := decode(content):
                    for message in parser.feed(text):
                        self.process_message(message)
            for message in parser.tick():
                self.process_message(message)

    def process_message(self, message: Message) -> None:
        """Hand a key, or anything else that the terminal sent, to the app; in the thread that reads."""
        if isinstance(message, InBandWindowResize):  # the answer to the last question
            self._answered.set()
        if isinstance(message, events.Resize):  # of a terminal that writes its size
            self._written_size = message
            self._resizes.changed()
            return
        if isinstance(message, events.Key):
            if self._torn.takes(message, message.time):
                return
            if self._reads != self._key_read and message.time - self._key_at > BURST_SECONDS:
                self._burst_at = message.time
            self._key_read, self._key_at, message.time = self._reads, message.time, self._burst_at
        super().process_message(message)

    def _draw_size(self) -> None:
        size = Size(*self._get_terminal_size())
        self._app.post_message(self._written_size or events.Resize(size, size))

    def _hang_up(self, _number: int, _frame: FrameType | None) -> None:
        self._hung_up = True
        # A terminal that hangs up has nothing left to read; its reader would spin on that.
        if not os.isatty(self.fileno):
            self.exit_event.set()


def terminal_is_gone(driver: Driver | None) -> bool:
    """Return True if the driver's terminal is gone; never for a driver that draws for a test."""
    return isinstance(driver, ResilientDriver) and driver.gone
