"""Keys that take effect in the order in which they were typed, however many arrive at once.

Textual hands a key to the focused widget at once, but runs its binding (backspace, space, the arrows, a key that opens
a question) only after the key has travelled up to the app. Of keys that arrive together, as they do over a slow link,
a later letter overtakes an earlier backspace, and text goes past a question that is about to open.
"""

from collections import deque
from collections.abc import Awaitable, Callable

from textual import events
from textual.app import App
from textual.message import Message
from textual.timer import Timer

MIN_ROUNDS = 2
"""The first round follows the key up to its binding, the second what the binding has posted."""
PATIENCE_SECONDS = 1.0
"""Before the next key is handled although a widget has gone with the message that follows the last."""


class Settled(Message, verbose=True):
    """Follows a key through the queues of all widgets that it passes; back at the app, they are done with it."""

    def __init__(self, number: int) -> None:
        """Follow the key of that number."""
        super().__init__()
        self.number = number


class KeyOrder:
    """Hands keys and pasted text on one by one, each when the one before has done all that it does."""

    def __init__(self, app: App[int], dispatch: Callable[[events.Event], Awaitable[None]]) -> None:
        """Keep the order for an app; `dispatch` is its own way to handle an event."""
        self._app = app
        self._dispatch = dispatch
        self._waiting: deque[events.Event] = deque()
        self._number = 0
        self._travelling = False
        self._rounds = 0
        self._seen: tuple[object, object] = (None, None)
        self._patience: Timer | None = None

    async def handle(self, event: events.Event) -> None:
        """Handle a key or pasted text now, or after those before it."""
        self._waiting.append(event)
        if self._travelling:
            self._be_patient()
        else:
            await self._next()

    async def settled(self, message: Settled) -> None:
        """Follow what has changed meanwhile, too; once nothing has, handle the next key."""
        if message.number != self._number or not self._travelling:
            return
        self._rounds += 1
        if self._rounds < MIN_ROUNDS or self._seen != self._in_front():
            self._follow()
        else:
            await self._next()

    async def _next(self) -> None:
        if self._patience is not None:
            self._patience.stop()
            self._patience = None
        self._travelling = bool(self._waiting)
        if not self._travelling:
            return
        self._number += 1
        self._rounds = 0
        target = self._app.focused or self._app.screen
        await self._dispatch(self._waiting.popleft())
        target.post_message(Settled(self._number))
        self._seen = self._in_front()
        self._be_patient()

    def _follow(self) -> None:
        self._seen = self._in_front()
        (self._app.focused or self._app.screen).post_message(Settled(self._number))

    def _in_front(self) -> tuple[object, object]:
        return self._app.screen, self._app.focused

    def _be_patient(self) -> None:
        if self._waiting and self._patience is None:
            self._patience = self._app.set_timer(PATIENCE_SECONDS, self._next)
