"""Options: what a field of the recipe that people set says of itself, and the checks that follow from it."""

import dataclasses
import math
import re
import types
from collections.abc import Callable
from dataclasses import KW_ONLY
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from cifar_tui.dataclass import dataclass
from cifar_tui.errors import BadInput
from cifar_tui.files.home_path import in_home
from cifar_tui.text import safe_text

RECIPE, DATA, RUN = "Recipe", "Data", "Run"
KEEP_PATTERN = re.compile(r"best\+last:([1-9]\d{0,5})", re.ASCII)
"""A `keep` that names a number of checkpoints."""

DEVICES = "auto, cpu, cuda for an NVIDIA GPU, cuda:1 for the second one, mps"
DEVICE_PATTERN = re.compile(r"auto|cpu|mps|cuda(:\d{1,3})?", re.ASCII)
PANELS = (RECIPE, DATA, RUN)
"""Panels of the help, in their order."""


@dataclass(frozen=True, slots=True)
class Option:
    """Annotation of a field that people set; `options_of` fills in what follows from the field itself."""

    help: str
    """Text of the help; the choices are added where the field has some."""
    _: KW_ONLY
    panel: str = RECIPE
    """Panel of the help."""
    flag: str = ""
    """Name on the command line; empty for the field's."""
    help_elsewhere: str = ""
    """The same where an existing run's checkpoint is evaluated; empty for the same text."""
    metavar: str | None = None
    """Stands for the value in the help; None for its type."""
    quantity: str = ""
    """Name of the number in an error's sentence; empty for the field's."""
    least: int | None = None
    most: int | None = None
    above: int | None = None
    below: int | None = None
    multiple_of: int | None = None
    unit: str = ""
    """Unit of the limits."""
    off: int | None = None
    """Number outside of the limits that means none."""
    parse: Callable[[str], str | None] | None = None
    """Turns what was typed into the value; None from it for nothing typed."""
    changeable: bool = False
    """True where a resumed run may change it; anything else would make it another run."""
    field: str = ""
    """Name of the recipe's field."""
    kind: type = str
    """Type of the value."""
    choices: tuple[str, ...] = ()
    """Values there are; empty for any."""
    examples: tuple[str, ...] = ()
    """Values that a shell completes, where there are others."""

    def of(self, field: str, hint: object) -> "Option":
        """Return the option of a field with this name and type."""
        parts = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
        (kind,) = [part for part in parts if part is not type(None)]
        choices = get_args(kind) if get_origin(kind) is Literal else ()
        return dataclasses.replace(
            self,
            field=field,
            flag=self.flag or f"--{field.replace('_', '-')}",
            quantity=self.quantity or field.replace("_", " "),
            kind=str if choices else kind,
            choices=choices,
            metavar="NAME" if choices else self.metavar,
            help=_with_choices(self.help, choices),
            help_elsewhere=self.help_elsewhere and _with_choices(self.help_elsewhere, choices),
        )

    # Any: the command line, or who calls instead of it, gives a value of the field's type.
    def read(self, typed: Any) -> object:
        """Return the value that was typed, None for nothing. Raises BadInput when it is none of the choices."""
        self._check_choice(typed)
        return self.parse(typed) if self.parse is not None else typed

    def check(self, value: object) -> None:
        """Raise BadInput when the value is none of the choices, or is outside of the limits."""
        self._check_choice(value)
        if isinstance(value, int | float) and value != self.off and not self._allows(value):
            number = f"{value:g}" if isinstance(value, float) else str(value)
            raise BadInput(f"The {self.quantity} must be {self._limits()}, not {number}.")

    def _check_choice(self, value: object) -> None:
        if self.choices:
            check_choice(self.flag, value, self.choices)

    def _allows(self, value: float) -> bool:
        return (
            math.isfinite(value)
            and (self.least is None or value >= self.least)
            and (self.most is None or value <= self.most)
            and (self.above is None or value > self.above)
            and (self.below is None or value < self.below)
            and (self.multiple_of is None or value % self.multiple_of == 0)
        )

    def _limits(self) -> str:
        if self.multiple_of is not None:
            return f"a multiple of {self.multiple_of}"
        below = f" and below {self.below}" if self.below is not None else ""
        if self.above is not None:
            return f"a number above {self.above}{below}"
        if self.most is not None:
            return f"{self.least} to {self.most} {self.unit}"
        return f"{self.least} or more{below}"


def _with_choices(text: str, choices: tuple[str, ...]) -> str:
    return f"{text}: {', '.join(choices)}." if choices else text


@cache
def options_of(recipe: type) -> dict[str, Option]:
    """Return the options of a class by the names of their fields, in the order of the help."""
    annotated = {
        name: get_args(hint)
        for name, hint in get_type_hints(recipe, include_extras=True).items()
        if get_origin(hint) is Annotated
    }
    options = [
        extra.of(name, hint) for name, (hint, *extras) in annotated.items() for extra in extras if type(extra) is Option
    ]
    return {option.field: option for option in sorted(options, key=lambda option: PANELS.index(option.panel))}


def check_choice(flag: str, value: object, choices: tuple[str, ...]) -> None:
    """Raise BadInput when the value is none of the choices."""
    if value not in choices:
        raise BadInput(f"{flag} cannot be '{value}'. Choose one of: {', '.join(choices)}.")


def parse_device(device: str) -> str:
    """Return the name of a device as it is. Raises BadInput when it is none."""
    if DEVICE_PATTERN.fullmatch(device) is None:
        raise BadInput(f"--device cannot be '{safe_text(device, 40)}'. Choose one of: {DEVICES}.")
    return device


def absolute_folder(path: str) -> str | None:
    """Return the path independent of where it was typed, so that the run can be resumed from elsewhere."""
    return str(in_home(path).absolute()) if path else None


def parse_keep(keep: str) -> int | None:
    """Return the number of the newest checkpoints that `keep` names; None for all. Raises BadInput."""
    if keep == "all":
        return None
    match = KEEP_PATTERN.fullmatch(keep)
    if match is None:
        raise BadInput(f"--keep must be 'all' or 'best+last:N' with N of 1 or more, not '{keep:.40}'.")
    return int(match.group(1))
