"""What the machine is doing at this moment: GPU by NVML, processor and memory by psutil. No torch."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

import psutil
import pynvml


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


@dataclass(frozen=True, slots=True)
class MachineReading:
    """The processor and the memory."""

    processor: float
    """Share of all cores in use since the last reading, 0 to 1."""
    cores: int
    """Logical cores."""
    memory_used: int
    """Bytes in use on the machine."""
    memory_total: int
    """Bytes."""
    memory_ours: int
    """Bytes held by this process."""


class Hardware:
    """Reads the machine, and one GPU where the run has one."""

    def __init__(self) -> None:
        """Prepare; the driver is asked only once a GPU is named."""
        self._process = psutil.Process()
        self._uuid = ""
        self._gpu: object | None = None
        psutil.cpu_percent()  # the first call has nothing to compare with

    def machine(self) -> MachineReading:
        """Processor and memory now."""
        memory = psutil.virtual_memory()
        return MachineReading(
            processor=psutil.cpu_percent() / 100,
            cores=psutil.cpu_count() or 1,
            memory_used=memory.total - memory.available,
            memory_total=memory.total,
            memory_ours=self._process.memory_info().rss,
        )

    def gpu(self, uuid: str) -> GpuReading | None:
        """The GPU with this UUID now; None where the driver does not know it."""
        if uuid != self._uuid:
            self._uuid, self._gpu = uuid, _find_gpu(uuid)
        return _read_gpu(self._gpu) if self._gpu is not None else None


def _find_gpu(uuid: str) -> object | None:
    try:
        pynvml.nvmlInit()
        handle: object = pynvml.nvmlDeviceGetHandleByUUID(uuid)
    except pynvml.NVMLError:
        return None
    return handle


@contextlib.contextmanager
def _unless_not_supported() -> Iterator[None]:
    # Laptops, virtual and partitioned GPUs each leave something out; the rest is still worth showing.
    with contextlib.suppress(pynvml.NVMLError):
        yield


def _read_gpu(handle: object) -> GpuReading:
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
