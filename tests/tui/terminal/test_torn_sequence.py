"""The rest of a sequence that a slow line has torn is not typed; a person's keys after an escape are."""

import pytest
from textual._xterm_parser import XTermParser
from textual.events import Key

from cifar_tui.tui.terminal.torn_sequence import TornSequence


def left_over(*reads: tuple[float, str]) -> list[str]:
    """The keys that reach the app of what a terminal sent at these times."""
    torn, kept = TornSequence(), []
    for at, text in reads:
        keys = [Key("escape", "\x1b")] if text == "\x1b" else typed(text)
        kept += [key.key for key in keys if not torn.takes(key, at)]
    return kept


def typed(text: str) -> list[Key]:
    return [event for event in XTermParser().feed(text) if isinstance(event, Key)]


@pytest.mark.parametrize("rest", ["[D", "[A", "OP", "[<0;30;20m", "[<35;5;7M", "[3~", "[1;5C", "[?2026;2$y", "[I"])
def test_what_comes_soon_after_a_lone_escape_and_looks_like_the_rest_is_passed_over(rest: str) -> None:
    assert left_over((0.0, "\x1b"), (0.2, rest)) == ["escape"]
    assert left_over((0.0, "\x1b"), (0.2, rest), (0.25, "s")) == ["escape", "s"]
    assert left_over((0.0, "\x1b"), (0.2, rest[:1]), (0.45, rest[1:])) == ["escape"], "torn twice"


def test_a_sequence_torn_after_its_second_byte_is_one_too() -> None:
    torn = TornSequence()
    assert torn.takes(Key("alt+left_square_bracket", "["), 0.0)
    assert torn.takes(Key("upper_d", "D"), 0.2)
    assert not torn.takes(Key("d", "d"), 0.21)


def test_what_a_person_types_after_an_escape_is_typed() -> None:
    assert left_over((0.0, "\x1b"), (0.1, "q")) == ["escape", "q"]
    assert left_over((0.0, "\x1b"), (0.1, "\x1b"), (0.2, "d")) == ["escape", "escape", "d"]
    assert left_over((0.0, "\x1b"), (0.5, "["), (0.6, "D")) == ["escape", "left_square_bracket", "D"]
    assert left_over((0.0, "\x1b"), (0.1, "\x1b[A"), (0.2, "D")) == ["escape", "up", "D"]
