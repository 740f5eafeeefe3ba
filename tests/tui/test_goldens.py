"""Whole screens as text, in every state and at four sizes, against files that a person has looked at.

`python -m pytest tests/tui/test_goldens.py --update-goldens` writes them again; look at the difference before you
commit it.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from cifar_tui.checkpoint_events import EvaluationProgressed, EvaluationStarted
from cifar_tui.events import DataMissing, Event, LossNotFinite, Paused, Progressed, RunFailed, RunFinished, RunStopped
from cifar_tui.layer_events import is_measured
from cifar_tui.system.hardware import Hardware, MachineReading
from cifar_tui.system.nvidia import GpuReading
from tests import scripted
from tests.scripted import ScriptedConnection, ScriptedJobs
from tests.tui.drive import SetClock, screen, screen_text, settle
from tests.tui.pilot_internals import exception_in

FOLDER = Path(__file__).parent / "goldens"
SIZES = [(200, 50), (120, 40), (80, 24), (60, 20)]


class StillMachine(Hardware):
    """A machine that always reads the same, and that is read once."""

    read_seconds = 1e6
    first_seconds = 0.001

    def machine(self) -> MachineReading:
        return MachineReading(0.97, 2, 2_000_000_000, 25_300_000_000, 1_100_000_000)

    def gpu(self, uuid: str) -> GpuReading | None:
        return None


def preparing(*more: Event) -> list[Event]:
    return [scripted.started(), *more]


def training(*more: Event) -> list[Event]:
    steps = (scripted.step(number) for number in range(151, 173))
    norms = (scripted.norms(number) for number in range(1, 173) if is_measured(number))
    return [*scripted.opening(), *scripted.epochs(3), *steps, *norms, *more]


STATES: dict[str, tuple[list[Event], str]] = {
    "starting": ([], ""),
    "waiting-for-data": (preparing(Progressed("Looking for CIFAR-10", 0, None, "", 0.0)), ""),
    "downloading": (preparing(Progressed("Downloading CIFAR-10", 50_000_000, 170_000_000, "bytes", 10.0)), ""),
    "compiling": (
        [*scripted.opening()[:2], Progressed("Compiling the training step", 0, None, "", 12.0)],
        "",
    ),
    "training": (training(), ""),
    "pausing": (training(), "p"),
    "paused": (training(Paused(172)), ""),
    "testing": (training(Progressed("Testing epoch 4", 2_000, 10_000, "images", 4.0)), ""),
    "evaluating": (
        training(EvaluationStarted("net_003.pth", 10_000), EvaluationProgressed("net_003.pth", 4_000, 10_000)),
        "",
    ),
    "stopped": (training(RunStopped(172, "net_004_step_00172.pth")), ""),
    "finished": (training(RunFinished(172, 0.7166)), ""),
    "failed": (training(RunFailed("RuntimeError: no room on the device.", "/runs/one/failure.txt", 1)), ""),
    "no-data": (preparing(DataMissing("CIFAR-10 is not in data/ and cannot be downloaded: no network.")), ""),
    "broken-loss": (training(LossNotFinite(173, float("nan"), waiting=True)), ""),
}
OFTEN_SEEN = ("starting", "training", "paused", "finished", "failed")


@pytest.mark.parametrize(
    "state", [state if state in OFTEN_SEEN else pytest.param(state, marks=pytest.mark.slow) for state in STATES]
)
async def test_the_screen_looks_as_it_was_designed(state: str, clock: SetClock, pytestconfig: pytest.Config) -> None:
    events, key = STATES[state]
    seen = []
    async with screen(
        ScriptedJobs(ScriptedConnection(events)), SIZES[0], hardware=StillMachine(), intervals=clock.intervals
    ) as pilot:
        for width, height in SIZES:
            await pilot.resize_terminal(width, height)
            if key and (width, height) == SIZES[0]:
                await pilot.press(key)
            await settle(pilot)
            seen.append(f"{width} x {height}\n{_ruled(screen_text(pilot), width, height)}\n")
    golden = FOLDER / f"{state}.txt"
    if pytestconfig.getoption("--update-goldens"):
        golden.write_text("\n".join(seen), encoding="utf-8")
    assert "\n".join(seen) == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "keys"),
    [("verdict", ("c", "enter")), pytest.param("wrong-pictures", ("c", "enter", "i"), marks=pytest.mark.slow)],
)
async def test_what_is_inside_a_checkpoint_looks_as_it_was_designed(
    name: str, keys: tuple[str, ...], tmp_path: Path, clock: SetClock, pytestconfig: pytest.Config
) -> None:
    scripted.put_checkpoint(tmp_path, 3)
    scripted.put_verdict(tmp_path, 3)
    events = [*scripted.opening(tmp_path), *scripted.epochs(3)]
    seen = []
    async with screen(
        ScriptedJobs(ScriptedConnection(events)), SIZES[0], hardware=StillMachine(), intervals=clock.intervals
    ) as pilot:
        for key in keys:
            await pilot.press(key)
            await settle(pilot)
        for width, height in SIZES:
            await pilot.resize_terminal(width, height)
            await settle(pilot)
            seen.append(f"{width} x {height}\n{_ruled(screen_text(pilot), width, height)}\n")
    golden = FOLDER / f"{name}.txt"
    if pytestconfig.getoption("--update-goldens"):
        golden.write_text("\n".join(seen), encoding="utf-8")
    assert "\n".join(seen) == golden.read_text(encoding="utf-8")


@pytest.mark.slow
async def test_many_classes_look_as_they_were_designed(
    tmp_path: Path, clock: SetClock, pytestconfig: pytest.Config
) -> None:
    scripted.put_checkpoint(tmp_path, 3)
    scripted.put_evaluation(tmp_path, 3, scripted.class_list(37), 2_000)
    events = [*scripted.opening(tmp_path), *scripted.epochs(3)]
    seen = []
    async with screen(
        ScriptedJobs(ScriptedConnection(events)), SIZES[1], hardware=StillMachine(), intervals=clock.intervals
    ) as pilot:
        for keys in (("c",), ("enter",), ("v",), ("v",)):
            await pilot.press(*keys)
            await settle(pilot)
            for width, height in SIZES[1:]:
                await pilot.resize_terminal(width, height)
                await settle(pilot)
                ruled = screen_text(pilot).split("\n")
                seen.append(f"{width} x {height}\n" + "\n".join(row.rstrip() for row in ruled) + "\n")
    golden = FOLDER / "many-classes.txt"
    if pytestconfig.getoption("--update-goldens"):
        golden.write_text("\n".join(seen), encoding="utf-8")
    assert "\n".join(seen) == golden.read_text(encoding="utf-8")


def _ruled(seen: str, width: int, height: int) -> str:
    """The screen's rows, none longer than it is wide."""
    rows = [row.rstrip() for row in seen.split("\n")]
    assert all(len(row) <= width for row in rows)
    assert len(rows) <= height
    return "\n".join(rows)


