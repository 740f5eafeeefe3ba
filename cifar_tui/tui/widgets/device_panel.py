"""The device panel: what the run makes of its GPU, or of the processor and memory, now and in the last minutes."""

import math
from collections import defaultdict, deque
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cifar_tui import text
from cifar_tui.dataclass import dataclass
from cifar_tui.history.run_history import RunHistory
from cifar_tui.history.throughput import past_throughput
from cifar_tui.system.hardware import READ_SECONDS, Hardware, MachineReading
from cifar_tui.tui.terminal.textual_internals import BorderText
from cifar_tui.tui.widgets.rows import Row, Rows
from cifar_tui.tui.widgets.sparkline import sparkline

if TYPE_CHECKING:
    from cifar_tui.system.nvidia import GpuReading

READINGS_KEPT = 300
"""Of each meter: one fills a cell of its small history."""
LABEL_WIDTH, VALUE_WIDTH, LIMIT_WIDTH = 13, 9, 12
LEAST_CELLS = 4
"""A small history of fewer cells is left out."""
MOST_ROWS = 6
"""Of one small history."""
ROUND = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
"""Upper ends of a scale, times a power of ten."""


@dataclass(frozen=True, slots=True)
class Meter:
    """A number of the machine, and the limit that its history is drawn against."""

    label: str
    """Its name."""
    value: str
    """It, now."""
    limit: str
    """The upper end of the scale; empty without a history."""
    share: float = 0.0
    """The part of the limit, 0 to 1."""
    grows: bool = False
    """True if its history takes the rows that are left over: the meters that tell most."""


class DevicePanel(Rows):
    """A meter with its small history in each row, and in more rows where there are some to spare."""

    def __init__(self, hardware: Hardware) -> None:
        super().__init__(id="device", classes="panel")
        self.border_title = "Device"
        self._border_text = BorderText(self)
        self._hardware = hardware
        self._history = RunHistory()
        self._gpu = ""
        self._resting = False
        self._drawn_for: tuple[object, ...] = ()
        self._meters: list[Meter] = []
        self._past: defaultdict[str, deque[float]] = defaultdict(lambda: deque(maxlen=READINGS_KEPT))
        self._fastest = 0.0
        self._temperature = ""

    def on_mount(self) -> None:
        """Start to read, once the first frame is up."""
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        self._hardware.begin()
        self.set_timer(self._hardware.first_seconds, self._read_and_draw)
        self.set_interval(self._hardware.read_seconds, self._read_again)

    def on_resize(self) -> None:
        """Fit the meters to the new size."""
        self._draw()

    def show(self, history: RunHistory) -> None:
        """Take the device's name, the GPU to read and the throughput from the history."""
        self._history = history
        self._resting = history.state == "paused" or not history.live
        gpu = history.training.gpu if history.training is not None else self._gpu
        if gpu != self._gpu:
            self._gpu = gpu
            self._read()
        drawn_for = (id(history), history.state, history.training)
        if drawn_for != self._drawn_for:
            self._fastest = self._fastest if self._drawn_for[:1] == drawn_for[:1] else 0.0
            self._drawn_for = drawn_for
            self._draw()

    def _read_again(self) -> None:
        # A screen on which nothing happens sends nothing.
        if not self._resting:
            self._read_and_draw()

    def _read_and_draw(self) -> None:
        self._read()
        self._draw()

    def _read(self) -> None:
        found = [self._hardware.gpu(uuid) for uuid in self._gpu.split(",") if uuid]
        gpus = [gpu for gpu in found if gpu is not None]
        self._meters = [*_gpu_meters(gpus), *_machine_meters(self._hardware.machine())]
        for meter in self._meters:
            self._past[meter.label].append(meter.share)
        hottest = max((gpu.temperature for gpu in gpus if gpu.temperature is not None), default=None)
        self._temperature = f"{hottest} °C" if hottest is not None else ""

    def _draw(self) -> None:
        width, height = self.size
        if not width or not self.display:
            return
        cells = width - LABEL_WIDTH - VALUE_WIDTH - LIMIT_WIDTH
        pasts = [(meter, list(self._past[meter.label]) if meter.limit else []) for meter in self._meters]
        throughput = self._throughput(cells)
        if throughput is not None:
            pasts.insert(0, throughput)
        pasts = pasts[:height]
        rows: list[Row] = []
        for (meter, past), lines in zip(pasts, _rows_of_each([meter for meter, _ in pasts], height), strict=True):
            rows += _rows(meter, past, cells, lines)
        self.set_rows(rows)
        title = self._history.training.device if self._history.training is not None else "Device"
        span = f"last {(cells - 1) * READ_SECONDS:.0f} s" if cells >= LEAST_CELLS else ""
        below = " · ".join(part for part in (self._temperature, span) if part)
        self._border_text.show(text.safe_text(title).replace("[", r"\["), below)

    def _throughput(self, cells: int) -> tuple[Meter, list[float]] | None:
        """Images per second: now from the latest steps, and before from the training time at every step."""
        history = self._history
        if history.training is None or history.data is None or not math.isfinite(history.images_per_second):
            return None
        now, images = history.images_per_second, history.data.train_images / history.training.steps_per_epoch
        past = past_throughput(history.curves.seconds, images, READ_SECONDS, max(cells, 0))
        self._fastest = max(self._fastest, *(past or [now]))
        limit = _rounded_up(self._fastest)
        value, top = (text.throughput(one).removesuffix(" images/s") for one in (now, limit))
        return Meter("Images/s", value, top, now / limit, grows=True), [one / limit for one in past]


