"""What a person means by a checkpoint: a file, or a run for its newest one."""

import os
from pathlib import Path

from cifar_tui.errors import BadInput
from cifar_tui.text import safe_text


def checkpoint_at(path: str) -> Path:
    """The file a person names, or the newest checkpoint of the run. Raises BadInput."""
    # Unlike pathlib, these take any string. Links, pipes and devices are refused where they are opened.
    if os.path.lexists(path) and not os.path.isdir(path):  # noqa: PTH112
        return Path(path)
    from cifar_tui.runs.folder import find_run
    from cifar_tui.runs.sidecars import newest_checkpoint

    folder = find_run(path)
    newest = newest_checkpoint(folder)
    if not newest:
        raise BadInput(f"The run in {safe_text(str(folder), 200)} has no checkpoint yet.")
    return folder / newest


def in_a_run(file: Path) -> bool:
    """Whether a file lies in the folder of a run of ours."""
    from cifar_tui.runs.folder import RECIPE_NAME

    return (file.parent / RECIPE_NAME).is_file()
