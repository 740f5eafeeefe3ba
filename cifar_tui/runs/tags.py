"""The tags that a person has put on a run: words that runs have in common, kept in the run's folder as its note is."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from cifar_tui.errors import BadInput, cannot_write
from cifar_tui.files.atomic_write import write_atomically
from cifar_tui.files.run_files import TAGS_NAME
from cifar_tui.files.safe_open import open_regular
from cifar_tui.text import safe_text

MOST_CHARACTERS = 60
"""Of a tag."""
MOST_TAGS = 50
"""Of a run."""
MOST_BYTES = 8_192
"""A larger file is none of ours."""
TAG_PATTERN = re.compile(rf"\w[\w./=-]{{0,{MOST_CHARACTERS - 1}}}", re.ASCII)


def read_tags(folder: Path) -> tuple[str, ...]:
    """Return a run's tags, in the order in which it got them; empty without any."""
    try:
        with open_regular(folder / TAGS_NAME, MOST_BYTES) as file:
            lines = file.read().decode("utf-8", "replace").splitlines()
    except (OSError, ValueError):
        return ()
    return _once(line for line in lines if TAG_PATTERN.fullmatch(line))[:MOST_TAGS]


def write_tags(folder: Path, tags: Sequence[str]) -> None:
    """Give a run these tags in place of those it has; none takes them away. Raises BadInput."""
    tags = checked_tags(tags)
    try:
        if tags:
            content = "".join(f"{tag}\n" for tag in tags).encode()
            write_atomically(folder / TAGS_NAME, lambda file: file.write(content))
        else:
            (folder / TAGS_NAME).unlink(missing_ok=True)
    except OSError as error:
        raise cannot_write(folder, error) from error


def change_tags(folder: Path, add: Sequence[str] = (), remove: Sequence[str] = ()) -> tuple[str, ...]:
    """Add tags to those of a run, take others away, and return what it has then. Raises BadInput."""
    before = read_tags(folder)
    after = _once([*(tag for tag in before if tag not in remove), *add])
    if after != before:
        write_tags(folder, after)
    return after


def checked_tags(typed: Iterable[str]) -> tuple[str, ...]:
    """Return tags as they were typed, each once. Raises BadInput for what is none, or for too many."""
    tags = _once(typed)
    for tag in tags:
        if not TAG_PATTERN.fullmatch(tag):
            raise BadInput(
                f"'{safe_text(tag, 80)}' cannot be a tag: use one word of up to {MOST_CHARACTERS} letters, digits and "
                ". _ - / =, starting with a letter, a digit or an underscore."
            )
    if len(tags) > MOST_TAGS:
        raise BadInput(f"A run has up to {MOST_TAGS} tags, not {len(tags)}.")
    return tags


def _once(tags: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(tags))
