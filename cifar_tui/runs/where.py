"""Filters runs by what a person types: `preset=short accuracy>80% age<7d`. Nothing of it is ever run as code."""

import math
import re
import time
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

from cifar_tui.dataclass import dataclass
from cifar_tui.errors import BadInput
from cifar_tui.option import options_of
from cifar_tui.recipe import Recipe
from cifar_tui.runs.overview import OVER, Overview
from cifar_tui.text import safe_text

Where = Callable[[Overview], bool]
Values = Callable[[Overview], Sequence[float | str | None]]
"""Returns what a run has in a field: mostly one value, None where there is none yet."""

TERM = re.compile(r"""([A-Za-z][\w-]*)\s*(!=|!~|<=|>=|==|=|<|>|~)\s*("[^"]*"|'[^']*'|\S*)""")
RUNNING = "running"
"""State of any run that has not ended, whatever it does."""
STATES = (RUNNING, "starting", "preparing", "training", "testing", "paused", *OVER)
NOTHING = ("none", "all")
"""Typed for a number that a run does not have, or does not limit."""
YES, NO = ("yes", "true", "on", "1"), ("no", "false", "off", "0")

SECONDS = {"s": 1, "min": 60, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
BYTES = {"": 1, "k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}
NUMBER = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)\s*([a-z%]*)", re.IGNORECASE | re.ASCII)

COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "<": lambda one, other: one < other and not _same(one, other),
    ">": lambda one, other: one > other and not _same(one, other),
    "<=": lambda one, other: one < other or _same(one, other),
    ">=": lambda one, other: one > other or _same(one, other),
}


@dataclass(frozen=True, slots=True)
class _Field:
    """Something that runs are filtered by."""

    name: str
    """As it is typed."""
    values: Values
    """Returns what a run has in it."""
    number: Callable[[str], float | None] | None = None
    """Reads a number as it is typed, ValueError for what is none; None for a field of texts."""
    example: str = ""
    """A value of a field of numbers."""
    choices: tuple[str, ...] = ()
    """The texts there are; empty for any."""


def parse_where(text: str) -> Where:
    """Return the filter that a person has typed: terms `FIELD OPERATOR VALUE`, all of which must hold.

    Raises BadInput, also where there is no term: nothing typed must not mean every run.
    """
    words, where = parse_filter(text)
    if words:
        raise BadInput(
            f"'{safe_text(words[0], 60)}' is no term of a filter: type a field, one of = != < <= > >= ~ and a value, "
            "as in preset=short accuracy>80%."
        )
    if not text.strip():
        raise BadInput("The filter is empty: type terms, as in preset=short accuracy>80%.")
    return where


def parse_filter(text: str) -> tuple[list[str], Where]:
    """Return the words of a filter that are no terms, and the filter that its terms make. Raises BadInput."""
    words: list[str] = []
    terms: list[Where] = []
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        match = TERM.match(text, at)
        if match is not None:
            terms.append(_term(*match.groups()))
            at = match.end()
        else:
            word = text[at:].split(maxsplit=1)[0]
            words.append(word)
            at += len(word)
    return words, lambda run: all(term(run) for term in terms)


def field_names() -> tuple[str, ...]:
    """Return the names of the fields that runs are filtered by."""
    return tuple(_fields())


def _term(name: str, operator: str, typed: str) -> Where:
    field = _fields().get(ALIASES.get(_plain(name), _plain(name)))
    if field is None:
        raise BadInput(_no_such_field(name))
    if not typed:
        raise BadInput(f'{field.name}{operator} needs a value; {field.name}="" is an empty one.')
    quoted = typed[0] in "\"'"
    if quoted and (len(typed) < 2 or typed[-1] != typed[0]):
        raise BadInput(f"The quotation mark in {field.name}{operator}{safe_text(typed, 60)} is not closed.")
    wanted = [typed[1:-1]] if quoted else typed.split(",")
    operator = {"==": "="}.get(operator, operator)
    positive = {"!=": "=", "!~": "~"}.get(operator, operator)
    hold = _numbers(field, positive, wanted) if field.number is not None else _texts(field, positive, wanted)
    return hold if operator == positive else lambda run: not hold(run)


