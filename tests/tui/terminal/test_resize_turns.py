"""Of sizes that come all the time, the first is drawn, the last, and a few between."""

import asyncio
import threading

import pytest

from cifar_tui.tui.terminal import resize_turns
from cifar_tui.tui.terminal.resize_turns import ResizeTurns
from tests.tui.drive import until


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes that were drawn, where turns are short."""
    monkeypatch.setattr(resize_turns, "LEAST_SECONDS", 0.2)
    monkeypatch.setattr(resize_turns, "MOST_SECONDS", 0.2)
    monkeypatch.setattr(resize_turns, "REST_SECONDS", 0.05)
    return []


async def test_the_first_size_is_drawn_at_once_and_the_last_once_it_rests(drawn: list[int]) -> None:
    size = 1
    turns = ResizeTurns(lambda: drawn.append(size))
    turns.changed()
    await until(lambda: drawn == [1])
    for size in range(2, 61):  # noqa: B007 - drawn by the lambda
        turns.changed()
        await asyncio.sleep(0.01)
    await until(lambda: drawn[-1] == 60)
    assert len(drawn) < 30


async def test_a_size_that_another_thread_reads_is_drawn_in_the_loop(drawn: list[int]) -> None:
    turns = ResizeTurns(lambda: drawn.append(threading.get_ident()))
    threading.Thread(target=turns.changed).start()
    await until(lambda: drawn == [threading.get_ident()])
