"""Jobs that are about to be added: every combination of a sweep, each checked as `train` checks a run."""

import dataclasses
import os
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from cifar_tui.cli.checkpoint_path import RUN_AND_EPOCH, checkpoint_at, in_a_run, preset_here
from cifar_tui.cli.options import RECIPE_OPTIONS, parse_changes
from cifar_tui.cli.queue.place import find_job
from cifar_tui.cli.recipe_options import changed
from cifar_tui.cli.train_jobs import StartFile, new_run
from cifar_tui.data_sets import DATA_SETS
from cifar_tui.dataclass import dataclass
from cifar_tui.errors import BadInput
from cifar_tui.files.home_path import in_home
from cifar_tui.option import Option
from cifar_tui.presets import PRESETS
from cifar_tui.queue.best import members, waiting_members
from cifar_tui.queue.changes import Change, QueueState
from cifar_tui.queue.estimate import Estimates
from cifar_tui.queue.job import BEST, Job
from cifar_tui.queue.store import QueueStore
from cifar_tui.queue.sweep import Combination, combinations, name_of, number, values_of
from cifar_tui.recipe import Recipe
from cifar_tui.runs.checkpoints.sidecars import epoch_checkpoint, list_sidecars
from cifar_tui.runs.find import find_run
from cifar_tui.runs.folder import NAME_PATTERN, read_recipe, run_name
from cifar_tui.runs.tags import checked_tags
from cifar_tui.text import safe_text

PRESET = "preset"
PRESET_OPTION = Option("", flag="--preset", kind=str)
YES = "yes"


@dataclass(frozen=True, slots=True)
class Choices:
    """Everything that was typed, lists and ranges included; None for what was not."""

    options: dict[str, str]
    """By the fields of the recipe."""
    preset: str | None = None
    start: str | None = None
    weights: str = ""
    normalize: str | None = None
    model: str | None = None
    gpus: str | None = None
    processes: int | None = None
    name: str | None = None
    """The run's name, or the beginning of the names of a sweep's; None for one made of preset and time."""
    tags: tuple[str, ...] = ()
    sweep: str | None = None
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """A job that is about to be added; it has no number yet."""

    job: Job
    shown: str
    """The options in which it differs from the others, or all of a single one."""


def drafts_of(store: QueueStore, choices: Choices) -> list[Draft]:
    """Return the jobs of everything that was typed, each checked. Raises CifarTuiError, with nothing changed."""
    _check_processes(choices)
    typed = {**({PRESET: choices.preset} if choices.preset else {}), **choices.options}
    values = {name: values_of(RECIPE_OPTIONS.get(name, PRESET_OPTION), text) for name, text in typed.items()}
    swept = [name for name, found in values.items() if len(found) > 1]
    state, drafts = store.read(), list[Draft]()
    choices = dataclasses.replace(choices, after=_runs_to_wait_for(store, state, choices))
    estimates = Estimates(store.place)
    for combination in combinations(values):
        job, recipe = _job(store, state, choices, combination)
        job = dataclasses.replace(job, seconds=estimates.seconds(recipe))
        own = Job(number=0, run="", options={name: job.options[name] for name in swept if name != PRESET})
        preset = [f"--preset {job.preset}"] if PRESET in swept else []
        drafts.append(Draft(job, " ".join(filter(None, [*preset, own.changes()])) if swept else job.changes()))
    return _named(choices, drafts, [{name: one[name] for name in swept} for one in combinations(values)])


def put(store: QueueStore, drafts: Sequence[Draft], choices: Choices, *, first: bool) -> Sequence[Job]:
    """Add all of them or none, with numbers and names that no other has. Raises BadInput."""

    def decide(state: QueueState) -> list[Change]:
        jobs, taken = [], set(state.numbers)
        for offset, draft in enumerate(drafts):
            name = _free_name(store, draft.job.run, taken, chosen=choices.name is not None)
            taken.add(name)
            number = state.next_number + offset
            jobs.append(dataclasses.replace(draft.job, number=number, run=name, added_at=time.time()))
        return [Change(change="add", jobs=tuple(jobs), to=0 if first else -1)]

    (change,) = store.change(decide)
    return change.jobs


