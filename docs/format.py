"""Makes docs/format.md: the page's head, then a table of each record, from the classes and their docstrings.

python docs/format.py
"""

import ast
import dataclasses
import inspect
import re
from pathlib import Path
from typing import get_args

from cifar_tui import checkpoint_events, events, layer_events
from cifar_tui.control import Request
from cifar_tui.option import options_of
from cifar_tui.recipe import Ancestor, Recipe
from cifar_tui.runs.checkpoints.sidecars import Sidecar
from cifar_tui.runs.checkpoints.states import StateRecord
from cifar_tui.tui.settings.preferences import Preferences

HERE = Path(__file__).parent
MODULES = [module.__name__ for module in (events, checkpoint_events, layer_events)]
PARTS: dict[str, list[type]] = {
    "recipe.json": [Recipe, Ancestor],
    "Sidecars and states": [Sidecar, StateRecord],
    "screen.json": [Preferences],
    "Events": [
        *sorted(events.KINDS.values(), key=lambda kind: MODULES.index(kind.__module__)),
        checkpoint_events.WrongImage,
        checkpoint_events.ComparedPair,
    ],
    "Requests": [kind for kind in get_args(Request) if getattr(kind, "from_elsewhere", True)],
}


def page() -> str:
    """Return the whole page."""
    parts = [(HERE / "format.head.md").read_text(encoding="utf-8").rstrip()]
    for title, kinds in PARTS.items():
        parts += [f"## {title}", *map(table, kinds)]
    return "\n\n".join(parts) + "\n"


def table(kind: type) -> str:
    """Return a class's name, its docstring and its fields."""
    bodies = [body_of(one) for one in reversed(kind.__mro__) if dataclasses.is_dataclass(one)] or [body_of(kind)]
    lines = [f"**{kind.__name__}**: {(ast.get_docstring(body_of(kind)) or '').splitlines()[0]}", ""]
    rows = [row(kind, one.body, place) for one in bodies for place, node in enumerate(one.body) if is_field(node)]
    if rows:
        lines += ["| field | type | means |", "|---|---|---|", *rows]
    return "\n".join(lines).rstrip()


def body_of(kind: type) -> ast.ClassDef:
    """Return a class as it is written."""
    (body,) = (node for node in ast.parse(inspect.getsource(kind)).body if isinstance(node, ast.ClassDef))
    return body


def is_field(node: ast.stmt) -> bool:
    """Return True for a field of a dataclass."""
    return isinstance(node, ast.AnnAssign) and "ClassVar" not in ast.unparse(node.annotation)


def row(kind: type, body: list[ast.stmt], place: int) -> str:
    """Return a field's row of the table: its name, its type, its default, and the sentence under it."""
    field = body[place]
    assert isinstance(field, ast.AnnAssign)
    name = ast.unparse(field.target)
    annotation = field.annotation
    if isinstance(annotation, ast.Subscript) and ast.unparse(annotation.value) == "Annotated":
        assert isinstance(annotation.slice, ast.Tuple)
        annotation = annotation.slice.elts[0]
    following = body[place + 1] if place + 1 < len(body) else None
    described = isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant)
    sentence = str(following.value.value) if described else ""  # type: ignore[union-attr]
    if kind is Recipe and name in options_of(Recipe):
        sentence = f"{options_of(Recipe)[name].help} {sentence}".strip()
    default = f", {ast.unparse(field.value)} where missing" if field.value is not None else ""
    cells = (f"`{name}`", f"`{ast.unparse(annotation)}`{default}", re.sub(r"\s+", " ", sentence))
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


if __name__ == "__main__":
    (HERE / "format.md").write_text(page(), encoding="utf-8")
