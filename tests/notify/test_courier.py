"""Delivery goes on beside whoever notifies: tried again, ended in a bounded time, its failure told once."""

import itertools
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from cifar_tui.notify.address import parse_address
from cifar_tui.notify.courier import MOST_WAITING, Courier, await_couriers
from cifar_tui.notify.messenger import Messenger
from cifar_tui.notify.settings import Settings
from cifar_tui.notify.target import Failure, Notification
from tests.notify import servers
from tests.waiting import eventually


class Listener:
    """A target that answers what a test says, and remembers what it got."""

    name = "https://example.com/…"

    def __init__(self, *answers: Failure | None) -> None:
        self.got: list[Notification] = []
        self.cancelled = threading.Event()
        self.free = threading.Event()
        self.free.set()
        self._answers = list(answers)

    def deliver(self, notification: Notification) -> Failure | None:
        self.got.append(notification)
        while not self.free.wait(0.01):
            if self.cancelled.is_set():
                return Failure("it was cancelled", again=False)
        return self._answers.pop(0) if self._answers else None

    def cancel(self) -> None:
        self.cancelled.set()


LATER, NEVER = Failure("it answered 500", again=True), Failure("it answered 404", again=False)


@pytest.fixture(autouse=True)
def no_courier_is_left() -> Iterator[None]:
    yield
    for thread in threading.enumerate():
        if isinstance(thread, Courier):
            thread.cut()
            thread.read()
            thread.join(60)


@pytest.fixture
def told() -> list[str]:
    return []


def courier_to(target: Listener, told: list[str]) -> Courier:
    courier = Courier(target, told.append, pauses=(0.01, 0.02))
    courier.start()
    return courier


def numbered(number: int) -> Notification:
    return {"number": number}


def test_what_may_help_is_tried_three_times_and_the_failure_told_once(told: list[str]) -> None:
    target = Listener(*[LATER] * 6)
    courier = courier_to(target, told)
    for number in range(3):
        courier.submit(numbered(number))
    eventually(lambda: len(target.got) == 7)
    assert [one["number"] for one in target.got] == [0, 0, 0, 1, 1, 1, 2]
    assert told == [
        "A notification did not reach https://example.com/…: it answered 500. Nothing waits for it; further failures "
        "are not told."
    ]
    courier.close()
    courier.join(60)
    assert courier.last_words == ""


def test_what_cannot_help_is_tried_once(told: list[str]) -> None:
    target = Listener(NEVER)
    courier = courier_to(target, told)
    courier.submit(numbered(0))
    eventually(lambda: bool(told))
    assert len(target.got) == 1
    courier.close()


def test_whoever_notifies_does_not_wait_and_only_so_much_is_kept(told: list[str]) -> None:
    target = Listener()
    target.free.clear()
    courier = courier_to(target, told)
    courier.submit(numbered(-1))
    eventually(lambda: bool(target.got))
    for number in range(1_000):
        courier.submit(numbered(number))
    target.free.set()
    eventually(lambda: len(target.got) == 1 + MOST_WAITING)
    assert [one["number"] for one in target.got] == [-1, *range(1_000 - MOST_WAITING, 1_000)]
    courier.close()


@pytest.mark.parametrize(("answer", "got"), [(LATER, [0, 9]), (NEVER, [0, 9]), (None, [*range(10)])])
def test_at_the_end_of_what_is_not_taken_only_the_last_word_is_tried(
    told: list[str], answer: Failure | None, got: list[int]
) -> None:
    target = Listener(answer)
    target.free.clear()
    courier = courier_to(target, told)
    courier.submit(numbered(0))
    eventually(lambda: bool(target.got))
    for number in range(1, 10):
        courier.submit(numbered(number))
    courier.close()
    target.free.set()
    assert courier.over.wait(60)
    courier.read()
    assert [one["number"] for one in target.got] == got