def _free_name(store: QueueStore, name: str, taken: set[str], *, chosen: bool) -> str:
    """Return a name that neither a job nor a folder has: the one that was chosen, or else with the next number."""
    free, nth = name, 1
    while free in taken or os.path.lexists(store.folder_of(free)):
        if chosen:
            where = "in the queue" if free in taken else f"in {store.place}"
            raise BadInput(f"There is {free} already {where}: choose another --run-name. Nothing was added.")
        nth += 1
        free = f"{name}-{nth}"
    return free


def _check_processes(choices: Choices) -> None:
    """Raise BadInput for a number of processes that can be none."""
    if choices.gpus and choices.processes:
        raise BadInput("--gpus says how many processes there are: leave --processes out.")
    if choices.gpus and choices.gpus != "all" and not (choices.gpus.isdecimal() and int(choices.gpus)):
        raise BadInput(f"--gpus must be a number or all, not '{choices.gpus:.20}'.")


def _job(store: QueueStore, state: QueueState, choices: Choices, combination: Combination) -> tuple[Job, Recipe]:
    """Return the job of one combination, and its recipe as far as it is known. Raises CifarTuiError."""
    options = {name: value for name, value in combination.items() if name != PRESET}
    changes = parse_changes({name: _value(RECIPE_OPTIONS[name], value) for name, value in options.items()})
    options = {name: _text(RECIPE_OPTIONS[name], options[name], value) for name, value in changes.items()}
    preset, start = combination.get(PRESET, ""), _absolute_start(store, state, choices.start)
    if _is_deferred(state, start):
        recipe = _checked_for_later(store, state, start, preset, choices, changes)
    else:
        file = StartFile(start or None, choices.weights, choices.normalize)
        recipe = new_run(changes, preset or None, file, choices.name, None, choices.model).recipe
        if not start:
            preset = recipe.preset
        if recipe.data in DATA_SETS and not recipe.synthetic:
            # The queue may be run from another folder.
            options.setdefault("data_dir", recipe.data_dir)
    job = Job(
        number=0,
        run=run_name(recipe, choices.name, time.localtime()),
        preset=preset,
        options=options,
        start=start,
        weights=choices.weights,
        normalize=choices.normalize or "",
        model=_absolute_model(choices.model),
        model_sha256=recipe.model.sha256 if choices.model and recipe.model is not None else "",
        gpus=choices.gpus or "",
        processes=choices.processes or 0,
        tags=choices.tags,
        after=choices.after,
    )
    return job, recipe


def _value(option: Option, typed: str) -> object:
    """Return what was typed as the command line would. Raises BadInput."""
    if option.kind is bool:
        return typed == YES
    return number(option, typed) if option.kind in (int, float) else typed


def _text(option: Option, typed: str, value: object) -> str:
    return typed if option.kind is not str else str(value)


def _absolute_start(store: QueueStore, state: QueueState, typed: str | None) -> str:
    """Return a checkpoint as it is typed anywhere. Raises BadInput."""
    if not typed or (typed.startswith(BEST) and not typed.removeprefix(BEST).isdecimal()):
        return typed or ""
    named = RUN_AND_EPOCH.fullmatch(typed)
    run, epoch = (named[1], f":{named[2]}") if named else (typed, "")
    entry = state.by_run(run)
    if entry is not None:
        return f"{store.folder_of(run)}{epoch}"
    file = checkpoint_at(typed)
    if in_a_run(file) and not os.path.isfile(in_home(typed)):  # noqa: PTH113 # takes any text
        return f"{find_run(run).absolute()}{epoch}"
    # Of a run and its epoch, which are found wherever the run's name has gone to until then.
    epochs = [
        one.epoch for one in list_sidecars(file.parent) if file.name == one.checkpoint == epoch_checkpoint(one.epoch)
    ]
    return f"{file.parent.absolute()}:{epochs[0]}" if in_a_run(file) and epochs else str(file.absolute())


