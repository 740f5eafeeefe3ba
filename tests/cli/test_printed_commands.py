"""Every command and every option that the program names in a sentence is one that it takes."""

import ast
import itertools
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from cifar_tui.cli.commands import COMMANDS, load_command
from cifar_tui.system import invocation

PACKAGE = Path(invocation.__file__).parents[1]
OTHER_PROGRAMS = {"--gid", "--init-groups", "--logdir", "--reuid"}
"""Options of programs that are not ours, where a sentence names one."""


def trees() -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path, ast.parse(path.read_text(encoding="utf-8"))


def text_of(node: ast.expr) -> str:
    """The text of a literal; a run's name stands for what is filled in."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    assert isinstance(node, ast.JoinedStr)
    return "".join(str(part.value) if isinstance(part, ast.Constant) else "one" for part in node.values)


def printed_commands() -> Iterator[str]:
    for _, tree in trees():
        for call in ast.walk(tree):
            named = isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "command_line"
            if named and isinstance(call, ast.Call) and call.args and not isinstance(call.args[0], ast.Name | ast.Call):
                yield text_of(call.args[0])


PRINTED = sorted(set(printed_commands()))


@pytest.mark.parametrize("printed", PRINTED)
def test_a_printed_command_is_read_by_the_command_line(printed: str) -> None:
    name, *words = shlex.split(printed)
    context = load_command(name).make_context(name, words)
    assert context.command.name == name


def test_commands_are_printed_at_all() -> None:
    assert {"train", "runs", "attach one", "train --resume one"} <= set(PRINTED)


def test_an_option_that_a_sentence_names_is_an_option() -> None:
    commands = [load_command(name) for name in COMMANDS]
    known = {option for command in commands for one in command.params for option in (*one.opts, *one.secondary_opts)}
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
        assert set(named) - known - OTHER_PROGRAMS - {"--help", "--version"} == set(), path.relative_to(PACKAGE)
