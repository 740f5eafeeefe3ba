"""Memory that does not suffice is told in one sentence, with who holds it and what helps."""

import pytest
import torch

from cifar_tui.engine.network.device import Device
from cifar_tui.engine.network.device_memory import explained
from cifar_tui.errors import CifarTuiError
from cifar_tui.system import nvidia
from cifar_tui.system.nvidia import GpuReading

GPU = Device(torch.device("cpu"), "NVIDIA H100", "GPU-1", "bf16", channels_last=True)
CPU = Device(torch.device("cpu"), "CPU, 2 threads", "", "fp32", channels_last=True)
REMEDY = "Start again with --batch-size 250."


def sentence(device: Device, error: BaseException) -> str:
    with pytest.raises(CifarTuiError) as caught, explained(device, REMEDY):
        raise error
    return str(caught.value)


def held(monkeypatch: pytest.MonkeyPatch, used: int | None) -> None:
    reading = GpuReading(None, used, 80_000_000_000, None, None, None)
    monkeypatch.setattr(nvidia, "find_gpu", lambda _uuid: object())
    monkeypatch.setattr(nvidia, "read_gpu", lambda _handle: reading)


@pytest.mark.fault(18)
@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError("CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported"),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        MemoryError(),
    ],
)
def test_every_way_to_say_it_is_understood(error: BaseException) -> None:
    assert sentence(CPU, error) == f"CPU, 2 threads ran out of memory. {REMEDY}"


@pytest.mark.fault(18)
def test_other_errors_stay_as_they_are() -> None:
    with pytest.raises(RuntimeError, match="illegal address"), explained(CPU):
        raise RuntimeError("CUDA error: illegal address")


@pytest.mark.fault(18)
@pytest.mark.parametrize(
    ("used", "told"),
    [
        (None, REMEDY),
        (1_000_000_000, REMEDY),
        (3_900_000_000, REMEDY),
        (30_000_000_000, REMEDY),
        (
            78_000_000_000,
            "Wait for them (nvidia-smi lists them), or choose another GPU by CUDA_VISIBLE_DEVICES.",
        ),
    ],
)
def test_memory_that_others_hold_is_said_with_what_helps(
    monkeypatch: pytest.MonkeyPatch, used: int | None, told: str
) -> None:
    held(monkeypatch, used)
    found = sentence(GPU, torch.OutOfMemoryError())
    assert found.endswith(told)
    assert ("other programs hold" in found) is (used is not None and used > 4_000_000_000)
