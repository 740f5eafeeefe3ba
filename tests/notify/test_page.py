"""The page says what is so: its tables are the program's, and its examples work."""

import json
import os
import re
import shlex
import stat
import subprocess
from pathlib import Path

import pytest

from cifar_tui.notify import wanted
from cifar_tui.notify.address import parse_address
from cifar_tui.notify.command import CommandTarget
from cifar_tui.notify.messenger import FORMAT, notification
from cifar_tui.notify.settings import EVENTS, read_settings

PAGE = (Path(__file__).parents[2] / "docs" / "notify.md").read_text(encoding="utf-8")
FACTS = {"run": "one", "folder": "/runs/one", "step": 8, "epoch": 2, "accuracy": 0.5, "sentence": "Finished 8 steps."}
FINISHED = {**notification("finished", FACTS), "times": 1}


def section(title: str) -> str:
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def first_column(title: str) -> list[str]:
    rows = re.findall(r"^\| (`[^|]*) \|", section(title), re.MULTILINE)
    return re.findall(r"`([^`]+)`", " ".join(rows))


def test_the_events_are_those_there_are() -> None:
    assert first_column("Events") == list(EVENTS)


def test_the_fields_are_those_there_are() -> None:
    assert {*first_column("The fields")} == {*FINISHED}
    assert f"| `format` | {FORMAT} |" in PAGE


def test_each_address_is_taken_for_the_service_it_says() -> None:
    services = [parse_address(one.replace("…", "hidden")).service for one in first_column("Addresses")]
    assert services == ["ntfy", "slack", "discord", "json", "ntfy", "slack", "discord"]


def test_the_example_of_a_file_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wanted, "config_folder", lambda: tmp_path)
    (example,) = re.findall(r"^    \{\n.*?^    \}\n", PAGE, re.MULTILINE | re.DOTALL)
    (tmp_path / "notify.json").write_text(example)
    (tmp_path / "notify.json").chmod(0o600)
    found = read_settings()
    assert found.trouble == ""
    assert found.addresses[0].shown == "https://ntfy.sh/…"
    assert found.command.startswith("cat >> ")
    assert "best" not in found.unwanted


def test_the_command_that_makes_the_file_makes_it_ours_alone(tmp_path: Path) -> None:
    (line,) = re.findall(r"^    (install .*)$", PAGE, re.MULTILINE)
    subprocess.run(["sh", "-c", line], env={**os.environ, "HOME": str(tmp_path)}, check=True, timeout=60)
    file = tmp_path / ".config" / "cifar-tui" / "notify.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


STAND_INS = {
    "jq": "#!/usr/bin/env python3\nimport json, sys\nprint(json.load(sys.stdin)[sys.argv[2].removeprefix('.')])\n",
    "mail": '#!/bin/sh\n{ echo "$@"; cat; } > mailed\n',
    "after-a-run.sh": "#!/bin/sh\ncat > ran; echo trouble >&2\n",
}


def test_each_example_of_a_command_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, content in STAND_INS.items():
        (tmp_path / name).write_text(content)
        (tmp_path / name).chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    examples = [shlex.split(line) for line in re.findall(r"^    (cifar-tui .*--on-event .*)$", PAGE, re.MULTILINE)]
    commands = [words[words.index("--on-event") + 1] for words in examples]
    assert len(commands) == 4
    for command in commands:
        assert CommandTarget(command).deliver(FINISHED) is None, command
    assert (tmp_path / "mailed").read_text() == f"-s training me@example.com\n{FINISHED['text']}\n"
    assert json.loads((tmp_path / "events.jsonl").read_text()) == FINISHED
    assert json.loads((tmp_path / "ran").read_text()) == FINISHED
    assert (tmp_path / "after-a-run.log").read_text() == "trouble\n"
