"""A container's share of the processor and the memory is found in its control groups, of both versions."""

import os
from pathlib import Path

import pytest

from cifar_tui.system.container import MemoryLimit, memory_limit, usable_cores


def put(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    return root


@pytest.fixture(autouse=True)
def _eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(8)))


GROUP = "sys/fs/cgroup"
V2 = {"proc/self/cgroup": "0::/kube/pod"}
V1 = {"proc/self/cgroup": "5:cpu,cpuacct:/docker/a\n4:memory:/docker/a\n0::/"}


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({}, 8),
        ({**V2, f"{GROUP}/kube/pod/cpu.max": "max 100000"}, 8),
        ({**V2, f"{GROUP}/kube/pod/cpu.max": "150000 100000"}, 2),
        ({**V2, f"{GROUP}/kube/pod/cpu.max": "20000 100000"}, 1),
        ({**V2, f"{GROUP}/kube/cpu.max": "300000 100000", f"{GROUP}/kube/pod/cpu.max": "max 100000"}, 3),
        ({**V2, f"{GROUP}/kube/pod/cpu.max": "6400000 100000"}, 8),
        ({"proc/self/cgroup": "0::/", f"{GROUP}/cpu.max": "100000 100000"}, 1),
        (
            {
                **V1,
                f"{GROUP}/cpu,cpuacct/docker/a/cpu.cfs_quota_us": "200000",
                f"{GROUP}/cpu,cpuacct/docker/a/cpu.cfs_period_us": "100000",
            },
            2,
        ),
        (
            {
                **V1,
                f"{GROUP}/cpu/docker/a/cpu.cfs_quota_us": "-1",
                f"{GROUP}/cpu/docker/a/cpu.cfs_period_us": "100000",
            },
            8,
        ),
        ({**V2, f"{GROUP}/kube/pod/cpu.max": "words"}, 8),
        ({"proc/self/cgroup": "nonsense\n::", f"{GROUP}/cpu.max": "1 0"}, 8),
    ],
)
def test_the_share_of_the_processor(tmp_path: Path, files: dict[str, str], cores: int) -> None:
    assert usable_cores(put(tmp_path, files)) == cores


def test_the_limit_of_memory(tmp_path: Path) -> None:
    assert memory_limit(put(tmp_path / "none", V2)) is None
    second = {f"{GROUP}/kube/pod/memory.max": "4000", f"{GROUP}/kube/pod/memory.current": "1500"}
    second[f"{GROUP}/kube/pod/memory.stat"] = "anon 900\ninactive_file 500"
    assert memory_limit(put(tmp_path / "v2", {**V2, **second})) == MemoryLimit(4000, 1000)
    first = {f"{GROUP}/memory/docker/a/memory.limit_in_bytes": "3000"}
    first[f"{GROUP}/memory/docker/a/memory.usage_in_bytes"] = "2000"
    assert memory_limit(put(tmp_path / "v1", {**V1, **first})) == MemoryLimit(3000, 2000)
    first[f"{GROUP}/memory/docker/a/memory.limit_in_bytes"] = "9223372036854771712"
    assert memory_limit(put(tmp_path / "free", {**V1, **first})) is None
