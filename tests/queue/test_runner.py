"""The runner starts in order, records each end, and takes over after a kill. Its runs are played by the test."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cifar_tui import failpoints
from cifar_tui.failpoints import Fault
from cifar_tui.queue import runner as runner_module
from cifar_tui.queue import store as store_module
from cifar_tui.queue.changes import Change
from cifar_tui.queue.runner import MOST_LOSSES
from tests.queue.fake_runs import Bench

GPUS = ("GPU-a", "GPU-b")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_jobs_are_trained_one_after_the_other_in_their_order(bench: Bench) -> None:
    bench.add("one", "two")
    assert bench.runner.step() == ""
    assert bench.runner.step() == ""
    assert bench.runs.started == ["one"]
    bench.runs.finish("one")
    assert bench.runner.step() == ""
    assert bench.runs.started == ["one", "two"]
    bench.runs.finish("two")
    assert bench.runner.step() == "empty"
    assert bench.outcomes() == {"one": "finished", "two": "finished"}
    assert bench.runner.failures == 0
    assert bench.lines[0] == "one starts."
    assert bench.lines[1].startswith("one finished: ")


def test_all_gpus_are_filled_and_the_next_gets_the_one_that_is_free(tmp_path: Path) -> None:
    bench = Bench(tmp_path, GPUS)
    bench.add("one", "two", "three")
    bench.runner.step()
    assert bench.runs.started == ["one", "two"]
    bench.runs.finish("two")
    bench.runner.step()
    assert bench.runs.environments["three"]["CUDA_VISIBLE_DEVICES"] == "GPU-b"
    assert "two starts on GPU 1." in bench.lines


def test_a_gpu_that_somebody_else_uses_is_waited_for_and_said_once(tmp_path: Path) -> None:
    bench = Bench(tmp_path, GPUS[:1])
    bench.add("one")
    bench.others["GPU-a"] = [1, 2]
    assert [bench.runner.step() for _ in range(3)] == ["", "", ""]
    assert bench.lines == ["Waiting for what somebody else computes on: GPU 0 (2 processes)."]
    bench.others.clear()
    bench.runner.step()
    assert bench.runs.started == ["one"]


def test_a_run_on_two_gpus_is_not_passed_by_small_ones_for_ever(tmp_path: Path) -> None:
    bench = Bench(tmp_path, GPUS)
    bench.add("small")
    bench.add("both", gpus="2")
    bench.add("later", "on-cpu", options={"device": "cpu"})
    bench.add("last")
    bench.runner.step()
    assert bench.runs.started == ["small", "later"]
    bench.runs.finish("small")
    bench.runner.step()
    assert bench.runs.started == ["small", "later", "both"]


def test_a_failed_run_does_not_stop_the_rest(bench: Bench) -> None:
    bench.add("one", "two", "three")
    bench.runs.refused["two"] = "The images are gone."
    bench.runner.step()
    bench.runs.fail("one", "The loss is no number.")
    bench.runner.step()
    bench.runner.step()
    assert bench.outcomes() == {"one": "failed", "two": "failed", "three": "started"}
    reasons = [entry.reason for entry in bench.store.read().in_order()]
    assert reasons[:2] == ["The loss is no number.", "The images are gone."]
    assert bench.runner.failures == 2


def test_a_run_that_never_started_says_why(bench: Bench) -> None:
    bench.add("one")
    bench.runner.step()
    bench.runs.kill("one")
    for path in (bench.store.place / "one").iterdir():
        path.unlink()
    bench.runs.processes["one"].code, bench.runs.processes["one"].said = 2, "There is no CUDA device here."
    bench.runner.step()
    entry = bench.store.read().by_run("one")
    assert entry is not None
    assert (entry.outcome, entry.reason) == ("failed", "There is no CUDA device here.")


def test_a_run_that_is_killed_resumes_three_times_and_then_counts_as_failed(bench: Bench) -> None:
    bench.add("one")
    for _ in range(MOST_LOSSES + 1):
        bench.runner.step()
        bench.runs.kill("one")
    assert bench.runner.step() == "empty"
    assert bench.runs.started == ["one"] * (MOST_LOSSES + 1)
    assert bench.outcomes() == {"one": "failed"}
    assert bench.lines[-1] == "one failed: It was killed, and had been started 4 times."


@pytest.mark.parametrize(
    ("by", "code", "outcome"),
    [("mary", 0, "stopped"), ("", 0, "stopped"), ("mary", 143, "stopped"), ("", 143, "started")],
)
def test_a_run_that_a_person_stops_stays_so_and_one_that_a_signal_ends_goes_on(
    bench: Bench, by: str, code: int, outcome: str
) -> None:
    bench.add("one")
    bench.runner.step()
    bench.runs.stop("one", by, code)
    bench.runner.step()
    assert bench.outcomes() == {"one": outcome}


def test_a_killed_runner_is_followed_by_one_that_takes_its_runs_over(tmp_path: Path) -> None:
    bench = Bench(tmp_path, GPUS)
    bench.add("one", "two", "three")
    bench.runner.step()
    bench.restart()
    bench.runner.step()
    assert bench.runs.started == ["one", "two"]
    assert "one was started before, and is running." in bench.lines
    bench.runs.finish("one")
    bench.runner.step()
    assert bench.runs.started == ["one", "two", "three"]
    bench.restart()
    bench.runs.finish("two")
    bench.runs.finish("three")
    assert bench.runner.step() == "empty"
    assert set(bench.outcomes().values()) == {"finished"}


def test_a_runner_that_was_killed_before_its_run_was_there_starts_it_again(bench: Bench) -> None:
    bench.add("one")
    bench.store.change(lambda _state: [Change(change="start", number=1, text="cpu")])
    bench.runner.step()
    assert bench.runs.started == ["one"]
    entry = bench.store.read().by_run("one")
    assert entry is not None
    assert entry.losses == 0


def test_a_job_that_is_dropped_while_it_runs_saves_and_ends_and_the_next_starts(bench: Bench) -> None:
    bench.add("one", "two")
    bench.runner.step()
    bench.store.change(lambda _state: [Change(change="drop", number=1)])
    bench.runner.step()
    bench.runner.step()
    assert bench.runs.live == {"two"}
    assert bench.outcomes() == {"two": "started"}
    assert "one was dropped: it saves and ends." in bench.lines


def test_while_the_queue_is_paused_nothing_starts(bench: Bench) -> None:
    bench.add("one", "two")
    bench.runner.step()
    bench.store.change(lambda _state: [Change(change="pause")])
    bench.runs.finish("one")
    assert [bench.runner.step() for _ in range(3)] == ["", "", ""]
    assert bench.lines.count("The queue is paused.") == 1
    assert bench.runs.started == ["one"]
    bench.store.change(lambda _state: [Change(change="resume")])
    bench.runner.step()
    assert bench.runs.started == ["one", "two"]


def test_a_job_waits_for_those_that_are_to_end_first(bench: Bench) -> None:
    bench.add("last", after=("one", "two", "gone"))
    bench.add("one", "two")
    bench.runner.step()
    assert bench.runs.started == ["one"]
    bench.runs.fail("one")
    bench.runner.step()
    bench.store.change(lambda _state: [Change(change="drop", number=3)])
    bench.runner.step()
    bench.runner.step()
    assert bench.runs.started == ["one", "two", "last"]


def test_to_save_and_end_puts_every_run_back_into_its_place(tmp_path: Path) -> None:
    bench = Bench(tmp_path, GPUS)
    bench.add("one", "two", "three")
    bench.runner.step()
    bench.runner.stop_all()
    assert bench.runner.wait_for_all()
    assert bench.outcomes() == dict.fromkeys(("one", "two", "three"), "waiting")
    bench.restart()
    bench.runner.step()
    assert bench.runs.started == ["one", "two", "one", "two"]
    assert [entry.losses for entry in bench.store.read().in_order()] == [0, 0, 0]


def test_a_queue_that_keeps_going_waits_for_new_jobs(tmp_path: Path) -> None:
    bench = Bench(tmp_path, keep_going=True)
    assert bench.runner.step() == ""
    bench.add("one")
    bench.runner.step()
    assert bench.runs.started == ["one"]


def test_people_elsewhere_are_told_of_a_failure_and_of_the_end_of_a_sweep(bench: Bench) -> None:
    bench.add("one", "two", tags=("rates", "night"))
    bench.add("three", tags=("night",))
    bench.runner.step()
    bench.runs.fail("one", "It broke.")
    bench.runner.step()
    assert bench.told == [
        (
            "job-failed",
            {"run": "one", "folder": str(bench.store.place / "one"), "sentence": "Its job has failed: It broke."},
        )
    ]
    bench.runs.finish("two")
    bench.runner.step()
    (event, facts) = bench.told[-1]
    assert (event, facts["sweep"]) == ("sweep-done", "rates")
    assert facts["sentence"] == "All 2 jobs have ended: 1 failed, 1 finished."
    bench.runs.finish("three")
    bench.runner.step()
    assert [facts.get("sweep") for _, facts in bench.told] == [None, "rates", "night"]


def fill_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse the file that tries the disk, and whatever the queue wants to write."""
    room = Fault("enospc", "opened", "room", 1, 1_000_000)
    journal = Fault("enospc", "appended", "queue.jsonl", 1, 1_000_000)

    def refuse(point: str, subject: str) -> None:
        room.hit(point, subject)
        journal.hit(point, subject)

    monkeypatch.setattr(runner_module, "hit", refuse)
    monkeypatch.setattr(store_module, "hit", refuse)


