"""The device of a run and its arithmetic; one code path with another device value."""

import contextlib
import os
import platform
import sys
import warnings
from collections import deque
from contextlib import AbstractContextManager
from pathlib import Path

import torch

from cifar_tui.dataclass import dataclass
from cifar_tui.engine.network.convolution import products_pay
from cifar_tui.engine.network.torch_private import cpu_computes_bf16
from cifar_tui.engine.network.winograd import winograd_pays
from cifar_tui.errors import BadInput, CifarTuiError
from cifar_tui.recipe import Precision, Recipe
from cifar_tui.system import nvidia
from cifar_tui.system.allocator import keep_freed_memory
from cifar_tui.system.container import usable_cores
from cifar_tui.system.hardware import has_gpu
from cifar_tui.system.launcher import local_rank, ranks_here
from cifar_tui.text import counted, safe_text

STEPS_AHEAD = 8
"""Steps that the CPU may be ahead of a GPU, so that a pause reacts at once."""

PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}

WAIT_FOR_OTHERS = "Wait for them (nvidia-smi lists them), or choose another GPU by CUDA_VISIBLE_DEVICES."
"""The remedy where other programs hold a GPU's memory."""

CPU_NICENESS = 5
"""Niceness of threads that train on the processor: keys are answered in half the time, idle cores used fully."""


@dataclass(frozen=True, slots=True)
class Device:
    """A device and how it is used."""

    torch: torch.device
    """The device of the tensors."""
    name: str
    """Its name for people."""
    gpu: str
    """An NVIDIA GPU's UUID; empty elsewhere."""
    precision: str
    """A key of `PRECISIONS`."""
    channels_last: bool
    """True where images and weights are laid out channels last."""
    unused_gpu: str = ""
    """A sentence on a GPU of this machine that cannot be used; empty where there is none."""

    def environment(self) -> dict[str, str]:
        """Everything that decides if the same numbers come out again, by name, for people too."""
        facts = {"torch": torch.__version__, "precision": self.precision}
        if ranks_here() > 1:
            facts["ranks"] = str(ranks_here())
        if self.torch.type != "cpu":
            return facts | {"device": self.name}
        facts |= {"device": "CPU", "processor": processor_name(), "threads": str(torch.get_num_threads())}
        facts["instructions"] = torch.backends.cpu.get_cpu_capability()
        if products_pay(PRECISIONS[self.precision]):
            facts["small convolutions"] = "products"
        if winograd_pays(PRECISIONS[self.precision]):
            facts["convolutions"] = "Winograd"
        return facts

    def autocast(self) -> AbstractContextManager[object]:
        """The context of a forward pass."""
        dtype = PRECISIONS[self.precision]
        return torch.autocast(self.torch.type, dtype=dtype, enabled=dtype is not torch.float32)

    @property
    def memory_format(self) -> "torch.memory_format":  # type: ignore[name-defined]
        """The layout of weights and images."""
        return torch.channels_last if self.channels_last else torch.contiguous_format


def prepare_processor(device: Device) -> None:
    """Have this thread, and those it starts, train well where that takes every core; what they compute is the same.

    Screens and whoever else works on the machine go first, and the memory of a step is kept for the next.
    """
    if device.torch.type != "cpu":
        return
    keep_freed_memory()
    if sys.platform == "linux":
        # On Linux it is the thread's own.
        os.setpriority(os.PRIO_PROCESS, 0, max(os.getpriority(os.PRIO_PROCESS, 0), CPU_NICENESS))


def choose_device(recipe: Recipe) -> Device:
    """Return the device and precision of a recipe. Raises BadInput when this machine does not have them."""
    asked, _, number = recipe.device.partition(":")
    has_cuda, obstacle = _look_for_cuda() if asked in ("auto", "cuda") else (False, "")
    kind = asked if asked != "auto" else _best_kind(has_cuda)
    if kind == "cuda" and not has_cuda:
        why = obstacle or "There is no CUDA device here, or its driver does not work"
        raise BadInput(f"{why}. Use --device cpu, or auto.")
    if kind == "mps" and not torch.backends.mps.is_available():
        raise BadInput("There is no Apple GPU (MPS) here. Use --device cpu, or auto.")
    index = _choose_gpu(int(number or local_rank())) if kind == "cuda" else 0
    precision = _precision(kind, recipe.precision)
    # TF32 would be a third kind of fp32: the recipe says fp32 and gets it.
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.benchmark = kind == "cuda"
    if kind == "cuda":
        properties = torch.cuda.get_device_properties(index)
        gpu = f"GPU-{properties.uuid}"
        return Device(torch.device("cuda", index), properties.name, gpu, precision, channels_last=True)
    if kind == "mps":
        return Device(torch.device("mps"), "Apple GPU", "", precision, channels_last=False)
    unused = f"{obstacle}: training on the CPU." if obstacle else ""
    return Device(torch.device("cpu"), _cpu_name(), "", precision, channels_last=True, unused_gpu=unused)


