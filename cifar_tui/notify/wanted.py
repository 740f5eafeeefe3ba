"""The places that name whoever is notified; looked at by every run, and so free of what only some need."""

import os
from pathlib import Path

from cifar_tui.system.personal_folders import config_folder

NOTIFY = "CIFAR_TUI_NOTIFY"
"""Holds addresses, with blanks between them: no list of processes shows it to others."""
ON_EVENT = "CIFAR_TUI_ON_EVENT"
"""Holds a command."""
TELL = "CIFAR_TUI_TELL"
"""Holds names of events, with commas between them."""
VARIABLES = (NOTIFY, ON_EVENT, TELL)
FILE_NAME = "notify.json"


def configuration_file() -> Path:
    """Return the file that holds for every run."""
    return config_folder() / FILE_NAME


def anybody_named() -> bool:
    """Return True where the environment or the configuration may name somebody."""
    return any(os.environ.get(name) for name in VARIABLES) or os.path.lexists(configuration_file())
