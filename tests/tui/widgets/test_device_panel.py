"""The device panel: numbers of the machine and their small histories."""

import dataclasses
import re

import pytest
from textual.pilot import Pilot

from cifar_tui.events import Paused, Resumed, RunFinished, TrainingStarted
from cifar_tui.system.hardware import Hardware, MachineReading
from cifar_tui.system.nvidia import GpuReading
from cifar_tui.tui.widgets.sparkline import sparkline
from tests import scripted
from tests.scripted import ScriptedConnection, ScriptedJobs
from tests.tui.drive import screen, screen_text, settle, until

BUSY = GpuReading(0.98, 60_000_000_000, 85_000_000_000, 64, 512.4, 700.0)
SHY = GpuReading(None, 4_000_000_000, 8_000_000_000, None, None, None)
GPU = "GPU-1"


class ScriptedMachine(Hardware):
    """A machine whose load is set, read often."""

    read_seconds = 0.02
    first_seconds = 0.001

    def __init__(self, gpu: GpuReading | None = None) -> None:
        super().__init__()
        self.load = 0.5
        self.readings = 0
        self._reading = gpu

    def machine(self) -> MachineReading:
        self.readings += 1
        return MachineReading(self.load, 8, 4_000_000_000, 16_000_000_000, 746_400)

    def gpu(self, uuid: str) -> GpuReading | None:
        return self._reading if uuid == GPU else None

    async def read(self, times: int) -> None:
        enough = self.readings + times
        await until(lambda: self.readings >= enough)


def training(gpu: str = "") -> ScriptedConnection:
    begun, data, started = scripted.opening()
    assert isinstance(started, TrainingStarted)
    started = dataclasses.replace(started, gpu=gpu, device="NVIDIA H100 [0]")
    return ScriptedConnection([begun, data, started, *scripted.epochs(3)])


def meter(pilot: Pilot[int], label: str) -> str:
    """The row of a meter."""
    (row,) = re.findall(rf"│ ({label}  .*?) *│", screen_text(pilot))
    return str(row)


async def test_a_gpu_has_its_load_memory_power_and_temperature() -> None:
    async with screen(ScriptedJobs(training(GPU)), hardware=ScriptedMachine(BUSY)) as pilot:
        for label, value, limit in (
            ("Images/s", "1,000", "of 1,000"),
            ("GPU", "98 %", "of 100 %"),
            ("GPU memory", "60.0 GB", "of 85.0 GB"),
            ("Power", "512 W", "of 700 W"),
            ("Processor", "50 %", "of 8 cores"),
            ("Memory", "4.0 GB", "of 16.0 GB"),
        ):
            assert re.fullmatch(rf"{label} +{value} +\S+ {limit}", meter(pilot, label))
        assert "─ NVIDIA H100 [0] ─" in screen_text(pilot)
        assert "64 °C" in screen_text(pilot)


@pytest.mark.slow
@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
async def test_every_one_of_several_gpus_has_its_row(size: tuple[int, int]) -> None:
    names = [f"GPU-{number}" for number in range(8)]

    class Eight(ScriptedMachine):
        def gpu(self, uuid: str) -> GpuReading | None:
            return dataclasses.replace(BUSY, utilisation=0.5 + names.index(uuid) / 20, temperature=50 + int(uuid[-1]))

    async with screen(ScriptedJobs(training(",".join(names))), size, hardware=Eight()) as pilot:
        while "GPU 7" not in screen_text(pilot):
            await pilot.press("v")  # one panel alone, until it is this one
            await settle(pilot)
        for number in range(8):
            assert re.fullmatch(rf"GPU {number} +{50 + 5 * number} % +\S+ of 100 %", meter(pilot, f"GPU {number}"))
        assert re.fullmatch(r"GPU memory +480.0 GB +\S+ of 680.0 GB", meter(pilot, "GPU memory"))
        assert re.fullmatch(r"Power +4,099 W +\S+ of 5,600 W", meter(pilot, "Power"))
        assert "57 °C" in screen_text(pilot)


async def test_what_a_driver_does_not_tell_is_left_out() -> None:
    async with screen(ScriptedJobs(training(GPU)), hardware=ScriptedMachine(SHY)) as pilot:
        assert re.fullmatch(r"GPU memory +4.0 GB +\S+ of 8.0 GB", meter(pilot, "GPU memory"))
        for label in ("Power", "°C", "98 %"):
            assert label not in screen_text(pilot)
        assert re.fullmatch(r"This process +746 kB", meter(pilot, "This process"))


@pytest.mark.slow
async def test_the_small_history_moves_with_every_reading_and_rests_in_a_pause() -> None:
    machine, connection = ScriptedMachine(), training()
    async with screen(ScriptedJobs(connection), hardware=machine) as pilot:
        await machine.read(2)
        machine.load = 0.0
        await machine.read(3)
        connection.emit(Paused(150))
        await settle(pilot)
        before = screen_text(pilot)
        assert re.search(r"│ +█+▁+ +│", before), "half of two rows, then nothing"
        machine.load = 1.0
        await settle(pilot)
        assert screen_text(pilot) == before
        connection.emit(Resumed(150))
        await settle(pilot)
        await machine.read(3)
        await until(lambda: "█ of 8 cores" in screen_text(pilot))


@pytest.mark.parametrize("size", [(120, 40), (200, 50), (60, 20)])
async def test_an_ended_run_has_its_images_per_second(size: tuple[int, int]) -> None:
    steps = [dataclasses.replace(scripted.step(number), seconds=number / 10) for number in range(1, 500)]
    connection = ScriptedConnection([*scripted.opening(), *steps, RunFinished(499, 0.5)])
    async with screen(ScriptedJobs(connection), size, hardware=ScriptedMachine()) as pilot:
        if size[0] == 60:
            for _ in range(4):
                await pilot.press("v")
                await settle(pilot)
        assert re.fullmatch(r"Images/s +10,000 +█{20,} of 10,000", meter(pilot, "Images/s"))


def test_a_small_history_is_made_of_eighths() -> None:
    assert sparkline([0, 0.1, 0.5, 1.0, 2.0], 6, 1) == [" ▁▁▄██"]
    assert sparkline([0.1, 0.5, 0.75, 1.0], 4, 2) == ["  ▄█", "▂███"]
    assert sparkline([0.5, 1.0], 1, 1) == ["█"]
    assert sparkline([0.5], 0, 1) == [""]
    assert sparkline([], 3, 2) == ["   ", "   "]