def _texts(field: _Field, operator: str, wanted: Sequence[str]) -> Where:
    """Return the filter of a field of texts: one is equal to a pattern, or holds a text; a run without any has ''."""
    if operator not in ("=", "~"):
        raise BadInput(f"{field.name} is a text, which {operator} cannot compare: use = != ~ or !~.")
    patterns = [one.lower() for one in wanted]
    if field.choices:
        patterns = [one.replace("-", " ").replace("_", " ") for one in patterns]
        for pattern in patterns:
            if not any(_fits(operator, choice.lower(), pattern) for choice in field.choices):
                raise BadInput(
                    f"{field.name} is never '{safe_text(pattern, 60)}'. There is: {', '.join(field.choices)}."
                )

    def holds(run: Overview) -> bool:
        there = [str(one).lower() for one in field.values(run) if one is not None] or [""]
        return any(_fits(operator, value, pattern) for value in there for pattern in patterns)

    return holds


def _fits(operator: str, value: str, pattern: str) -> bool:
    return pattern in value if operator == "~" else fnmatchcase(value, pattern)


def _numbers(field: _Field, operator: str, wanted: Sequence[str]) -> Where:
    assert field.number is not None
    if operator == "~":
        raise BadInput(f"{field.name} is a number, in which ~ cannot search: use = != < <= > or >=.")
    try:
        numbers = [field.number(one.strip().lower()) for one in wanted]
    except ValueError:
        raise BadInput(
            f"{field.name} cannot be compared with '{safe_text(','.join(wanted), 60)}': type it as "
            f"{field.name}{operator}{field.example}."
        ) from None
    if operator == "=":
        return lambda run: any(_equal(value, one) for value in field.values(run) for one in numbers)
    (number, *others), compare = numbers, COMPARISONS[operator]
    if others or number is None:
        raise BadInput(f"{field.name}{operator} compares with one number, as in {field.name}{operator}{field.example}.")
    return lambda run: any(isinstance(value, float | int) and compare(value, number) for value in field.values(run))


def _equal(value: float | str | None, number: float | None) -> bool:
    if not isinstance(value, float | int) or number is None:
        return value is number
    return _same(value, number)


def _same(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=1e-9)


def _no_such_field(name: str) -> str:
    names = field_names()
    close = get_close_matches(_plain(name), [*names, *ALIASES], 1)
    meant = f" Did you mean {close[0]}?" if close else ""
    return f"Runs have no field '{safe_text(name, 60)}' to filter by.{meant} There are: {', '.join(names)}."


def _plain(name: str) -> str:
    return name.lower().replace("-", "_")


def _number(typed: str) -> float | None:
    """Return a number, or a share from a percentage; None for none. Raises ValueError."""
    if typed in NOTHING:
        return None
    number, unit = _with_unit(typed)
    if unit not in ("", "%"):
        raise ValueError
    return number / 100 if unit else number


def _accuracy(typed: str) -> float | None:
    """Return a share of 0 to 1 from itself or a percentage, as 80% or 80. Raises ValueError."""
    number = _number(typed)
    if number is None:
        return None
    share = number / 100 if number > 1 and not typed.endswith("%") else number
    if not 0 <= share <= 1:
        raise ValueError
    return share


def _size(typed: str) -> float | None:
    """Return bytes. Raises ValueError."""
    number, unit = _with_unit(typed)
    return number * BYTES[unit.removesuffix("b")] if unit.removesuffix("b") in BYTES else _refuse()


