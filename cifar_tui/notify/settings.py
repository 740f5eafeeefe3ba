"""The settings of notifications: from the command line and the environment, else a person's configuration."""

import json
import os
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path

from cifar_tui.dataclass import dataclass
from cifar_tui.errors import BadInput
from cifar_tui.files.safe_open import open_regular
from cifar_tui.notify.address import Address, parse_address
from cifar_tui.notify.wanted import NOTIFY, ON_EVENT, TELL, VARIABLES, configuration_file
from cifar_tui.text import safe_text

NONE = "none"
"""Stands for no address or no command, in spite of the configuration."""
USUAL = "usual"
EVENTS = {
    "finished": "the run has come to its planned end",
    "failed": "it has ended because something broke",
    "stopped": "it has ended early, on request",
    "loss-not-finite": "the loss of a step was NaN or infinite",
    "disk-full": "the disk is full, and something waits in memory",
    "disk-error": "a checkpoint could not be saved for another reason",
    "rank-lost": "one of several processes was lost",
    "job-failed": "a job of a queue has failed",
    "sweep-done": "the last job of a sweep has ended",
    "best": "an epoch was the best so far",
    "started": "training has started",
}
"""Events by their names."""
OPT_IN = ("best", "started")
"""Those that nobody is notified of without asking."""
KEYS = ("notify", "on_event", "tell")
SIZE_LIMIT = 64 * 1024
"""Bytes; a larger file is refused."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Targets and events."""

    addresses: tuple[Address, ...] = ()
    """Addresses to post to."""
    command: str = ""
    """The command to run; empty for none."""
    unwanted: frozenset[str] = frozenset(OPT_IN)
    """Names of events that nobody wants a notification of; one that is not known here is wanted."""
    trouble: str = ""
    """One sentence when the configuration could not be used, else empty."""

    @property
    def targets(self) -> bool:
        """True where anybody is notified."""
        return bool(self.addresses or self.command)


def carry(notify: Sequence[str] | None, on_event: str | None, tell: str | None) -> None:
    """Put what was typed into the environment, which every process of the run inherits, and check it.

    Raises BadInput, also for what the environment held before.
    """
    typed = {NOTIFY: " ".join(notify) if notify else None, ON_EVENT: on_event, TELL: tell}
    empty = {TELL: USUAL}
    os.environ.update(
        {name: value.strip() or empty.get(name, NONE) for name, value in typed.items() if value is not None}
    )
    _settings(_typed(os.environ))
    if tell is not None:
        settings = read_settings()
        if not settings.targets and not settings.trouble:
            raise BadInput(
                "--tell chooses events, and nobody is named to tell: add --notify URL or --on-event COMMAND."
            )


def read_settings() -> Settings:
    """Return the settings of the environment, and for what it leaves open those of the configuration.

    A file that cannot be used is left out, and `trouble` says so. Raises BadInput for the environment.
    """
    path = configuration_file()
    of_file, trouble = _read_file(path)
    try:
        _settings(of_file)
    except BadInput as error:
        of_file, trouble = {}, f"{_shown(path)} is not used: {error}"
    return _settings({**of_file, **_typed(os.environ)}, trouble)


def _typed(environment: Mapping[str, str]) -> dict[str, list[str]]:
    """Return what is set, by the keys of the file."""
    notify, on_event, tell = (environment.get(name, "") for name in VARIABLES)
    values = {
        "notify": notify.split(),
        "on_event": [on_event] if on_event.strip() else [],
        "tell": [one.strip() for one in tell.split(",") if one.strip()],
    }
    return {key: value for key, value in values.items() if value}


def _settings(values: Mapping[str, Sequence[str]], trouble: str = "") -> Settings:
    notify = [one for one in values.get("notify", ()) if one != NONE]
    command = "".join(values.get("on_event", ()))
    return Settings(
        tuple(map(parse_address, notify)),
        "" if command.strip() == NONE else command,
        _unwanted(values.get("tell", ())),
        trouble,
    )


def _unwanted(tell: Sequence[str]) -> frozenset[str]:
    if not tell:
        return frozenset(OPT_IN)
    wanted: set[str] = set()
    for name in tell:
        if name not in (*EVENTS, USUAL):
            raise BadInput(f"--tell takes {USUAL} and {', '.join(EVENTS)}, by commas, not '{safe_text(name, 40)}'.")
        wanted |= {*EVENTS} - {*OPT_IN} if name == USUAL else {name}
    return frozenset(EVENTS) - wanted


def _read_file(path: Path) -> tuple[dict[str, list[str]], str]:
    """Return the file's values by their keys, and why it is not used; empty where it is, or there is none.

    What it holds is a secret: no sentence cites it.
    """
    try:
        with open_regular(path, SIZE_LIMIT, follow_links=True) as file:
            facts = os.fstat(file.fileno())
            if facts.st_uid not in (os.getuid(), 0) or facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                raise ValueError("others can write it, and it names commands; make it yours, with mode 600")
            record = json.loads(file.read(SIZE_LIMIT))
        values = _values(record)
    except (FileNotFoundError, NotADirectoryError):
        return {}, ""
    except (OSError, ValueError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or (
            "it is not JSON" if isinstance(error, json.JSONDecodeError | UnicodeDecodeError) else str(error)
        )
        return {}, f"{_shown(path)} is not used: {safe_text(reason)}."
    if facts.st_mode & (stat.S_IRGRP | stat.S_IROTH) and "notify" in values:
        return values, f"{_shown(path)} holds an address, and others can read it: chmod 600 keeps it yours."
    return values, ""


def _values(record: object) -> dict[str, list[str]]:
    """Return what a file holds. Raises ValueError."""
    if not isinstance(record, dict):
        raise ValueError("it is no JSON object")
    if unknown := [safe_text(str(key), 40) for key in record if key not in KEYS]:
        raise ValueError(f"{', '.join(unknown)} is none of {', '.join(KEYS)}")
    values = {}
    for key, value in record.items():
        several = [value] if isinstance(value, str) else value
        if not isinstance(several, list) or not all(isinstance(one, str) for one in several):
            raise ValueError(f"{key} is neither a text nor a list of texts")
        if key == "on_event" and len(several) > 1:
            raise ValueError("on_event is one command")
        parts = [part.strip() for one in several for part in (one.split(",") if key == "tell" else [one])]
        values[key] = [part for part in parts if part]
    return {key: value for key, value in values.items() if value}


def _shown(path: Path) -> str:
    return safe_text(str(path), 200)
