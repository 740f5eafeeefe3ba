"""The owner of a file, for sentences on what a person may not do with it."""

import os
import pwd
from pathlib import Path

from cifar_tui.text import safe_text


def user_name(path: Path) -> str:
    """Return the name, or else the number, of the user that a file belongs to. Raises OSError."""
    uid = path.stat().st_uid
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def refusal(path: Path, error: OSError) -> str:
    """Return the system's reason to refuse a file, and whose it is where that is somebody else's."""
    reason = error.strerror or str(error)
    try:
        return reason if path.stat().st_uid == os.getuid() else f"{reason} (it belongs to {safe_text(user_name(path))})"
    except OSError:
        return reason
