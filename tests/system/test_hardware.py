"""Whether torch will find a GPU is known without loading it."""

import sys
from pathlib import Path

import psutil
import pytest

from cifar_tui.system import hardware, nvidia
from cifar_tui.system.container import usable_cores
from cifar_tui.system.hardware import has_gpu


@pytest.mark.parametrize(
    ("build", "gpus", "visible", "expected"),
    [
        ("2.14.1+cu130", 1, None, True),
        ("2.14.1", 2, "1", True),
        ("2.14.1+cu130", 0, None, False),
        ("2.14.1+cu130", 1, "", False),
        ("2.14.1+cu130", 1, "-1", False),
        ("2.14.1+cpu", 1, None, False),
    ],
)
def test_a_gpu_counts_where_torch_can_use_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, build: str, gpus: int, visible: str | None, expected: bool
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").touch()
    (tmp_path / "torch" / "version.py").write_text(f"__all__ = []\n__version__ = '{build}'\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    monkeypatch.setattr(hardware, "DEVICES", tmp_path)
    if gpus:
        (tmp_path / "nvidiactl").touch()
    monkeypatch.setattr(nvidia, "count_gpus", lambda: gpus)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert has_gpu() is expected


def test_the_first_reading_has_something_to_compare_with(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []

    def cpu_percent() -> float:
        asked.append(50.0)
        return asked[-1] if len(asked) > 1 else 0.0

    monkeypatch.setattr(psutil, "cpu_percent", cpu_percent)
    monkeypatch.setattr(psutil, "cpu_count", usable_cores)
    begun = hardware.Hardware()
    begun.begin()
    assert begun.machine().processor == 0.5
    asked.clear()
    assert hardware.Hardware().machine().processor == 0.5, "without being told to begin"
