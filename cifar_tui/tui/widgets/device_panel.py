"""The device panel: the GPU of the run, or the processor and memory where it trains on a CPU."""

from typing import TYPE_CHECKING

from cifar_tui import text
from cifar_tui.history.run_history import RunHistory
from cifar_tui.system.hardware import Hardware, MachineReading
from cifar_tui.tui.widgets.rows import Row, Rows, bar

if TYPE_CHECKING:
    from cifar_tui.system.nvidia import GpuReading

READ_SECONDS = 2.0
"""Between two readings of the machine."""
LABEL_WIDTH = 12
VALUE_WIDTH = 22


class DevicePanel(Rows):
    """One meter in each row."""

    def __init__(self, hardware: Hardware) -> None:
        super().__init__(id="device", classes="panel")
        self.border_title = "Device"
        self._hardware = hardware
        self._gpu = ""
        self._resting = False

    def on_mount(self) -> None:
        """Start to read at intervals."""
        self.set_interval(READ_SECONDS, self._read_again)

    def on_resize(self) -> None:
        """Fit the meters to the new size."""
        self._read()

    def show(self, history: RunHistory) -> None:
        """Take the device's name and the GPU to read from the history."""
        self._resting = history.state == "paused" or not history.live
        if history.training is None:
            return
        if self.border_title != history.training.device:
            self.border_title = history.training.device
            self._gpu = history.training.gpu
            self._read()

    def _read_again(self) -> None:
        # A screen on which nothing happens sends nothing.
        if not self._resting:
            self._read()

    def _read(self) -> None:
        if not self.size.width or not self.display:
            return
        bar_width = max(self.size.width - LABEL_WIDTH - VALUE_WIDTH, 0)
        rows = _machine_rows(self._hardware.machine(), bar_width)
        gpu = self._hardware.gpu(self._gpu) if self._gpu else None
        if gpu is not None:
            rows = _gpu_rows(gpu, bar_width) + rows
        self.set_rows(rows)


def _gpu_rows(gpu: "GpuReading", bar_width: int) -> list[Row]:
    rows = []
    if gpu.utilisation is not None:
        rows.append(_meter("GPU", f"{gpu.utilisation:.0%}", gpu.utilisation, bar_width))
    if gpu.memory_used is not None and gpu.memory_total:
        used = f"{text.size(gpu.memory_used)} of {text.size(gpu.memory_total)}"
        rows.append(_meter("GPU memory", used, gpu.memory_used / gpu.memory_total, bar_width))
    if gpu.temperature is not None:
        rows.append(_meter("Temperature", f"{gpu.temperature} °C", gpu.temperature / 100, bar_width))
    if gpu.power is not None:
        limit = f" of {gpu.power_limit:.0f} W" if gpu.power_limit else " W"
        share = gpu.power / gpu.power_limit if gpu.power_limit else 0.0
        rows.append(_meter("Power", f"{gpu.power:.0f}{limit}", share, bar_width))
    return rows


def _machine_rows(machine: MachineReading, bar_width: int) -> list[Row]:
    memory = f"{text.size(machine.memory_used)} of {text.size(machine.memory_total)}"
    cores = text.counted(machine.cores, "core")
    return [
        _meter("Processor", f"{machine.processor:.0%} of {cores}", machine.processor, bar_width),
        _meter("Memory", memory, machine.memory_used / machine.memory_total, bar_width),
        _meter("This run", text.size(machine.memory_ours), machine.memory_ours / machine.memory_total, bar_width),
    ]


def _meter(label: str, value: str, share: float, bar_width: int) -> Row:
    head: Row = ((f"{label:<{LABEL_WIDTH}}", "label"), (f"{value:<{VALUE_WIDTH}}", "value"))
    return (*head, *bar(share, bar_width)) if bar_width >= 4 else head