def _seconds(typed: str) -> float | None:
    """Return seconds; None for none. Raises ValueError."""
    if typed in NOTHING:
        return None
    number, unit = _with_unit(typed)
    return number * SECONDS[unit] if unit in SECONDS else _refuse()


def _flag(typed: str) -> float:
    """Return 1 for yes and 0 for no. Raises ValueError."""
    return 1.0 if typed in YES else 0.0 if typed in NO else _refuse()


def _refuse() -> float:
    raise ValueError


def _with_unit(typed: str) -> tuple[float, str]:
    match = NUMBER.fullmatch(typed)
    number = float(match[1]) if match is not None else math.inf
    if match is None or not math.isfinite(number):
        raise ValueError
    return number, match[2].lower()


def _shown_share(value: float | None) -> tuple[float | None]:
    """Return an accuracy as tables show it: equal is what looks equal."""
    return (round(value, 4) if value is not None else None,)


def _state(run: Overview) -> tuple[str, ...]:
    return (run.state, RUNNING) if run.trains else (run.state,)


def _data(run: Overview) -> tuple[str, str]:
    return run.recipe.data, Path(run.recipe.data).name


def _model(run: Overview) -> tuple[str, ...]:
    own = run.recipe.model
    return (run.recipe.network,) if own is None else (own.name, own.function, own.file)


def _from(run: Overview) -> tuple[str, ...]:
    parent = run.recipe.parent
    return () if parent is None else (parent.run, parent.checkpoint, f"{parent.run}:{parent.epoch}")


def _progress(run: Overview) -> tuple[float | None]:
    return (run.step / run.total_steps if run.total_steps else None,)


def _age(run: Overview) -> tuple[float | None]:
    return (time.time() - run.started_at if run.started_at else None,)


def _left(run: Overview) -> tuple[float | None]:
    return (run.seconds_left if math.isfinite(run.seconds_left) else None,)


OF_A_RUN = (
    _Field("name", lambda run: (run.name,)),
    _Field("state", _state, choices=STATES),
    _Field("tag", lambda run: run.tags),
    _Field("note", lambda run: (run.note,)),
    _Field("accuracy", lambda run: _shown_share(run.best_accuracy), _accuracy, "80%"),
    _Field("last", lambda run: _shown_share(run.last_accuracy), _accuracy, "80%"),
    _Field("epoch", lambda run: (run.epoch,), _number, "5"),
    _Field("step", lambda run: (run.step,), _number, "500"),
    _Field("progress", _progress, _number, "50%"),
    _Field("time", lambda run: (run.seconds,), _seconds, "30min"),
    _Field("left", _left, _seconds, "30min"),
    _Field("age", _age, _seconds, "7d"),
    _Field("size", lambda run: (run.size,), _size, "1G"),
    _Field("preset", lambda run: (run.recipe.preset,)),
    _Field("data", _data),
    _Field("model", _model),
    _Field("from", _from),
    _Field("classes", lambda run: (run.recipe.classes,), _number, "10"),
)
ALIASES = {
    "run": "name",
    "tags": "tag",
    "best": "accuracy",
    "best_accuracy": "accuracy",
    "last_accuracy": "last",
    "learning_rate": "lr",
    "batch": "batch_size",
    "parent": "from",
    "started": "age",
    "network": "model",
}


@cache
def _fields() -> dict[str, _Field]:
    """Return the fields by their names: a run's own, and those of its recipe that have an option."""
    fields = {one.name: one for one in OF_A_RUN}
    for option in options_of(Recipe).values():
        name = _plain(option.flag.removeprefix("--"))
        fields.setdefault(name, _of_recipe(name, option.field, option.kind))
    return fields


def _of_recipe(name: str, attribute: str, kind: type) -> _Field:
    def values(run: Overview) -> Sequence[float | str | None]:
        return (getattr(run.recipe, attribute),)

    if kind is str:
        return _Field(name, values)
    return _Field(name, values, _flag, "yes") if kind is bool else _Field(name, values, _number, "0.1")
