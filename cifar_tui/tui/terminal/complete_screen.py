"""A screen whose frames are complete: nothing of it is drawn before its widgets have shown what they know."""

import asyncio
import time

from textual.geometry import Size
from textual.screen import Screen, ScreenResultType

TURNS = 12
"""Turns of the event loop after a layout, in which each widget hears of its size, and what it then asks for goes up to
the app and comes down again. Fewer draw complete frames, too, after more layouts: each of them has turns of its own."""
MOST_SECONDS = 0.1
"""A screen that is laid out again and again is drawn so often all the same."""


class CompleteScreen(Screen[ScreenResultType]):
    """A screen that is drawn once its widgets have shown what they know, when it opens and when it is laid out anew.

    Textual's own is drawn as soon as it is laid out, when its widgets have not heard of their sizes: empty or as they
    were, and then twice more, in parts.
    """

    _holding: "asyncio.Task[None] | None" = None
    _turns_left = 0

    def _refresh_layout(self, size: Size | None = None, scroll: bool = False) -> None:
        if self.is_active and not scroll:
            self._turns_left = TURNS
            if self._holding is None:
                self._holding = asyncio.create_task(self._draw_complete())
        super()._refresh_layout(size, scroll)

    async def _draw_complete(self) -> None:
        until = time.monotonic() + MOST_SECONDS
        try:
            while self._turns_left and time.monotonic() < until:
                await asyncio.sleep(0)
                self._turns_left -= 1
                if not (self._turns_left or self.app._batch_count):
                    self._on_timer_update()  # lays out what has changed since, for which there are turns again
            self._holding = None
            if self.app._batch_count:
                self.refresh()  # at its end
            elif self.is_current:
                self._compositor_refresh()
                self.call_next(self._invoke_and_clear_callbacks)
        except Exception as error:  # noqa: BLE001 - as Textual's own layout hands it on
            self.app._handle_exception(error)

    def _compositor_refresh(self) -> None:
        if self._holding is None:
            super()._compositor_refresh()
        else:
            self._dirty_widgets.clear()  # the compositor has their regions

    async def _invoke_and_clear_callbacks(self) -> None:
        """Call what waits for the frame, once it is there."""
        if self._holding is None:
            await super()._invoke_and_clear_callbacks()
