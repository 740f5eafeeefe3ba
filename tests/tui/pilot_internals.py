"""Private parts of Textual that tests need; test_private_names.py asserts that they are there."""

from textual.events import MouseScrollUp
from textual.pilot import Pilot


async def scroll_up(pilot: Pilot[int], selector: str, offset: tuple[int, int]) -> None:
    """Turn the wheel over a widget; the pilot has no wheel of its own."""
    await pilot._post_mouse_events([MouseScrollUp], selector, offset=offset)


def exception_in(pilot: Pilot[int]) -> Exception | None:
    """Return what has ended the app, if anything has."""
    return pilot.app._exception