def _gpu_meters(gpus: Sequence["GpuReading"]) -> list[Meter]:
    """Return the load of each, and the memory and power of all together; what a driver does not tell is left out."""
    meters = []
    for number, gpu in enumerate(gpus):
        label = f"GPU {number}" if len(gpus) > 1 else "GPU"
        if gpu.utilisation is not None:
            load = text.percent(gpu.utilisation, 0)
            meters.append(Meter(label, load, "100 %", gpu.utilisation, grows=len(gpus) == 1))
    used, total = sum(one.memory_used or 0 for one in gpus), sum(one.memory_total or 0 for one in gpus)
    if total:
        meters.append(Meter("GPU memory", text.size(used), text.size(total), used / total))
    power, limit = sum(one.power or 0.0 for one in gpus), sum(one.power_limit or 0.0 for one in gpus)
    if any(one.power is not None for one in gpus):
        top = f"{limit:,.0f} W" if limit else ""
        meters.append(Meter("Power", f"{power:,.0f} W", top, power / limit if limit else 0.0))
    return meters


def _machine_meters(machine: MachineReading) -> list[Meter]:
    total = machine.memory_total
    cores = text.counted(machine.cores, "core")
    return [
        Meter("Processor", text.percent(machine.processor, 0), cores, machine.processor, grows=True),
        Meter("Memory", text.size(machine.memory_used), text.size(total), machine.memory_used / total),
        Meter("This process", text.size(machine.memory_ours), ""),
    ]


def _rows_of_each(meters: Sequence[Meter], height: int) -> list[int]:
    """Return how many rows each meter gets: one, and what is left over goes to those that grow."""
    lines = [1] * len(meters)
    growing = [place for place, meter in enumerate(meters) if meter.grows]
    spare = max(min(height - len(meters), len(growing) * (MOST_ROWS - 1)), 0)
    for turn in range(spare):
        lines[growing[turn % len(growing)]] += 1
    return lines


def _rows(meter: Meter, past: Sequence[float], cells: int, lines: int) -> list[Row]:
    head: Row = ((f"{meter.label:<{LABEL_WIDTH}}", "label"), (f"{meter.value:>{VALUE_WIDTH}}", "value"))
    if not meter.limit or cells < LEAST_CELLS:
        limit = f" of {meter.limit}" if meter.limit else ""
        return [(*head, (limit, "label")), *[()] * (lines - 1)]
    first, *others = sparkline(past, cells - 1, lines)
    gap = " " * (LABEL_WIDTH + VALUE_WIDTH)
    top = (f" of {meter.limit}", "label")
    return [(*head, (f" {first}", "bar"), top), *(((gap, ""), (f" {row}", "bar")) for row in others)]


def _rounded_up(value: float) -> float:
    power = 10.0 ** math.floor(math.log10(max(value, 1e-9)))
    return next(one * power for one in ROUND if one * power >= value * 0.9999)
