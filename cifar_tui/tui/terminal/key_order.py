"""Keys that take effect in the order in which they were typed, however many arrive at once.

Textual hands a key to the focused widget at once, but runs its binding (backspace, space, the arrows, a key that opens
a question) only after the key has travelled up to the app. Of keys that arrive together, as they do over a slow link,
a later letter overtakes an earlier backspace, and text goes past a question that is about to open.
"""

import contextlib
import math
from collections import deque
from collections.abc import Awaitable, Callable

from textual import events
from textual.app import App
from textual.dom import DOMNode
from textual.errors import NoWidget

MIN_ROUNDS = 2
"""The first round follows the key up to its binding, the second what the binding has posted."""
MAX_ROUNDS = 20
"""A screen that changes by itself all the time holds no key up for longer."""
Ordered = events.Key | events.Paste | events.MouseDown | events.MouseUp


class KeyOrder:
    """Hands keys, pasted text and clicks on one by one, each when the one before has done all that it does."""

    def __init__(self, app: App[int], dispatch: Callable[[events.Event], Awaitable[None]]) -> None:
        """Keep the order for an app; `dispatch` is its own way to handle an event."""
        self._app = app
        self._dispatch = dispatch
        self._waiting: deque[Ordered] = deque()
        self._travelling = False
        self._rounds = 0
        self._seen: tuple[object, object] = (None, None)
        self._burst_at = -math.inf
        self._before_burst: object = None

    @property
    def at_rest(self) -> bool:
        """True once every key has done all that it does."""
        return not self._travelling

    async def handle(self, event: Ordered) -> None:
        """Handle an event now, or after those before it."""
        self._waiting.append(event)
        if not self._travelling:
            await self._next()

    async def _next(self) -> None:
        while self._waiting and self._answers_own_question(self._waiting[0]):
            self._waiting.popleft()
        self._travelling = bool(self._waiting)
        if self._travelling:
            event = self._waiting.popleft()
            target = self._target(event)
            self._rounds = 0
            await self._dispatch(event)
            self._follow(target)

    def _answers_own_question(self, event: Ordered) -> bool:
        """Return True for a key that would answer a question which keys of the same burst have opened.

        The driver gives the keys of a burst the same time.
        """
        if not isinstance(event, events.Key):
            return False
        if event.time != self._burst_at:
            self._burst_at, self._before_burst = event.time, self._app.screen
        opened = self._app.screen is not self._before_burst
        return opened and getattr(self._app.screen, "needs_an_answer_of_its_own", False)

    def _target(self, event: Ordered) -> DOMNode:
        if isinstance(event, events.MouseEvent):
            with contextlib.suppress(NoWidget):
                return self._app.get_widget_at(event.x, event.y)[0]
        return self._app.focused or self._app.screen

    def _follow(self, node: DOMNode) -> None:
        """Send a callback through the queues that the event passes: at the app, all widgets are done with it."""
        self._seen = self._in_front()
        self._pass_on(node)

    def _pass_on(self, node: DOMNode | None) -> None:
        # A widget that is gone takes no callback any more, and has no parent.
        if node is None or node is self._app or not node.call_later(lambda: self._pass_on(node.parent)):
            self._app.call_later(self._arrived)

    async def _arrived(self) -> None:
        """Follow what has changed meanwhile, too; once nothing has, handle the next event."""
        self._rounds += 1
        if self._rounds < MAX_ROUNDS and (self._rounds < MIN_ROUNDS or self._seen != self._in_front()):
            self._follow(self._app.focused or self._app.screen)
        else:
            await self._next()

    def _in_front(self) -> tuple[object, object]:
        return self._app.screen, self._app.focused