PRESSED_IN = ["starting", "paused", "finished", "failed", "no-data", "broken-loss"]


@pytest.mark.slow
@pytest.mark.fault(23)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("state", PRESSED_IN)
async def test_no_key_takes_any_state_down(
    state: str, size: tuple[int, int], press_all: Callable[[], list[str]], often: bool
) -> None:
    if not often and PRESSED_IN.index(state) % len(SIZES) != SIZES.index(size):
        pytest.skip("one size of each state; all of them with --faults")
    events, _ = STATES[state]
    connection = ScriptedConnection(events)
    again = [ScriptedConnection(events) for _ in range(4)]
    async with screen(ScriptedJobs(connection, *again), size, hardware=StillMachine()) as pilot:
        for key in press_all():
            await pilot.press(key)
            if not pilot.app.is_running:
                break
            await pilot.pause(0.01)
    assert exception_in(pilot) is None


@pytest.mark.slow
@pytest.mark.parametrize("opened", [("c", "enter"), ("c", "enter", "i")])
async def test_no_key_takes_the_inside_of_a_checkpoint_down(
    opened: tuple[str, ...], tmp_path: Path, press_all: Callable[[], list[str]]
) -> None:
    scripted.put_checkpoint(tmp_path, 3)
    scripted.put_verdict(tmp_path, 3)
    events = [*scripted.opening(tmp_path), *scripted.epochs(3)]
    async with screen(ScriptedJobs(ScriptedConnection(events)), (60, 20), hardware=StillMachine()) as pilot:
        for key in (*opened, *press_all()):
            await pilot.press(key)
    assert exception_in(pilot) is None