def _is_deferred(state: QueueState, start: str) -> bool:
    """Return True where the checkpoint will be there only once other jobs have ended."""
    return start.startswith(BEST) or _queued_parent(state, start) is not None


def _queued_parent(state: QueueState, start: str) -> str | None:
    """Return the run of the queue that is to end first, where a job starts from its checkpoint."""
    named = RUN_AND_EPOCH.fullmatch(start)
    run = Path(named[1] if named else start).name
    entry = state.by_run(run)
    return run if entry is not None and entry.state != "ended" and start else None


def _checked_for_later(
    store: QueueStore, state: QueueState, start: str, preset: str, choices: Choices, changes: dict[str, object]
) -> Recipe:
    """Return the recipe of a run whose checkpoint is not there yet, as far as it is known. Raises BadInput."""
    if preset:
        raise BadInput("--preset cannot be combined with a run's checkpoint: the new run takes over that run's recipe.")
    if choices.model or choices.weights or choices.normalize:
        raise BadInput("--model, --weights and --normalize are for files: the run takes these over from its parent.")
    parent = _queued_parent(state, start)
    jobs, folders = [parent] if parent else [], list[Path]()
    if not parent:
        sweep = start.removeprefix(BEST)
        jobs, folders = waiting_members(state, sweep), members(store.place, sweep)
        if not jobs and not folders:
            raise BadInput(f"There is no sweep '{safe_text(sweep, 60)}': neither a job nor a run has that tag.")
    entry = state.by_run(jobs[0]) if jobs else None
    if entry is None:
        recipe = read_recipe(folders[0])
    else:
        typed = {name: _value(RECIPE_OPTIONS[name], value) for name, value in entry.job.options.items()}
        recipe = changed(preset_here(entry.job.preset or next(iter(PRESETS))), parse_changes(typed))
    if changes.get("width", recipe.width) != recipe.width:
        raise BadInput(f"The checkpoint's weights have width {recipe.width}: leave --width out.")
    return changed(recipe, changes).check()


def _absolute_model(typed: str | None) -> str:
    if not typed:
        return ""
    file, _, function = typed.rpartition(":")
    return f"{in_home(file).absolute()}:{function}"


def _runs_to_wait_for(store: QueueStore, state: QueueState, choices: Choices) -> tuple[str, ...]:
    """Return the names of the runs that were named, and of the one whose checkpoint a run starts from.

    Raises BadInput for one that is neither in the queue nor in its folder.
    """
    runs = []
    for typed in choices.after:
        if (store.folder_of(typed) / "recipe.json").is_file() if NAME_PATTERN.fullmatch(typed) else False:
            runs.append(typed)
            continue
        try:
            runs.append(find_job(state, typed).job.run)
        except BadInput as error:
            raise BadInput(f"--after takes a run in {safe_text(str(store.place), 200)}, or a job. {error}") from None
    parent = _queued_parent(state, _absolute_start(store, state, choices.start))
    return tuple(dict.fromkeys([*runs, *([parent] if parent else [])]))


def _named(choices: Choices, drafts: Sequence[Draft], own: Iterable[Combination]) -> list[Draft]:
    """Return the drafts with their names and tags; those of a sweep are named by what differs. Raises BadInput."""
    several = len(drafts) > 1
    first = drafts[0].job
    base = choices.name or (choices.sweep if several else None) or first.run
    sweep = choices.sweep or (base if several else None)
    tags = checked_tags([*choices.tags, *([sweep] if sweep else [])])
    flags = {name: RECIPE_OPTIONS[name].flag for name in first.options if name in RECIPE_OPTIONS} | {PRESET: ""}
    base = "".join(char if NAME_PATTERN.fullmatch(f"a{char}") else "_" for char in base)
    names = [name_of(base, one, flags) if several else base for one in own]
    if len(set(names)) < len(names) or not all(map(NAME_PATTERN.fullmatch, names)):
        width = len(str(len(names)))
        names = [f"{base[:90]}-{index + 1:0{width}d}" for index in range(len(names))]
    return [
        dataclasses.replace(draft, job=dataclasses.replace(draft.job, run=name, tags=tags))
        for draft, name in zip(drafts, names, strict=True)
    ]
