"""Gives the shell its prompt back when a screen detaches: a small process that waits for the one that trains.

A process can't leave the shell that waits for it. So a run with a screen trains in a child of what the shell started,
which waits, passes signals on, and may end first.
"""

import contextlib
import os
import signal
import sys
import termios
from collections.abc import Callable, Iterator

from cifar_tui.system.invocation import command_line

SAVE_AND_END = (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGXCPU)
"""Signals that end a run with all of it saved; the last three are how schedulers warn that its time is nearly up."""
PASSED_ON = (*SAVE_AND_END, signal.SIGHUP)
RELEASED = signal.SIGURG
"""Sent by the child when it lets go: nobody else sends it."""
WAITED_FOR = {signal.SIGCHLD, RELEASED, signal.SIGINT, *PASSED_ON}
PARENT_DEATH_SIGNAL = 1
"""Linux's prctl number for it."""
MOST_BYTES = 2_000
TERMINAL_RESTORED = "\x1b[?1049l\x1b[?25h\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?2004l\x1b[?1004l\x1b[<u\n"
"""Leaves the screen and what belongs to it, for a program that no longer can."""


def in_foreground() -> bool:
    """Return False where another job has the terminal: a process that changes its settings then is stopped for ever."""
    try:
        return os.tcgetpgrp(0) == os.getpgrp()
    except OSError:
        return True  # not this session's terminal: nobody stops a process over it


@contextlib.contextmanager
def terminal_settings_allowed() -> Iterator[None]:
    """Change terminal settings in this block, from the background, too, where SIGTTOU would stop the process."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def train_behind_a_parent() -> Callable[[str], None]:
    """Go on in a child process; what the shell started waits for it.

    Returns how to release the shell: the child becomes a session of its own, and the text is the last that its parent
    prints. When the parent is killed, the child saves and ends (SIGTERM, on Linux).
    """
    reader, writer = os.pipe()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, WAITED_FOR)
    parent = os.getpid()
    child = os.fork()
    if child:
        os.close(writer)
        os._exit(_wait(child, reader))
    os.close(reader)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    _when_parent_dies(signal.SIGTERM)
    if os.getppid() != parent:
        os._exit(128 + signal.SIGTERM)

    def release_shell(last_line: str) -> None:
        _when_parent_dies(0)
        os.setsid()
        with contextlib.suppress(OSError):
            os.write(writer, last_line.encode()[:MOST_BYTES])
            os.kill(os.getppid(), RELEASED)

    return release_shell


def _wait(child: int, reader: int) -> int:
    """Wait for the child, or until it lets go. Returns the exit code."""
    attributes = _terminal_attributes()
    while True:
        number = signal.sigwait(WAITED_FOR)
        if number in PASSED_ON:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, number)
        elif number == RELEASED:
            print(os.read(reader, MOST_BYTES).decode(), flush=True)
            return 0
        elif number == signal.SIGCHLD:
            pid, status = os.waitpid(child, os.WNOHANG | os.WUNTRACED)
            if pid and os.WIFSTOPPED(status):
                os.kill(os.getpid(), signal.SIGSTOP)
                os.kill(child, signal.SIGCONT)
            elif pid:
                return _exit_code(os.waitstatus_to_exitcode(status), attributes)


def _exit_code(code: int, attributes: "termios._AttrReturn | None") -> int:
    """Return the exit code for the shell; after a child that was killed, its terminal is restored."""
    if code >= 0:
        return code
    if attributes is not None:
        with contextlib.suppress(OSError, termios.error), terminal_settings_allowed():
            termios.tcsetattr(0, termios.TCSANOW, attributes)
            os.write(2, TERMINAL_RESTORED.encode())
    name = signal.Signals(-code).name
    print(f"Training was killed ({name}). To find its last saved state: {command_line('runs')}", file=sys.stderr)
    return 128 - code


def _terminal_attributes() -> "termios._AttrReturn | None":
    with contextlib.suppress(OSError, termios.error):
        return termios.tcgetattr(0)
    return None


def _when_parent_dies(number: int) -> None:
    """Have this process sent a signal when its parent dies, where the system can do that."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(PARENT_DEATH_SIGNAL, number, 0, 0, 0)
