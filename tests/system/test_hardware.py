"""Whether torch will find a GPU is known without loading it."""

import importlib.metadata
import sys

import pytest

from cifar_tui.system import nvidia
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
    monkeypatch: pytest.MonkeyPatch, build: str, gpus: int, visible: str | None, expected: bool
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(importlib.metadata, "version", lambda _name: build)
    monkeypatch.setattr(nvidia, "count_gpus", lambda: gpus)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert has_gpu() is expected
