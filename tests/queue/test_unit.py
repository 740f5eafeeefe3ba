"""The systemd unit on the page about the queue starts what it says, with options that there are."""

import configparser
import re
import shlex
from pathlib import Path

from cifar_tui.cli.commands import load_command
from cifar_tui.cli.queue import QUEUE_COMMANDS

PAGE = (Path(__file__).parents[2] / "docs" / "queue.md").read_text(encoding="utf-8")


def test_the_unit_runs_the_queue_and_leaves_its_runs_alone() -> None:
    (text,) = re.findall(r"```ini\n(.*?)```", PAGE, re.DOTALL)
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign] # keys of a unit have capitals
    unit.read_string(text)
    program, group, name, *words = shlex.split(unit["Service"]["ExecStart"])
    assert program.endswith("/cifar-tui")
    assert group == "queue"
    context = load_command(name, QUEUE_COMMANDS).make_context(name, words)
    assert context.params["keep_going"] is True
    assert context.params["detach"] is False
    assert unit["Service"]["KillMode"] == "process"
    assert unit["Service"]["SuccessExitStatus"] == "143"
