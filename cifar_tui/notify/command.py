"""A person's command that gets a notification as one line of JSON on its standard input."""

import contextlib
import os
import signal
import subprocess

import orjson

from cifar_tui.notify.target import Failure, Notification

COMMAND_SECONDS = 30.0
"""The longest that a command may take; then its whole process group is killed."""
SHELL = "/bin/sh"
MEANINGS = {126: "it cannot be executed", 127: "command not found"}
"""Exit codes of a shell."""
WITHHELD = ("CIFAR_TUI_NOTIFY", "CIFAR_TUI_ON_EVENT", "CIFAR_TUI_TELL", "CIFAR_TUI_REPORT_TO", "CIFAR_TUI_LAUNCHED")
"""Variables that the command does not get: the secret, and what would make a run that it starts another's."""
OF_A_LAUNCHER = ("RANK", "WORLD_SIZE", "LOCAL_", "GROUP_", "ROLE_", "MASTER_", "TORCHELASTIC_")
"""The first letters of others."""


class CommandTarget:
    """Runs the command by a shell of its own, once for each notification; what it prints goes nowhere."""

    def __init__(self, command: str, seconds: float = COMMAND_SECONDS) -> None:
        """Run `command`, which comes from a person's command line, environment or configuration alone."""
        self.name = "the command of --on-event"
        self._command = command
        self._seconds = seconds
        self._process: subprocess.Popen[bytes] | None = None

    def deliver(self, notification: Notification) -> Failure | None:
        """Run it, and wait for its end."""
        try:
            # Nothing of the notification is part of the command: a run's name could be anything.
            self._process = process = subprocess.Popen(
                [SHELL, "-c", self._command],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=_environment(),
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            return Failure(f"it could not be started: {getattr(error, 'strerror', None) or error}", again=False)
        try:
            process.communicate(orjson.dumps(notification) + b"\n", self._seconds)
        except subprocess.TimeoutExpired:
            self.cancel()
            process.communicate()
            return Failure(f"it took longer than {self._seconds:.0f} s and was killed", again=False)
        finally:
            self._process = None
        return _failure(process.returncode)

    def cancel(self) -> None:
        """Kill the command and all that it has started in its process group."""
        process = self._process
        if process is not None and process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def _failure(code: int) -> Failure | None:
    if code < 0:
        return Failure(f"it was killed ({signal.Signals(-code).name})", again=False)
    return Failure(f"it ended with exit code {code}{_meaning(code)}", again=False) if code else None


def _meaning(code: int) -> str:
    return f", {MEANINGS[code]}" if code in MEANINGS else ""


def _environment() -> dict[str, str]:
    return {
        name: value for name, value in os.environ.items() if name not in WITHHELD and not name.startswith(OF_A_LAUNCHER)
    }
