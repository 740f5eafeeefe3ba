"""Nothing in the package is too large to be read at once, and its docstrings say what things are."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MOST_LINES = {ast.Module: 350, ast.ClassDef: 250, ast.FunctionDef: 40, ast.AsyncFunctionDef: 40}
MOST_METHODS = 25
FILES = sorted((ROOT / "cifar_tui").rglob("*.py"))
DOCUMENTED = [*FILES, *sorted(path for folder in ("benchmarks", "docs") for path in (ROOT / folder).glob("*.py"))]
QUESTIONS = ("What", "Whether", "Who", "Where", "How", "Why", "When", "Which")
Definition = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def definitions(tree: ast.Module) -> Iterator[Definition]:
    for node in ast.walk(tree):
        if isinstance(node, Definition):
            yield node


def place(path: Path, node: Definition) -> str:
    name = getattr(node, "name", "the file")
    return f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 1)} {name}"


@pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(ROOT)) for path in FILES])
def test_no_file_class_or_function_is_too_long(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    for node in definitions(ast.parse(source)):
        lines = source.count("\n") if isinstance(node, ast.Module) else (node.end_lineno or 0) - node.lineno + 1
        assert lines <= MOST_LINES[type(node)], f"{place(path, node)} has {lines} lines"
        if isinstance(node, ast.ClassDef):
            methods = sum(isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef) for one in node.body)
            assert methods <= MOST_METHODS, f"{place(path, node)} has {methods} methods"


@pytest.mark.parametrize("path", DOCUMENTED, ids=[str(path.relative_to(ROOT)) for path in DOCUMENTED])
def test_docstrings_are_no_questions(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            first = node.value.value.split(" ")[0]
            assert first not in QUESTIONS, f"{path}:{node.lineno}"


def test_no_test_spells_the_path_of_a_module() -> None:
    for path in sorted((ROOT / "tests").rglob("*.py")):
        found = re.findall(r"""["']cifar_tui\.[a-z_.]+["']""", path.read_text(encoding="utf-8"))
        assert not found, f"{path.relative_to(ROOT)}: import the module, and pass what is to be replaced"
