"""The devices that a queue's runs are started on: one run each, or as many as a person says."""

import os
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from cifar_tui.dataclass import dataclass
from cifar_tui.errors import BadInput
from cifar_tui.queue.job import Job
from cifar_tui.text import safe_text

CPU = "cpu"
"""The place of a run that trains on no NVIDIA GPU; there is one."""
SEPARATOR = ","
VISIBLE = "CUDA_VISIBLE_DEVICES"


class DeviceMissing(BadInput):
    """A job wants a device that its queue does not have."""


@dataclass(frozen=True, slots=True)
class Place:
    """The devices of one run."""

    devices: tuple[str, ...]
    """UUIDs of GPUs, or the CPU."""
    chosen: bool = True
    """True where they were chosen for the run, which is then shown no others."""

    def __str__(self) -> str:
        return SEPARATOR.join(self.devices)

    @property
    def environment(self) -> dict[str, str]:
        """The variables that the run is started with."""
        if self.devices == (CPU,):
            return {}
        # Numbers of GPUs then mean the same to CUDA as to the driver.
        order = {"CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
        return {**order, VISIBLE: str(self)} if self.chosen else order


class Devices:
    """The devices of a machine that a queue may use."""

    def __init__(
        self,
        gpus: Sequence[str],
        visible: Sequence[str] | None = None,
        per_gpu: int = 1,
        processes: Callable[[str], Collection[int] | None] = lambda _uuid: (),
    ) -> None:
        """Take the UUIDs of the GPUs to use, of all that a run sees, and a way to ask for a GPU's processes."""
        self.gpus = tuple(gpus)
        self._visible = tuple(visible if visible is not None else gpus)
        self._per_gpu = per_gpu
        self._processes = processes

    def name(self, device: str) -> str:
        """Return a device's name for people: `GPU 1`."""
        return f"GPU {self._visible.index(device)}" if device in self._visible else "the CPU"

    def names(self, place: str) -> str:
        """Return the names of a place's devices."""
        return ", ".join(map(self.name, place.split(SEPARATOR)))

    def others_on(self, ours: Mapping[str, Sequence[Collection[int]]]) -> dict[str, int]:
        """Return how many processes of others compute on each GPU; `ours` are those of our runs on it.

        In a container the driver's numbers may be the host's: as many unknown ones as we have runs that are missing
        among them pass for these.
        """
        others = {}
        for gpu in self.gpus:
            found = frozenset(self._processes(gpu) or ())
            runs = ours.get(gpu, ())
            unknown = found.difference(*runs)
            missing = sum(not found.intersection(one) for one in runs)
            if len(unknown) > missing:
                others[gpu] = len(unknown) - missing
        return others

    def place_for(self, job: Job, busy: Iterable[str], taken: Collection[str] = ()) -> Place | None:
        """Return where a job can be started, None where everything that it could have is busy.

        `busy` has an item for each run on each device; `taken` are GPUs that nobody is to be started on.
        Raises DeviceMissing.
        """
        runs = Counter(busy)
        if not self.gpus or job.device in ("cpu", "mps") or job.processes:
            return Place((CPU,)) if not runs[CPU] else None
        if job.device.startswith("cuda:"):
            gpu = self._numbered(job.device)
            return Place((gpu,), chosen=False) if self._has_room(gpu, runs, taken) else None
        free = sorted((gpu for gpu in self.gpus if self._has_room(gpu, runs, taken)), key=lambda gpu: runs[gpu])
        needed = self._needed(job)
        return Place(tuple(free[:needed])) if len(free) >= needed else None

    def any_room(self, busy: Iterable[str], taken: Collection[str] = ()) -> bool:
        """Return True if there is a device on which some job could be started."""
        runs = Counter(busy)
        return not runs[CPU] or any(self._has_room(gpu, runs, taken) for gpu in self.gpus)

    def _has_room(self, gpu: str, runs: Mapping[str, int], taken: Collection[str]) -> bool:
        return gpu not in taken and runs.get(gpu, 0) < self._per_gpu

    def _needed(self, job: Job) -> int:
        needed = len(self.gpus) if job.gpus == "all" else int(job.gpus or 1)
        if needed > len(self.gpus):
            raise DeviceMissing(f"It wants {needed} GPUs, and this queue is run on {len(self.gpus)}.")
        return needed

    def _numbered(self, device: str) -> str:
        number = int(device.partition(":")[2])
        if number >= len(self._visible) or self._visible[number] not in self.gpus:
            raise DeviceMissing(f"It wants {device}, which is none of the devices that this queue is run on.")
        return self._visible[number]


def machine_devices(typed: str | None, per_gpu: int) -> Devices:
    """Return the devices that a person has named, or all of this machine. Raises BadInput."""
    from cifar_tui.system.nvidia import computing_processes, gpu_uuids

    visible = visible_gpus(gpu_uuids(), os.environ.get(VISIBLE))
    return Devices(chosen_gpus(visible, typed), visible, per_gpu, computing_processes)


def visible_gpus(uuids: Sequence[str], variable: str | None) -> list[str]:
    """Return the GPUs that CUDA_VISIBLE_DEVICES leaves, in its order: numbers, or the beginnings of UUIDs."""
    if variable is None:
        return list(uuids)
    found = []
    for word in filter(None, map(str.strip, variable.split(SEPARATOR))):
        if word.startswith("MIG-"):
            found.append(word)
            continue
        if word.isdecimal():
            named = list(uuids[int(word) : int(word) + 1])
        else:
            named = [uuid for uuid in uuids if uuid.startswith(word)]
        if len(named) != 1:
            break  # as CUDA does: what follows a wrong one is not seen
        found += named
    return found


def chosen_gpus(visible: Sequence[str], typed: str | None) -> list[str]:
    """Return the GPUs that a person has named by their numbers, none for `cpu`, or all there are. Raises BadInput."""
    if typed is None or typed == "all":
        return list(visible)
    if typed == CPU:
        return []
    words = typed.split(SEPARATOR)
    if not all(word.isdecimal() for word in words):
        raise BadInput(f"--devices must be cpu, all, or numbers of GPUs as 0,1, not '{safe_text(typed, 40)}'.")
    numbers = sorted({int(word) for word in words})
    if numbers[-1] >= len(visible):
        raise BadInput(f"There are {len(visible)} GPUs here: --devices cannot name {numbers[-1]}.")
    return [visible[number] for number in numbers]
