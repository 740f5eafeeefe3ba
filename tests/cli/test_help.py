"""Help by `-h`, with the preset's values, and no type at a switch."""

import re
import sys
from unittest import mock

import pytest
from typer.testing import CliRunner

from cifar_tui.cli import app
from cifar_tui.cli.commands import load_all


def help_of(*arguments: str) -> str:
    with mock.patch.object(sys, "argv", ["cifar-tui", *arguments]):
        done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0
    return re.sub(r"[│\s]+", " ", done.stdout)


@pytest.mark.parametrize("name", ["", *(name for name, _ in load_all())])
def test_every_command_has_a_short_help_option_and_no_bool(name: str) -> None:
    shown = help_of(*name.split(), "-h")
    assert "--help" in shown
    assert "<bool>" not in shown


def test_defaults_are_those_of_the_preset() -> None:
    for arguments, epochs, batch in (([], 20, 125), (["--preset", "max"], 200, 128), (["--preset=quick"], 26, 500)):
        shown = help_of("train", "--help", *(arguments or ["--preset", "short"]))
        assert f"Passes over the training images. [default: {epochs}" in shown
        assert f"Images per step. [default: {batch}]" in shown


@pytest.mark.parametrize("name", ["evaluate", "predict", "export", "compare"])
def test_a_checkpoint_can_be_named_by_its_epoch(name: str) -> None:
    shown = help_of(name, "-h")
    assert "RUN:EPOCH" in shown
    assert "Recipe" not in shown
    assert "Where to train" not in shown
