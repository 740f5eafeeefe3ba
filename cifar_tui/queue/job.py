"""A job: everything that its run is started with, as a record that names options and never a command."""

import math
import shlex
from collections.abc import Collection, Iterable
from dataclasses import field
from functools import cache
from pathlib import Path
from typing import ClassVar

from cifar_tui.dataclass import dataclass
from cifar_tui.errors import BadInput
from cifar_tui.option import options_of
from cifar_tui.recipe import Recipe
from cifar_tui.text import safe_text

BEST = "best:"
"""Begins a start from the best run of a sweep, as in `best:rates`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A run that is to be trained."""

    omitted_if_empty: ClassVar[tuple[str, ...]] = ("tags", "after")

    number: int
    """Counted from 1 in its queue, and never given twice."""
    run: str
    """The run's name, which no other job and no other run of the folder has."""
    preset: str = ""
    """The preset it starts from; empty where a run's checkpoint brings its recipe along."""
    options: dict[str, str] = field(default_factory=dict)
    """Changes of the recipe, by the names of its fields, as they are typed; `yes` for a switch."""
    start: str = ""
    """The checkpoint that it starts from: a file, or `best:` and a sweep; empty for fresh weights."""
    weights: str = ""
    """Name of one of several sets of weights in that file."""
    normalize: str = ""
    """Normalization of the images, where the file belongs to no run."""
    model: str = ""
    """The function that makes its network, as `FILE.py:make`; empty for the ResNet-18."""
    model_sha256: str = ""
    """Digest of that file as it was when the job was added: another content is not trained."""
    gpus: str = ""
    """Number of GPUs that train it together, or `all`; empty for one device."""
    processes: int = 0
    """Processes that train it together without GPUs; 0 for one."""
    tags: tuple[str, ...] = ()
    """The run's tags; a sweep is the runs with a common one."""
    after: tuple[str, ...] = ()
    """Names of the runs that have to end first."""
    seconds: float = math.nan
    """Estimated time of the run; NaN where that is not known."""
    added_at: float = 0.0
    """Wall clock, seconds since 1970."""

    @property
    def sweep(self) -> str:
        """The sweep whose best run it starts from; empty for none."""
        return self.start.removeprefix(BEST) if self.start.startswith(BEST) else ""

    @property
    def device(self) -> str:
        """The device that its recipe names."""
        return self.options.get("device", "auto")

    def changes(self, first: Collection[str] = ()) -> str:
        """Return its options in short, as a person types them; those in `first` come before the preset."""
        preset = ["--preset", self.preset] if self.preset else []
        early = {name: value for name, value in self.options.items() if name in first}
        late = {name: value for name, value in self.options.items() if name not in first}
        words = [*recipe_arguments(early, passed_over=True), *preset, *recipe_arguments(late, passed_over=True)]
        return " ".join(map(_quoted, words))


def differing(jobs: Iterable[Job]) -> frozenset[str]:
    """Return the names of the options that are not the same in all jobs."""
    every = [job.options for job in jobs]
    names = {name for options in every for name in options}
    return frozenset(name for name in names if len({options.get(name) for options in every}) > 1)


@cache
def _quoted(word: str) -> str:
    """Return a word as a shell takes it; the jobs of a sweep have most of theirs in common."""
    return shlex.quote(word)


def recipe_arguments(options: dict[str, str], *, passed_over: bool = False) -> list[str]:
    """Return changes of a recipe as options of the command line.

    Raises BadInput for one that this version does not have, unless such are passed over.
    """
    known, words = options_of(Recipe), []
    for name, value in options.items():
        if name in known:
            words += [known[name].flag] if known[name].kind is bool else [known[name].flag, value]
        elif not passed_over:
            raise BadInput(f"This version has no option for {safe_text(name, 40)}: drop the job and add it again.")
    return words


def train_arguments(job: Job, folder: Path, start: str) -> list[str]:
    """Return the options of `train` that start a job's run in its folder, from a checkpoint where one is named.

    Raises BadInput.
    """
    words = ["--preset", job.preset] if job.preset else []
    words += recipe_arguments(job.options)
    named = {
        "--from": start,
        "--weights": job.weights,
        "--normalize": job.normalize,
        "--model": job.model,
        "--gpus": job.gpus,
        "--processes": str(job.processes or ""),
    }
    for flag, value in named.items():
        words += [flag, value] if value else []
    for tag in job.tags:
        words += ["--tag", tag]
    return [*words, "--run-name", job.run, "--outf", str(folder)]
