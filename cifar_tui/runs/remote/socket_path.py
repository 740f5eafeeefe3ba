"""The path of a run's socket: in a folder that only its owner can enter, named in the run's own folder.

The paths of sockets are short (107 bytes on Linux), and a run's folder may be on a disk that holds no sockets, or be
readable by others.
"""

import contextlib
import os
import re
import stat
import tempfile
from pathlib import Path

import orjson

from cifar_tui.files.atomic_write import write_atomically
from cifar_tui.files.digest import digest_of
from cifar_tui.files.run_files import ADDRESS_NAME

ADDRESS_LIMIT = 4_096
"""Bytes; a larger one is not ours."""
PATH_LIMIT = 103
"""Bytes a socket's path may have where the limit is lowest."""
SOCKET_PATTERN = re.compile(r"[0-9a-f]{16}\.sock")


class UnsafeFolder(OSError):
    """The folder for sockets is not ours alone."""


def socket_folders() -> list[Path]:
    """Return the places for this person's sockets, best first: the session's own, and one beside temporary files.

    A session that is somebody else's, as after `su`, is passed over.
    """
    session, folders = os.environ.get("XDG_RUNTIME_DIR", ""), []
    if session and len(os.fsencode(session)) < PATH_LIMIT - 40:
        with contextlib.suppress(OSError):  # it is not there, or not ours
            check_private(Path(session))
            folders.append(Path(session) / "cifar-tui")
    short = Path(tempfile.gettempdir())
    if len(os.fsencode(short)) > PATH_LIMIT - 50:
        short = Path("/tmp")
    return [*folders, short / f"cifar-tui-{os.getuid()}"]


def check_private(folder: Path) -> None:
    """Raises UnsafeFolder unless the folder is a real one, ours, and closed to everybody else."""
    facts = os.lstat(folder)
    if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.getuid() or stat.S_IMODE(facts.st_mode) & 0o077:
        raise UnsafeFolder(f"{folder} has to be yours, and closed to others")


def make_socket_path(run: Path) -> Path:
    """Return the path for the run's socket, its folder made and checked. Raises OSError where no place is safe."""
    refused: OSError | None = None
    for folder in socket_folders():
        try:
            with contextlib.suppress(FileExistsError):
                folder.mkdir(mode=0o700, parents=True)
            check_private(folder)
        except OSError as error:
            refused = error
        else:
            return folder / f"{digest_of(os.fsencode(run.resolve()))[:16]}.sock"
    raise refused or FileNotFoundError


def write_address(run: Path, path: Path) -> None:
    """Name the socket in the run's folder. Raises OSError."""
    content = orjson.dumps({"socket": str(path)}, option=orjson.OPT_APPEND_NEWLINE)
    write_atomically(run / ADDRESS_NAME, lambda file: file.write(content))


def read_address(run: Path) -> Path | None:
    """The socket that the run's folder names, where it can be trusted; None without one.

    Trusted is a socket in a folder that only this person can enter, whoever wrote the address.
    """
    try:
        with (run / ADDRESS_NAME).open("rb") as file:
            record = orjson.loads(file.read(ADDRESS_LIMIT))
        path = Path(record["socket"])
        check_private(path.parent)
        is_socket = stat.S_ISSOCK(os.lstat(path).st_mode)
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return path if is_socket and SOCKET_PATTERN.fullmatch(path.name) else None


def discard_address(run: Path) -> None:
    """Remove the socket and its address; only for who holds the run."""
    path = read_address(run)
    with contextlib.suppress(OSError):
        if path is not None:
            path.unlink()
    with contextlib.suppress(OSError):
        (run / ADDRESS_NAME).unlink()
