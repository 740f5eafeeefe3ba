"""The code that this process may run: Python files that its command line has named, and no others.

Recipes, journals, sidecars and checkpoints name a file, too. That alone never makes it run: only `allow_file` and
`allow_run` permit it, which the command line alone calls, and what is run are the very bytes that these have read.
"""

import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from cifar_tui.dataclass import dataclass
from cifar_tui.errors import BadInput, cannot_write
from cifar_tui.files.atomic_write import write_atomically
from cifar_tui.files.digest import digest_of
from cifar_tui.files.home_path import in_home
from cifar_tui.files.run_files import MODEL_NAME
from cifar_tui.files.safe_open import TooLarge, open_regular
from cifar_tui.own_model import OwnModel
from cifar_tui.recipe import Recipe
from cifar_tui.system.invocation import command_line, from_here
from cifar_tui.text import safe_text, size

LARGEST = 1024 * 1024
"""Bytes of a Python file."""
TYPED = re.compile(r"(.+):([^\W\d]\w*)", re.DOTALL)
"""A file and a function, as they are typed."""


@dataclass(frozen=True, slots=True)
class AllowedCode:
    """A function that this process may run."""

    model: OwnModel
    """Its name and its file's digest."""
    source: bytes
    """The file's content, as it was read when it was allowed."""
    path: str
    """The file's path, for the errors in it."""


_allowed: dict[str, AllowedCode] = {}
"""By `OwnModel.key`. A module's, as it is the process that may run them; nothing is added at import."""


def allow_file(typed: str, run: Path | None = None) -> OwnModel:
    """Allow the function that a person has typed as `FILE.py:FUNCTION`. Raises BadInput.

    Where there is no such file, the message names the copy in the folder of the `run` that it is meant for.
    """
    match = TYPED.fullmatch(typed)
    if match is None:
        raise BadInput(f"--model must be FILE.py:FUNCTION, as in nets.py:make, not '{safe_text(typed, 100)}'.")
    path = in_home(match[1])
    if run is not None and not path.exists() and (run / MODEL_NAME).is_file():
        copy = _option(run / MODEL_NAME, match[2])
        raise BadInput(f"There is no file {_shown(path)}. The run's own copy is named with {copy}")
    source = _read(path)
    model = OwnModel(file=path.name, function=match[2], sha256=digest_of(source))
    return _allow(model, source, path)


def allow_run(folder: Path, recipe: Recipe) -> None:
    """Allow the code of a run that a person resumes: its own copy, unchanged since. Raises BadInput."""
    if recipe.model is None or is_allowed(recipe.model):
        return
    path, trained = folder / MODEL_NAME, recipe.model
    put_back = f"put {safe_text(trained.file, 60)} there as it was then (SHA-256 {trained.sha256[:12]}…)"
    if not path.exists():
        raise BadInput(f"{_shown(path)}, this run's copy of its code, is gone: {put_back} to resume it.")
    source = _read(path)
    if digest_of(source) != trained.sha256:
        raise BadInput(
            f"{_shown(path)} is not the code that this run was trained with: it has changed (SHA-256 differs). "
            f"Nothing of it was run; {put_back} to resume it."
        )
    _allow(recipe.model, source, path)


def is_allowed(model: OwnModel) -> bool:
    """Return True if this process may run a function."""
    return model.key in _allowed


def allowed_code(model: OwnModel) -> AllowedCode:
    """Return a function that this process may run. Raises BadInput for any other."""
    code = _allowed.get(model.key)
    if code is None:
        raise BadInput(
            f"The network is made by {model.name}, which runs only where it is named on the command line: "
            f"add --model {model.name}."
        )
    return code


def allowed_keys() -> list[str]:
    """Return what this process may run, for another one that it starts: digests and functions."""
    return list(_allowed)


def model_for(own: OwnModel, typed: Sequence[OwnModel]) -> OwnModel:
    """Return the function to take for a run's checkpoint: the run's own where it may run, else the only one typed."""
    return typed[0] if len(typed) == 1 and not is_allowed(own) else own


def check_allowed(model: OwnModel | None, folder: Path, command: str) -> None:
    """Raise BadInput, with the command that a person may type, where a run's code may not run in this process."""
    if model is None or is_allowed(model):
        return
    copy = folder / MODEL_NAME
    code = f"code in {_shown(copy)}" if copy.is_file() else f"{model.name}, of which {_shown(folder)} has no copy"
    raise BadInput(
        f"The network is made by {code}, which runs only where you name it on the command line, as in: "
        f"{command_line(command)}"
    )


def model_option(model: OwnModel, folder: Path) -> str:
    """Return the option that names the code of a run, as a person can type it: its copy, or the file that is gone."""
    copy = folder / MODEL_NAME
    return _option(copy, model.function) if copy.is_file() else f"--model {shlex.quote(model.name)}"


def _option(file: Path, function: str) -> str:
    return f"--model {shlex.quote(f'{from_here(file.absolute())}:{function}')}"


def copy_code(model: OwnModel, folder: Path) -> None:
    """Write a run's own copy of its code. Raises BadInput where it may not run, or the folder cannot be written."""
    source = allowed_code(model).source
    try:
        write_atomically(folder / MODEL_NAME, lambda file: file.write(source))
    except OSError as error:
        raise cannot_write(folder, error) from error


def _allow(model: OwnModel, source: bytes, path: Path) -> OwnModel:
    _allowed[model.key] = AllowedCode(model, source, from_here(path.absolute()))
    return model


def _read(path: Path) -> bytes:
    try:
        with open_regular(path, LARGEST, follow_links=True) as file:
            return file.read()
    except FileNotFoundError:
        raise BadInput(f"There is no file {_shown(path)}.") from None
    except OSError as error:
        raise BadInput(f"{_shown(path)} cannot be read: {error.strerror or error}.") from None
    except TooLarge as error:
        raise BadInput(f"{_shown(path)} is too large for a Python file: {size(error.size)}.") from None
    except ValueError as error:
        raise BadInput(f"{_shown(path)} cannot be read: {error}.") from None


def _shown(path: Path) -> str:
    return safe_text(from_here(path.absolute()), 300)
