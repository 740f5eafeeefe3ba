"""Readings of the machine: processor and memory by psutil, a GPU by nvidia.py. No torch."""

import importlib.util
import os
import platform
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from cifar_tui.dataclass import dataclass
from cifar_tui.system.container import memory_limit, usable_cores

if TYPE_CHECKING:
    import psutil

    from cifar_tui.system.nvidia import GpuReading


READ_SECONDS = 2.0
FIRST_SECONDS = 0.5
DEVICES = Path("/dev")
NVIDIA_DEVICES = ("nvidia*", "dxg", "nvmap")
"""Devices of an NVIDIA driver: of a card, in Windows' Linux, on a Jetson."""


def has_gpu() -> bool:
    """Return True if torch is expected to find a GPU here: known in milliseconds, for torch takes seconds to load."""
    build = _torch_build()
    if sys.platform == "darwin":
        return platform.machine() == "arm64"
    if build == "cpu" or os.environ.get("CUDA_VISIBLE_DEVICES", "0").strip() in ("", "-1"):
        return False
    if build.startswith("rocm"):
        return Path("/dev/kfd").exists()
    if not any(any(DEVICES.glob(name)) for name in NVIDIA_DEVICES):
        return False
    from cifar_tui.system import nvidia

    return nvidia.count_gpus() > 0


def _torch_build() -> str:
    """Return what torch was built for, as `cu130` or `cpu`; empty where that is not known.

    Its package's metadata say it, too, but reading those loads a parser of mails.
    """
    torch = importlib.util.find_spec("torch")
    if torch is None or torch.origin is None:
        return ""
    try:
        text = Path(torch.origin).with_name("version.py").read_text(encoding="utf-8")
    except OSError:
        return ""
    found = re.search(r"__version__ = '[^'+]*\+(\w+)'", text)
    return found.group(1) if found else ""


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
    """Reads the machine, and the GPUs that the run has."""

    read_seconds = READ_SECONDS
    """Between two readings; tests have others."""
    first_seconds = FIRST_SECONDS
    """From `begin` to the first reading."""

    def __init__(self) -> None:
        """Load nothing yet, for the first frame does not wait for it; the driver only once a GPU is named."""
        self._gpus: dict[str, object | None] = {}
        self._cores = usable_cores()
        self._process: psutil.Process | None = None

    def begin(self) -> "psutil.Process":
        """Load psutil, and begin to count the processor's time. Returns this process."""
        import psutil

        self._process = psutil.Process()
        psutil.cpu_percent()
        self._process.cpu_percent()
        return self._process

    def machine(self) -> MachineReading:
        """Processor and memory now."""
        import psutil

        process = self._process or self.begin()
        memory, limit, cores = psutil.virtual_memory(), memory_limit(), self._cores
        whole = cores == psutil.cpu_count()
        limited = limit is not None and limit.total < memory.total
        return MachineReading(
            # Of a share of the time, others use the rest: only this process counts.
            processor=psutil.cpu_percent() / 100 if whole else min(process.cpu_percent() / 100 / cores, 1.0),
            cores=cores,
            memory_used=limit.used if limit is not None and limited else memory.total - memory.available,
            memory_total=limit.total if limit is not None and limited else memory.total,
            memory_ours=process.memory_info().rss,
        )

    def gpu(self, uuid: str) -> "GpuReading | None":
        """The GPU with this UUID now; None where the driver does not know it."""
        # Only here: a machine without such a GPU has no use for the driver's library.
        from cifar_tui.system import nvidia

        if uuid not in self._gpus:
            self._gpus[uuid] = nvidia.find_gpu(uuid)
        handle = self._gpus[uuid]
        return nvidia.read_gpu(handle) if handle is not None else None
