"""The picture that a command draws into a file, as SVG."""

from pathlib import Path

from cifar_tui.cli.export import check_free
from cifar_tui.errors import BadInput, cannot_write
from cifar_tui.files.atomic_write import write_atomically
from cifar_tui.files.home_path import in_home
from cifar_tui.text import safe_text


def picture_file(typed: Path, otherwise: str) -> Path:
    """Return the file of a picture. Raises BadInput where none can be written, or one is there: do it `otherwise`."""
    file = in_home(typed)
    if file.suffix.lower() != ".svg":
        raise BadInput(f"--svg draws a picture: choose a FILE that ends in .svg, not {safe_text(file.name, 100)}.")
    check_free(file, otherwise)
    return file


def write_picture(file: Path, svg: str) -> None:
    """Write a picture. Raises BadInput."""
    try:
        write_atomically(file, lambda opened: opened.write(svg.encode()))
    except OSError as error:
        raise cannot_write(file, error) from error
