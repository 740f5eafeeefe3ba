"""Reads one NVIDIA GPU from its driver, by NVML."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pynvml

from cifar_tui.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class GpuReading:
    """One NVIDIA GPU; what its driver does not tell is None."""

    utilisation: float | None
    """Share of the last moment in which it computed, 0 to 1."""
    memory_used: int | None
    """Bytes."""
    memory_total: int | None
    """Bytes."""
    temperature: int | None
    """Degrees Celsius."""
    power: float | None
    """Watts."""
    power_limit: float | None
    """Watts."""


def find_gpu(uuid: str) -> object | None:
    """The driver's handle of the GPU with this UUID, or of that part of a divided one (MIG); None without."""
    names = (uuid, uuid.replace("GPU-", "MIG-", 1))
    handles = (_ask(pynvml.nvmlDeviceGetHandleByUUID, name) for name in names)
    return next((handle for handle in handles if handle is not None), None)


def first_gpu() -> object | None:
    """The driver's handle of its first GPU; None without one."""
    handle: object | None = _ask(pynvml.nvmlDeviceGetHandleByIndex, 0)
    return handle


def count_gpus() -> int:
    """Return the number of GPUs that the driver knows; 0 without a driver."""
    return int(_ask(pynvml.nvmlDeviceGetCount) or 0)


def gpu_uuids() -> list[str]:
    """Return the UUIDs of the driver's GPUs, in the order of their places on the bus; empty without a driver."""
    handles = (_ask(pynvml.nvmlDeviceGetHandleByIndex, index) for index in range(count_gpus()))
    uuids = (_ask(pynvml.nvmlDeviceGetUUID, handle) for handle in handles if handle is not None)
    return [str(uuid) for uuid in uuids if uuid is not None]


def computing_processes(uuid: str) -> frozenset[int] | None:
    """Return the processes that compute on a GPU, by their numbers on the host; None where that cannot be known."""
    handle = find_gpu(uuid)
    running = _ask(pynvml.nvmlDeviceGetComputeRunningProcesses, handle) if handle is not None else None
    return frozenset(int(process.pid) for process in running) if running is not None else None


# Any: NVML's binding names no types.
def _ask(question: Callable[..., Any], *about: object) -> Any:
    """Return the driver's answer; None without a driver, and where it refuses."""
    try:
        pynvml.nvmlInit()
        return question(*about)
    except pynvml.NVMLError:
        return None


@contextlib.contextmanager
def _unless_not_supported() -> Iterator[None]:
    # Laptops, virtual and partitioned GPUs each leave something out; the rest is still worth showing.
    with contextlib.suppress(pynvml.NVMLError):
        yield


def read_gpu(handle: object) -> GpuReading:
    """The GPU now."""
    utilisation = memory_used = memory_total = temperature = power = power_limit = None
    with _unless_not_supported():
        utilisation = pynvml.nvmlDeviceGetUtilizationRates(handle).gpu / 100
    with _unless_not_supported():
        memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
        memory_used, memory_total = int(memory.used), int(memory.total)
    with _unless_not_supported():
        temperature = int(pynvml.nvmlDeviceGetTemperature(handle, pynvml.NVML_TEMPERATURE_GPU))
    with _unless_not_supported():
        power = pynvml.nvmlDeviceGetPowerUsage(handle) / 1000
    with _unless_not_supported():
        power_limit = pynvml.nvmlDeviceGetEnforcedPowerLimit(handle) / 1000
    return GpuReading(utilisation, memory_used, memory_total, temperature, power, power_limit)
