"""A screen whose first frame is whole: nothing of it is drawn before its widgets have shown what they know."""

import asyncio

from textual import events, on
from textual.geometry import Size
from textual.screen import Screen, ScreenResultType

TURNS = 8
"""Turns of the loop in which the widgets' sizes go down to each of them, and what they then ask for up to the app."""


class WholeScreen(Screen[ScreenResultType]):
    """A screen that is drawn once when it opens, and once when it is laid out anew.

    Textual's own is drawn as soon as it is laid out, when its widgets have not heard of their sizes: empty or as they
    were, and then twice more, in parts.
    """

    _drawing: "asyncio.Task[None] | None" = None
    _turns_left = 0

    @on(events.ScreenResume)
    def _wait_for_widgets(self) -> None:
        self._turns_left = TURNS
        if self._drawing is None:
            self._drawing = asyncio.create_task(self._draw_whole())

    def _refresh_layout(self, size: Size | None = None, scroll: bool = False) -> None:
        if self.is_active and not scroll:
            self._wait_for_widgets()
        super()._refresh_layout(size, scroll)

    async def _draw_whole(self) -> None:
        try:
            while self._turns_left:
                self._turns_left -= 1
                await asyncio.sleep(0)
            self._on_timer_update()  # lays out what has changed since, and draws nothing
            self._drawing = None
            self._compositor_refresh()
        except Exception as error:  # noqa: BLE001 - as Textual's own layout hands it on
            self.app._handle_exception(error)

    def _compositor_refresh(self) -> None:
        if self._drawing is None:
            super()._compositor_refresh()
        else:
            self._dirty_widgets.clear()  # the compositor has their regions
