"""A screen whose first frame is whole: nothing of it is drawn before its widgets have shown what they know."""

import asyncio

from textual import events, on
from textual.screen import Screen, ScreenResultType

TURNS = 8
"""Turns of the loop in which the widgets' sizes go down to each of them, and what they then ask for up to the app."""


class WholeScreen(Screen[ScreenResultType]):
    """A screen that is drawn once when it opens.

    Textual's own is drawn as soon as it is laid out, when its widgets have not heard of their sizes: empty, and then
    twice more, in parts.
    """

    _opening: "asyncio.Task[None] | None" = None
    _drawn = False

    @on(events.ScreenResume)
    def _open(self) -> None:
        if self._opening is None:
            self._opening = asyncio.create_task(self._draw_whole())

    async def _draw_whole(self) -> None:
        try:
            for _ in range(TURNS):
                await asyncio.sleep(0)
            self._on_timer_update()  # lays out what has changed since, and draws nothing
            self._drawn = True
            self._compositor.update_widgets({self})
            self._compositor_refresh()
        except Exception as error:  # noqa: BLE001 - as Textual's own layout hands it on
            self.app._handle_exception(error)

    def _compositor_refresh(self) -> None:
        if self._drawn:
            super()._compositor_refresh()
