"""An address that is typed is nowhere to be seen once the program runs."""

import pytest

from cifar_tui.cli.told import without_addresses


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
