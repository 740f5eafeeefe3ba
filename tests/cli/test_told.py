"""An address that is typed is nowhere to be seen once the program runs."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from cifar_tui.cli.told import without_addresses
from tests.notify import servers
from tests.program import run_program


@pytest.mark.parametrize(
    ("typed", "kept", "addresses"),
    [
        (["train"], ["train"], []),
        (["train", "--notify", "hidden", "--epochs", "2"], ["train", "--epochs", "2"], ["hidden"]),
        (["train", "--notify=hidden", "--notify", "other"], ["train"], ["hidden", "other"]),
        (["train", "--notify"], ["train", "--notify"], []),
        (["train", "--notify="], ["train"], [""]),
        (["train", "--notify-me", "hidden"], ["train", "--notify-me", "hidden"], []),
    ],
)
def test_addresses_are_taken_out_of_a_command_line(typed: list[str], kept: list[str], addresses: list[str]) -> None:
    assert without_addresses(typed) == (kept, addresses)


def send_test(*words: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    return run_program("notify", *words, variables={**os.environ, "CIFAR_TUI_NOTIFY": "", **variables})


@pytest.mark.slow
def test_a_test_says_what_arrives_and_what_does_not(tmp_path: Path) -> None:
    got = tmp_path / "got"
    with servers.serving(servers.accepting) as good, servers.serving(servers.answering("404 No")) as bad:
        typed = ("--notify", good.url, f"--notify={bad.url}", "--on-event", f"cat > {got}")
        done = send_test(*typed)
        assert done.stdout.splitlines() == [
            f"Sent to http://127.0.0.1:{good.port}/….",
            "Sent to the command of --on-event.",
        ]
        assert done.stderr == f"Not sent to http://127.0.0.1:{bad.port}/…: it answered 404.\n"
        assert done.returncode == 1
        assert json.loads(got.read_text())["event"] == good.bodies[0]["event"] == "test"
        assert send_test(CIFAR_TUI_NOTIFY=good.url).returncode == 0
    nobody = send_test()
    assert nobody.returncode == 2
    assert nobody.stderr.startswith("Nobody is named: add --notify URL")