@pytest.mark.slow
def test_the_end_waits_no_longer_than_it_says(told: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    target = Listener()
    target.free.clear()
    courier = courier_to(target, told)
    courier.submit(numbered(0))
    await_couriers(1.2)
    assert target.cancelled.is_set()
    assert capsys.readouterr().err.splitlines() == [
        "Waiting up to 1 s for the last notification to https://example.com/…; Ctrl-C ends that.",
        "A notification did not reach https://example.com/…: it was not waited for any longer.",
    ]
    courier.join(60)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_cuts_the_wait(told: list[str], number: signal.Signals, capsys: pytest.CaptureFixture[str]) -> None:
    target = Listener()
    target.free.clear()
    courier = courier_to(target, told)
    courier.submit(numbered(0))
    before = signal.getsignal(number)
    timer = threading.Timer(0.3, os.kill, [os.getpid(), number])
    timer.start()
    await_couriers(1_000)
    timer.join()
    assert target.cancelled.is_set()
    assert signal.getsignal(number) is before
    assert (
        capsys.readouterr().err
        == "A notification did not reach https://example.com/…: it was not waited for any longer.\n"
    )
    courier.join(60)


@pytest.mark.parametrize("gone", [Courier.close, Courier.keep_reports])
def test_what_fails_once_nobody_listens_is_said_at_the_end(
    told: list[str], gone: Callable[[Courier], None], capsys: pytest.CaptureFixture[str]
) -> None:
    target = Listener(NEVER)
    target.free.clear()
    courier = courier_to(target, told)
    courier.submit(numbered(0))
    gone(courier)
    target.free.set()
    eventually(lambda: bool(courier.last_words))
    await_couriers()
    assert told == []
    assert capsys.readouterr().err == "A notification did not reach https://example.com/…: it answered 404.\n"
    courier.join(60)
    assert not courier.is_alive()


def test_without_anything_under_way_the_end_is_silent(told: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    courier = courier_to(Listener(), told)
    await_couriers()
    courier.join(60)
    assert not courier.is_alive()
    assert capsys.readouterr() == ("", "")


@pytest.fixture
def messenger_to(told: list[str]) -> Iterator[tuple[Messenger, servers.Server]]:
    with servers.serving(servers.accepting) as server:
        messenger = Messenger(Settings((parse_address(server.url),)), told.append, quiet_seconds=0.5)
        yield messenger, server
        messenger.close()


@pytest.mark.slow
def test_an_event_that_repeats_is_counted_and_told_again_later(
    messenger_to: tuple[Messenger, servers.Server],
) -> None:
    messenger, server = messenger_to
    for number in range(100):
        messenger.deliver("loss-not-finite", {"sentence": f"Step {number}.", "step": number})
    eventually(lambda: len(server.requests) == 2)
    assert [(body["step"], body["times"]) for body in server.bodies] == [(0, 1), (99, 99)]
    time.sleep(1.0)
    assert len(server.requests) == 2


def test_each_outcome_is_told_and_what_nobody_asked_for_is_not(
    messenger_to: tuple[Messenger, servers.Server],
) -> None:
    messenger, server = messenger_to
    for event in ("best", "started", "job-failed", "job-failed", "sweep-done", "an-event-of-tomorrow"):
        messenger.deliver(event, {"sentence": "It happened."})
    eventually(lambda: len(server.requests) == 4)
    assert [body["event"] for body in server.bodies] == [
        *("job-failed", "job-failed", "sweep-done", "an-event-of-tomorrow")
    ]


def test_a_target_that_hangs_holds_up_no_other(told: list[str]) -> None:
    with servers.serving(servers.hanging) as hanging, servers.serving(servers.accepting) as accepting:
        addresses = tuple(parse_address(one.url) for one in (hanging, accepting))
        messenger = Messenger(Settings(addresses), told.append)
        for number in itertools.repeat(0, 3):
            messenger.deliver("job-failed", {"sentence": "It broke.", "number": number})
        eventually(lambda: len(accepting.requests) == 3)
        messenger.close()
