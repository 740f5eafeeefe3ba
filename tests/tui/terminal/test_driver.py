"""What the terminal sends becomes keys at once, an escape as soon as nothing follows it."""

import asyncio
import os
import signal
import threading
from collections.abc import Iterator
from queue import SimpleQueue

import pytest
from textual import constants
from textual.app import App
from textual.events import Key
from textual.message import Message

from cifar_tui.tui.terminal import driver as driver_module
from cifar_tui.tui.terminal.driver import ResilientDriver

PATIENCE_SECONDS = 30.0


class TypedKeys(ResilientDriver):
    """Reads a pipe, and keeps the keys."""

    def __init__(self, read_from: int) -> None:
        super().__init__(App[None]())
        self.fileno = read_from
        self.keys: SimpleQueue[str] = SimpleQueue()

    @classmethod
    def reading(cls, read_from: int) -> "TypedKeys":
        async def in_a_loop() -> TypedKeys:
            return cls(read_from)

        return asyncio.run(in_a_loop())

    def process_message(self, message: Message) -> None:
        if isinstance(message, Key):
            self.keys.put(message.key)

    def next_key(self) -> str:
        return self.keys.get(timeout=PATIENCE_SECONDS)


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """A pipe in the terminal's place: its end to read from, and that to type into."""
    handler = signal.getsignal(signal.SIGHUP)
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)
    signal.signal(signal.SIGHUP, handler)


@pytest.fixture
def typed(pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> Iterator[TypedKeys]:
    """A driver that reads the pipe in its thread, and looks up by itself once a minute only."""
    monkeypatch.setattr(driver_module, "LOOK_SECONDS", 60.0)
    monkeypatch.setattr(constants, "ESCAPE_DELAY", 0.01)
    driver = TypedKeys.reading(pipe[0])
    thread = threading.Thread(target=driver._run_input_thread)
    thread.start()
    yield driver
    driver.exit_event.set()
    os.write(pipe[1], b"x")
    thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive()


def test_an_escape_is_a_key_as_soon_as_nothing_follows_it(typed: TypedKeys, pipe: tuple[int, int]) -> None:
    for _ in range(3):
        os.write(pipe[1], b"\x1b")
        assert typed.next_key() == "escape"


def test_letters_arrows_and_letters_in_two_reads_are_what_was_typed(typed: TypedKeys, pipe: tuple[int, int]) -> None:
    os.write(pipe[1], "aé\x1b[A".encode() + "ü".encode()[:1])
    assert [typed.next_key() for _ in range(3)] == ["a", "é", "up"]
    os.write(pipe[1], "ü".encode()[1:])
    assert typed.next_key() == "ü"


def test_bytes_that_are_no_text_are_passed_over(typed: TypedKeys, pipe: tuple[int, int]) -> None:
    os.write(pipe[1], b"a\xff\xfeb")
    assert [typed.next_key() for _ in range(2)] == ["a", "b"]
    assert not typed.gone


def test_a_terminal_that_has_nothing_more_to_read_is_gone(pipe: tuple[int, int]) -> None:
    read_from, write_to = os.pipe()
    os.close(write_to)
    driver = TypedKeys.reading(read_from)
    driver._run_input_thread()
    assert driver.gone
    os.close(read_from)
