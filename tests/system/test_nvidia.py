"""The driver's library as a stand-in: several cards, a divided one, and drivers that leave something out."""

from types import SimpleNamespace
from typing import Any

import pynvml
import pytest

from cifar_tui.system import nvidia
from cifar_tui.system.nvidia import GpuReading, count_gpus, find_gpu, first_gpu, read_gpu

READINGS: dict[str, Any] = {
    "nvmlDeviceGetUtilizationRates": SimpleNamespace(gpu=93, memory=40),
    "nvmlDeviceGetMemoryInfo": SimpleNamespace(used=4_401_000_000, total=150_754_000_000),
    "nvmlDeviceGetTemperature": 61,
    "nvmlDeviceGetPowerUsage": 655_000,
    "nvmlDeviceGetEnforcedPowerLimit": 700_000,
}
WHOLE = GpuReading(0.93, 4_401_000_000, 150_754_000_000, 61, 655.0, 700.0)
FIELDS = {
    "nvmlDeviceGetUtilizationRates": {"utilisation"},
    "nvmlDeviceGetMemoryInfo": {"memory_used", "memory_total"},
    "nvmlDeviceGetTemperature": {"temperature"},
    "nvmlDeviceGetPowerUsage": {"power"},
    "nvmlDeviceGetEnforcedPowerLimit": {"power_limit"},
}


class Driver:
    """A machine with these GPUs, by UUID; `refuses` names the calls that it does not support."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, uuids: list[str], refuses: tuple[str, ...] = ()) -> None:
        self.uuids = uuids
        for name, value in READINGS.items():
            monkeypatch.setattr(pynvml, name, self._answer(name, value, refuses))
        monkeypatch.setattr(pynvml, "nvmlInit", self._start)
        monkeypatch.setattr(pynvml, "nvmlDeviceGetCount", lambda: len(self.uuids))
        monkeypatch.setattr(pynvml, "nvmlDeviceGetHandleByUUID", self._find)
        monkeypatch.setattr(pynvml, "nvmlDeviceGetHandleByIndex", lambda index: self._find(self.uuids[index]))

    def _start(self) -> None:
        if not self.uuids:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_DRIVER_NOT_LOADED)

    def _find(self, uuid: str) -> str:
        if uuid not in self.uuids:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_FOUND)
        return uuid

    @staticmethod
    def _answer(name: str, value: object, refuses: tuple[str, ...]) -> Any:
        def answer(handle: str, *_: object) -> object:
            if name in refuses or not handle:
                raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)
            return value

        return answer


def test_one_of_several_cards_is_read_by_its_uuid(monkeypatch: pytest.MonkeyPatch) -> None:
    Driver(monkeypatch, ["GPU-a", "GPU-b"])
    assert (find_gpu("GPU-b"), first_gpu(), count_gpus()) == ("GPU-b", "GPU-a", 2)
    assert find_gpu("GPU-c") is None
    assert read_gpu("GPU-b") == WHOLE


def test_a_part_of_a_divided_card_is_found_by_the_uuid_that_torch_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    Driver(monkeypatch, ["MIG-c5"], refuses=("nvmlDeviceGetUtilizationRates", "nvmlDeviceGetPowerUsage"))
    assert find_gpu("GPU-c5") == "MIG-c5"
    reading = read_gpu("MIG-c5")
    assert (reading.utilisation, reading.power, reading.memory_used) == (None, None, WHOLE.memory_used)


@pytest.mark.parametrize("refused", READINGS)
def test_what_a_driver_leaves_out_is_none_and_the_rest_is_there(monkeypatch: pytest.MonkeyPatch, refused: str) -> None:
    Driver(monkeypatch, ["GPU-a"], refuses=(refused,))
    reading = read_gpu("GPU-a")
    for field in nvidia.GpuReading.__slots__:
        expected = None if field in FIELDS[refused] else getattr(WHOLE, field)
        assert getattr(reading, field) == expected, field


def test_without_a_driver_there_is_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    Driver(monkeypatch, [])
    assert (find_gpu("GPU-a"), first_gpu(), count_gpus()) == (None, None, 0)
