"""Passes over the rest of a key's sequence that a slow line has torn off its escape.

Left is sent as `ESC [ D`. Where the line stalls after the first byte, that is the escape key, and what comes later
would be typed: `D` deletes, a number of a mouse's `[<0;30;20m` switches curves.
"""

import re

from textual.events import Key

TORN_SECONDS = 0.3
"""The rest may come so late. A person who presses escape does not type `[` or `O` so soon."""
REST = re.compile(r"O[ -~]?|\[[0-?]*[ -/]*[@-~]?")
"""The rest of a sequence, or how it begins."""
COMPLETE = re.compile(r"O[ -~]|\[[0-?]*[ -/]*[@-~]")
BEGUN = {"escape": "", "alt+left_square_bracket": "[", "alt+shift+o": "O"}
"""Keys that the beginning of a sequence is taken for, and what of it has come after the escape."""


class TornSequence:
    """Looks at the keys one by one, each with the time at which it came."""

    def __init__(self) -> None:
        self._come: str | None = None
        self._until = 0.0

    def takes(self, key: Key, now: float) -> bool:
        """Return True for a key that is the rest of a sequence, and is to be passed over."""
        come, self._come = self._come, None
        if key.key in BEGUN:
            self._come, self._until = BEGUN[key.key], now + TORN_SECONDS
            return self._come != ""
        if come is None or now > self._until or not key.character:
            return False
        rest = come + key.character
        if not REST.fullmatch(rest):
            return come != ""  # of no terminal's sequence, and as little typed as what came before it
        if not COMPLETE.fullmatch(rest):
            self._come, self._until = rest, now + TORN_SECONDS
        return True
