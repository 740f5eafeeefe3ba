"""Every command and every option that the program names in a sentence is one that it takes."""

import ast
import itertools
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from cifar_tui.cli.commands import load_all, load_command
from cifar_tui.system import invocation

PACKAGE = Path(invocation.__file__).parents[1]
OTHER_PROGRAMS = {"--gid", "--init-groups", "--logdir", "--reuid"}
SBATCH = {"--dependency", "--job-name", "--output", "--parsable", "--wrap"}
"""Options of programs that are not ours, where a sentence names one."""


def trees(naming: str = "") -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        if re.search(naming, source):
            yield path, ast.parse(source)


def text_of(node: ast.expr) -> str:
    """The text of a literal; a run's name stands for what is filled in."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    assert isinstance(node, ast.JoinedStr)
    return "".join(str(part.value) if isinstance(part, ast.Constant) else "one" for part in node.values)


def printed_commands() -> Iterator[str]:
    for _, tree in trees(r"command_line\(|queue_command\("):
        for call in ast.walk(tree):
            if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
                continue
            if call.func.id == "command_line" and not isinstance(call.args[0], ast.Name | ast.Call):
                yield text_of(call.args[0])
            elif call.func.id == "queue_command":
                yield f"queue {text_of(call.args[1])}"


PRINTED = sorted(set(printed_commands()))


@pytest.mark.parametrize("printed", PRINTED)
def test_a_printed_command_is_read_by_the_command_line(printed: str) -> None:
    name, *words = shlex.split(printed)
    command = load_command(name)
    if inner := getattr(command, "table", None):
        name, *words = words
        command = load_command(name, inner)
    context = command.make_context(name, words)
    assert context.command.name == name


def test_commands_are_printed_at_all() -> None:
    assert {"train", "runs", "attach one", "train --resume one", "queue run"} <= set(PRINTED)


def test_an_option_that_a_sentence_names_is_an_option() -> None:
    parameters = [one for _, command in load_all() for one in command.params]
    known = {option for one in parameters for option in (*one.opts, *one.secondary_opts)}
    for path, tree in trees():
        docstrings = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        strings = [
            node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings
        ]
        named = itertools.chain.from_iterable(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text) for text in strings)
        assert set(named) - known - OTHER_PROGRAMS - SBATCH - {"--help", "--version"} == set(), path.relative_to(
            PACKAGE
        )
