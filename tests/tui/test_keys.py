"""One key means one thing on every screen."""

from collections import defaultdict

from cifar_tui.tui.dialogs.questions import with_tooltips
from tests.test_readme import SCREENS

MOVING = {"left", "right", "up", "down", "home", "end", "enter", "escape", "space", "[", "]", "0"}
"""Keys that move, open and go back within whatever is in view."""
STATES = {"p": {"Pause", "Resume"}}
"""The one key that says the opposite of what it said before."""


def test_a_letter_means_the_same_on_every_screen() -> None:
    meanings: dict[str, set[str]] = defaultdict(set)
    for screen in SCREENS:
        for binding in with_tooltips(screen.BINDINGS):
            meanings[binding.key_display or binding.key].add(binding.description)
    ambiguous = {key: said for key, said in meanings.items() if len(said) > 1 and key not in MOVING}
    assert {key: said for key, said in ambiguous.items() if STATES.get(key) != said and len(key) == 1} == {}


def test_escape_goes_back_from_every_screen_and_the_footer_says_so() -> None:
    for screen in SCREENS[1:]:
        (back,) = [binding for binding in with_tooltips(screen.BINDINGS) if "escape" in binding.key.split(",")]
        assert (back.key_display, back.description, back.show) == ("esc", "Back", True)
