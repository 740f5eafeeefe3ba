"""A container's share of the machine, by its control groups (v1 and v2): processor time and memory."""

import contextlib
import math
import os
from collections.abc import Iterator
from pathlib import Path

from cifar_tui.dataclass import dataclass

ROOT = Path("/")
UNLIMITED = 1 << 60
"""A limit of bytes from which there is none: v1 writes a number near 2^63."""


@dataclass(frozen=True, slots=True)
class MemoryLimit:
    """The memory that a container may use."""

    total: int
    """Bytes."""
    used: int
    """Bytes in use, without files that are only cached."""


def usable_cores(root: Path = ROOT) -> int:
    """Return the cores that this process may use: those it may run on, or fewer by a quota of time, rounded up."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min([allowed, *(max(math.ceil(share), 1) for share in _quotas(root))])


def memory_limit(root: Path = ROOT) -> MemoryLimit | None:
    """Return the least memory limit that holds for this process; None where there is none."""
    limits = []
    for folder in _folders(root, ""):
        if (most := _number(folder / "memory.max")) is not None:
            cached = _statistic(folder, "inactive_file")
            limits.append(MemoryLimit(most, (_number(folder / "memory.current") or 0) - cached))
    for folder in _folders(root, "memory"):
        if (most := _number(folder / "memory.limit_in_bytes")) is not None and most < UNLIMITED:
            cached = _statistic(folder, "total_inactive_file")
            limits.append(MemoryLimit(most, (_number(folder / "memory.usage_in_bytes") or 0) - cached))
    return min(limits, key=lambda one: one.total, default=None)


def _quotas(root: Path) -> Iterator[float]:
    """Yield every quota of processor time that holds for this process, in cores."""
    for folder in _folders(root, ""):
        quota, _, period = _text(folder / "cpu.max").partition(" ")
        if quota.isdecimal() and period.isdecimal() and int(period):
            yield int(quota) / int(period)
    for folder in _folders(root, "cpu"):
        microseconds, period_v1 = _number(folder / "cpu.cfs_quota_us"), _number(folder / "cpu.cfs_period_us")
        if microseconds and period_v1:
            yield microseconds / period_v1


def _folders(root: Path, controller: str) -> Iterator[Path]:
    """Yield the folders of this process's group and of those above it; without a controller, those of v2."""
    for line in _text(root / "proc" / "self" / "cgroup").splitlines():
        _, controllers, path = (*line.split(":", 2), "", "")[:3]
        if controller not in controllers.split(","):
            continue
        mount = root / "sys" / "fs" / "cgroup" / (controllers if controller else "")
        if controller and not mount.is_dir():
            mount = mount.with_name(controller)
        group = mount / path.lstrip("/")
        yield from (folder for folder in (group, *group.parents) if folder.is_relative_to(mount) and folder.is_dir())


def _statistic(folder: Path, name: str) -> int:
    """Return one number of a group's `memory.stat`; 0 where it has none."""
    for line in _text(folder / "memory.stat").splitlines():
        key, _, value = line.partition(" ")
        if key == name and value.isdecimal():
            return int(value)
    return 0


def _number(file: Path) -> int | None:
    """Return a number that is no less than 0; None for `max`, for -1, and where there is none."""
    text = _text(file)
    return int(text) if text.isdecimal() else None


def _text(file: Path) -> str:
    with contextlib.suppress(OSError, ValueError):  # no such controller here, or not for us to read
        return file.read_text(encoding="utf-8").strip()
    return ""
