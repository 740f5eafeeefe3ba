"""The names of the files in a run's folder, spelled once."""

import re
from pathlib import Path
from typing import Annotated

JOURNAL_NAME = "journal.jsonl"
RECIPE_NAME = "recipe.json"
LOCK_NAME = "run.lock"
START_NAME = "start.pth"
"""A copy of the weights that a run starts with, where they are those of a checkpoint."""
MODEL_NAME = "model.py"
"""A copy of the code of a run's own network."""
LOG_NAME = "log.txt"
ACCURACIES_NAME = "acc.txt"
BEST_NAME = "best_acc.txt"
PINS_NAME = "pinned.json"
NOTE_NAME = "note.txt"
TAGS_NAME = "tags.txt"
ADDRESS_NAME = "control.json"
OUTPUT_NAME = "output.txt"
"""Output of libraries while the screen is up."""
TENSORBOARD_NAME = "tb"
"""The folder of event files for TensorBoard."""
FAILURE_NAME = "failure.txt"
RANK_STEM = "rank_"
"""The failure of a process other than the first: the stem, its number, and `.txt`."""
STEM = r"net_\d{3,}(?:_step_\d{5,})?"
CHECKPOINT_PATTERN = re.compile(rf"{STEM}\.pth")
"""The names of checkpoints."""
IMAGES_STEM = "test_images_"
IMAGES_SUFFIX = ".rgb"
"""The pixels of the test images: the stem, their checksum, and the suffix."""
STATE_PATTERN = re.compile(r"state_(\d{7,})\.json")


def journal_path(folder: Path) -> Path:
    """Return the path of a run's journal."""
    return folder / JOURNAL_NAME


def recipe_path(folder: Path) -> Path:
    """Return the path of a run's recipe; a folder without one is not a run's."""
    return folder / RECIPE_NAME


def is_checkpoint_name(name: str) -> bool:
    """Return True for a name that a run gives to a checkpoint."""
    return CHECKPOINT_PATTERN.fullmatch(name) is not None


CheckpointName = Annotated[str, is_checkpoint_name]
"""Checked wherever a record is read."""