def test_a_full_disk_stops_the_rest_and_the_job_waits_again(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.add("one", "two")
    bench.runner.step()
    fill_disk(monkeypatch)
    bench.runs.fail("one", "No space left on device")
    assert bench.runner.step() == "disk full"
    assert "The disk is full: nothing more is started." in bench.lines
    assert [event for event, _ in bench.told] == ["disk-full"]
    monkeypatch.undo()
    bench.restart()
    bench.runner.step()
    assert bench.runs.started == ["one", "one"]
    assert bench.outcomes() == {"one": "started", "two": "waiting"}


def test_a_disk_that_fills_up_while_something_runs_is_said_and_with_room_again_the_next_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner_module, "ROOM_SECONDS", 0.0)
    bench = Bench(tmp_path, GPUS)
    bench.add("one")
    bench.runner.step()
    bench.add("two")
    with pytest.MonkeyPatch.context() as patch:
        fill_disk(patch)
        assert [bench.runner.step() for _ in range(3)] == ["", "", ""]
    assert bench.lines.count("The disk is full: nothing more is started.") == 1
    assert bench.runs.started == ["one"]
    bench.runner.step()
    assert bench.lines[-2:] == ["There is room on the disk again.", "two starts on GPU 1."]


def test_before_a_full_disk_nothing_starts(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.add("one")
    fill_disk(monkeypatch)
    assert bench.runner.step() == "disk full"
    assert bench.runs.started == []
    assert not list((bench.store.folder).glob(".writing-*"))
    monkeypatch.undo()
    bench.restart()
    bench.runner.step()
    assert bench.runs.started == ["one"]
    assert failpoints.hit is failpoints._nothing


HISTORY = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "add",
                "step",
                "step",
                "step",
                "finish",
                "fail",
                "kill",
                "stop",
                "drop",
                "move",
                "runner killed",
                "disk full",
            ]
        ),
        st.integers(0, 9),
    ),
    max_size=40,
)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(history=HISTORY, gpus=st.integers(0, 2))
def test_whatever_happens_every_job_is_trained_to_its_end_once(
    tmp_path_factory: pytest.TempPathFactory, history: list[tuple[str, int]], gpus: int
) -> None:
    bench = Bench(tmp_path_factory.mktemp("runs"), GPUS[:gpus])
    added, dropped = list[str](), set[str]()
    for action, number in history:
        live = sorted(bench.runs.live)
        if action == "add":
            added.append(f"run-{len(added)}")
            bench.add(added[-1])
        elif action in ("finish", "fail", "kill", "stop") and live:
            getattr(bench.runs, action)(live[number % len(live)])
        elif action in ("drop", "move"):
            _change_one(bench, action, number, dropped)
        elif action == "runner killed":
            bench.restart()
        elif action in ("step", "disk full"):
            _step(bench, full=action == "disk full")
        assert len(bench.runs.live) <= max(1, gpus)
    _train_to_the_end(bench)
    assert list(bench.outcomes()) == [run for run in bench.outcomes() if run not in dropped]
    assert set(bench.outcomes()) == set(added) - dropped
    assert set(bench.outcomes().values()) <= {"finished", "failed", "stopped"}


def _step(bench: Bench, *, full: bool = False) -> None:
    with contextlib.ExitStack() as stack:
        if full:
            fill_disk(stack.enter_context(pytest.MonkeyPatch.context()))
        ending = bench.runner.step()
    if ending:
        bench.restart()


def _change_one(bench: Bench, action: str, number: int, dropped: set[str]) -> None:
    entries = [one for one in bench.store.read().in_order() if action == "drop" or one.state == "waiting"]
    if not entries:
        return
    job = entries[number % len(entries)].job
    change = Change(change="drop" if action == "drop" else "move", number=job.number, to=number)
    bench.store.change(lambda _state: [change])
    if action == "drop":
        dropped.add(job.run)


def _train_to_the_end(bench: Bench) -> None:
    for _ in range(200):
        if bench.runner.step() and not bench.runs.live:
            if not any(entry.state != "ended" for entry in bench.store.read().in_order()):
                return
            bench.restart()
        for run in sorted(bench.runs.live):
            bench.runs.finish(run)
    raise AssertionError("the queue does not come to its end")
