"""The few exceptions that a person sees: each message tells what happened and what to do."""

import errno
import os
from pathlib import Path

NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
"""Numbers of the errors of a disk that is full, or a quota that is used up."""


class CifarTuiError(Exception):
    """A failure with a sentence for a person; the program ends with `exit_code`."""

    exit_code = 1


class BadInput(CifarTuiError):
    """Something a person chose cannot work: an option, a number, a folder."""

    exit_code = 2


class DataUnavailable(CifarTuiError):
    """The data set is not here and could not be fetched; trying again or other data may help."""

    exit_code = 2


class DataDamaged(CifarTuiError):
    """A file of the data set cannot be used; the message names it."""

    exit_code = 2


class FolderInUse(CifarTuiError):
    """Another trainer holds the run's folder; the message names it."""

    exit_code = 3


class AlreadyFinished(CifarTuiError):
    """The run that a command was to resume has finished: there is nothing to do, and nothing is wrong."""

    exit_code = 0


class CheckpointDamaged(CifarTuiError):
    """A checkpoint's file is missing, cut, changed, of another network, or not to be trusted."""


class StopRequested(Exception):
    """A stop was requested, by a signal of this name where there is one. Never shown: it becomes an event."""


def cannot_write(path: Path, error: OSError) -> BadInput:
    """The sentence for a place that cannot be written to."""
    return BadInput(f"Cannot write to {path}: {error.strerror or error}. Choose another folder.")


def refused(what: str) -> CheckpointDamaged:
    """The sentence for a file that wants more than to be read; `what` is made of our words and safe ones."""
    return CheckpointDamaged(f"Refused: {what}. Nothing was executed.")


def tells_no_room(sentence: str) -> bool:
    """Return True for a sentence that has the system's words for a disk that is full, or a quota that is used up."""
    return any(os.strerror(number) in sentence for number in NO_ROOM)