def _choose_gpu(index: int) -> int:
    """Make a GPU this thread's own, for graphs, streams and events name none, and return its number.

    Raises BadInput without one of that number, CifarTuiError where it has no memory left for one more process.
    """
    count = torch.cuda.device_count()
    if index >= count:
        there = "cuda:0 alone" if count == 1 else f"cuda:0 to cuda:{count - 1}"
        hidden = os.environ.get("CUDA_VISIBLE_DEVICES")
        limited = f" (CUDA_VISIBLE_DEVICES={safe_text(hidden, 40)} hides the others)" if hidden is not None else ""
        raise BadInput(f"There is no GPU cuda:{index} here: torch sees {there}{limited}.")
    try:
        torch.cuda.set_device(index)
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        raise CifarTuiError(f"Other programs hold all memory of GPU cuda:{index}. {WAIT_FOR_OTHERS}") from None
    return index


def is_out_of_memory(error: BaseException) -> bool:
    """Return True if an error says that memory did not suffice.

    torch has a class of its own for its allocator only; the driver, cuDNN and cuBLAS say it in words (`ALLOC_FAILED`).
    """
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    words = str(error)
    return isinstance(error, RuntimeError) and ("out of memory" in words or "ALLOC_FAILED" in words)


def _look_for_cuda() -> tuple[bool, str]:
    """Return True if torch can use a GPU, or else why it cannot use one that is here, as half a sentence.

    torch gives its reason (a driver that is too old, as a rule) as a warning on stderr, in the middle of a screen.
    """
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        usable = torch.cuda.is_available()
    if usable or not (caught or has_gpu() or (hidden is not None and nvidia.count_gpus())):
        return usable, ""
    if hidden is not None and not caught:
        return False, f"CUDA_VISIBLE_DEVICES={safe_text(hidden, 40)} hides every NVIDIA GPU of this machine"
    reason = safe_text(str(caught[0].message).split(". ")[0].split(" (Triggered")[0], 200) if caught else ""
    return False, f"There is an NVIDIA GPU here that torch cannot use{f' ({reason})' if reason else ''}"


def _cpu_name() -> str:
    """Return the processor's name with its threads, after taking no more of them than a container's share."""
    share = usable_cores()
    limited = share < torch.get_num_threads() and "OMP_NUM_THREADS" not in os.environ
    if limited:  # more would be stopped in turn, and wait for each other: up to 40 % slower
        torch.set_num_threads(share)
    threads = counted(torch.get_num_threads(), "thread")
    return f"CPU, {threads}{' (the share of this container)' if limited else ''}"


def has_fast_bf16(kind: str) -> bool:
    """Return True if the hardware itself computes in bf16: only then it is faster."""
    if kind == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if kind == "mps":
        return False
    return cpu_computes_bf16()


def _best_kind(has_cuda: bool) -> str:
    if has_cuda:
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _precision(kind: str, asked: Precision) -> str:
    if asked == "fp16" and kind != "cuda":
        raise BadInput("fp16 needs a CUDA device. Use --precision fp32, or auto.")
    if asked != "auto":
        return asked
    if has_fast_bf16(kind):
        return "bf16"
    return "fp16" if kind == "cuda" and torch.cuda.get_device_capability() >= (7, 0) else "fp32"


def processor_name() -> str:
    """Return the processor's model, as far as the system names it."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return safe_text(line.split(":", 1)[-1].strip(), 80)
    return platform.processor() or platform.machine()


def inexact_because(before: dict[str, str], now: dict[str, str]) -> str:
    """Return why training on will not give the bits of an unbroken run; empty where it will."""
    before, now = {"ranks": "1", **before}, {"ranks": "1", **now}
    names = [*now, *(name for name in before if name not in now)]
    changes = [
        f"{name} {before.get(name, 'unknown')} → {now.get(name, 'none')}"
        for name in names
        if before.get(name) != now.get(name)
    ]
    if now["device"] != "CPU":
        changes.append("a GPU does not add in a fixed order")
    return ", ".join(changes)


class StepFence:
    """Keeps the CPU from running far ahead of a GPU. Does nothing on a CPU."""

    def __init__(self, device: torch.device) -> None:
        self._cuda = device.type == "cuda"
        self._events: deque[torch.cuda.Event] = deque()

    def step_queued(self) -> None:
        """Note that a step was queued, and wait for the one `STEPS_AHEAD` before it."""
        if not self._cuda:
            return
        event = torch.cuda.Event()  # type: ignore[no-untyped-call]
        event.record()
        self._events.append(event)
        if len(self._events) > STEPS_AHEAD:
            self._events.popleft().synchronize()
