"""Completion in the shell: runs, checkpoints, presets and themes. Loads neither torch nor textual nor numpy."""

import contextlib
import io
import os
from collections.abc import Callable

from cifar_tui.presets import PRESETS

BASH_WORDS, BASH_INDEX = "COMP_WORDS", "COMP_CWORD"


def complete_run(incomplete: str) -> list[str]:
    """Return the names of the runs in `runs/`, the newest first."""
    from cifar_tui.runs.find import all_runs

    return [folder.name for folder in reversed(all_runs()) if folder.name.startswith(incomplete)]


def complete_run_or_tag(incomplete: str) -> list[str]:
    """Return the names of the runs in `runs/`, and the tags that they have."""
    from cifar_tui.runs.find import all_runs
    from cifar_tui.runs.tags import read_tags

    tags = sorted({tag for folder in all_runs() for tag in read_tags(folder)})
    return [*(tag for tag in tags if tag.startswith(incomplete)), *complete_run(incomplete)]


def complete_checkpoint(incomplete: str) -> list[str]:
    """Return runs, and RUN:EPOCH once a run is named or only one is left."""
    from cifar_tui.errors import BadInput
    from cifar_tui.runs.checkpoints.sidecars import epoch_checkpoint, list_sidecars
    from cifar_tui.runs.find import find_run

    run, colon, _ = incomplete.rpartition(":")
    names = [run] if colon else complete_run(incomplete)
    if len(names) != 1:
        return names
    with contextlib.suppress(BadInput, OSError):
        sidecars = list_sidecars(find_run(names[0]))
        epochs = [one.epoch for one in sidecars if one.checkpoint == epoch_checkpoint(one.epoch)]

        return ([] if colon else names) + [f"{names[0]}:{epoch}" for epoch in reversed(epochs)]
    return []


def complete_preset(incomplete: str) -> list[tuple[str, str]]:
    """Return the presets, each with its purpose."""
    return [(name, one.summary) for name, one in PRESETS.items() if name.startswith(incomplete)]


def complete_theme(incomplete: str) -> list[str]:
    """Return the names of the themes."""
    from cifar_tui.tui.settings.theme_files import theme_names

    return [name for name in theme_names() if name.startswith(incomplete)]


def complete_of(*names: str) -> Callable[[str], list[str]]:
    """Return the completion of an option that has a few values."""

    def complete(incomplete: str) -> list[str]:
        return [name for name in names if name.startswith(incomplete)]

    return complete


def run_completed_by_bash(app: Callable[[], None]) -> None:
    """Answer bash, for which a colon ends a word: `two:5` comes as three words, and only `5` is to be completed."""
    words, index = os.environ[BASH_WORDS].split("\n"), int(os.environ[BASH_INDEX])
    before, typed = words[:index], words[index : index + 1] or [""]
    head = ""
    if before[-1:] == [":"] and len(before) > 1:
        head, before, last = f"{before[-2]}:", before[:-2], typed[0]
    elif typed == [":"] and before:
        head, before, last = f"{before[-1]}:", before[:-1], ""
    else:
        last = typed[0]
    os.environ[BASH_WORDS] = "\n".join([*before, head + last])
    os.environ[BASH_INDEX] = str(len(before))
    answers = io.StringIO()
    try:
        with contextlib.redirect_stdout(answers):
            app()
    finally:
        print("\n".join(answer.removeprefix(head) for answer in answers.getvalue().splitlines()))
