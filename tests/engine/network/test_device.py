"""The processor's threads follow a container's share, unless a person has chosen their number."""

import warnings
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
import torch

from cifar_tui.engine.network import device
from cifar_tui.engine.network.device import choose_device
from cifar_tui.errors import BadInput, CifarTuiError
from cifar_tui.system import nvidia
from tests.engine.trained import tiny_recipe


@pytest.fixture(autouse=True)
def _threads_as_before() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_threads_are_no_more_than_the_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(device, "usable_cores", lambda: 1)
    assert choose_device(tiny_recipe(device="cpu")).name == "CPU, 1 thread (the share of this container)"
    assert torch.get_num_threads() == 1


def test_a_number_of_threads_that_was_chosen_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    monkeypatch.setattr(device, "usable_cores", lambda: 1)
    assert choose_device(tiny_recipe(device="cpu")).name == "CPU, 2 threads"


def too_old() -> bool:
    warnings.warn(
        "CUDA initialization: The NVIDIA driver on your system is too old (found version 11040). Please", stacklevel=1
    )
    return False


def test_a_gpu_that_torch_cannot_use_is_said_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", too_old)
    note = choose_device(tiny_recipe(device="auto")).unused_gpu
    assert "torch cannot use (CUDA initialization: The NVIDIA driver on your system is too old (found" in note
    assert note.endswith("training on the CPU.")
    with pytest.raises(BadInput, match="too old"):
        choose_device(tiny_recipe(device="cuda"))


def test_gpus_that_are_hidden_are_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(nvidia, "count_gpus", lambda: 2)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "7")
    assert "CUDA_VISIBLE_DEVICES=7 hides every NVIDIA GPU" in choose_device(tiny_recipe(device="auto")).unused_gpu


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    chosen: list[int] = []
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: not including_emulation)
    monkeypatch.setattr(
        torch.cuda, "get_device_properties", lambda index: SimpleNamespace(name=f"GPU {index}", uuid=f"uuid-{index}")
    )
    return chosen


def test_one_of_several_gpus_is_chosen_by_its_number(two_gpus: list[int]) -> None:
    second = choose_device(tiny_recipe(device="cuda:1"))
    assert (second.torch, second.name, second.gpu) == (torch.device("cuda", 1), "GPU 1", "GPU-uuid-1")
    assert choose_device(tiny_recipe(device="auto")).torch == torch.device("cuda", 0)
    assert two_gpus == [1, 0], "streams, graphs and events name no GPU: the thread's own has to be it"


def test_a_gpu_that_is_not_there_is_refused_with_those_that_are(
    two_gpus: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BadInput, match=r"no GPU cuda:2 here: torch sees cuda:0 to cuda:1\."):
        choose_device(tiny_recipe(device="cuda:2"))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,3")
    with pytest.raises(BadInput, match=r"CUDA_VISIBLE_DEVICES=0,3 hides the others"):
        choose_device(tiny_recipe(device="cuda:2"))


@pytest.mark.usefixtures("two_gpus")
def test_a_gpu_without_room_for_one_more_process_says_who_fills_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """torch's error there is none of its own allocator's: choosing the GPU already fails."""
    error = RuntimeError("CUDA error: out of memory\nSearch for `cudaErrorMemoryAllocation' in the manual")
    monkeypatch.setattr(torch.cuda, "set_device", lambda _: raise_(error))
    with pytest.raises(CifarTuiError, match=r"^Other programs hold all memory of GPU cuda:1\. Wait for them"):
        choose_device(tiny_recipe(device="cuda:1"))
    error = RuntimeError("CUDA error: unknown error")
    with pytest.raises(RuntimeError, match="unknown error"):
        choose_device(tiny_recipe(device="cuda:1"))


def raise_(error: BaseException) -> None:
    raise error


@pytest.mark.parametrize("typed", ["gpu", "cuda:", "cuda:-1", "CUDA", "cuda:1234", "cpu:0", ""])
def test_a_name_that_is_no_device_is_refused(typed: str) -> None:
    with pytest.raises(BadInput, match=r"Choose one of: auto, cpu, cuda for an NVIDIA GPU"):
        tiny_recipe(device=typed).check()


def test_without_a_gpu_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(nvidia, "count_gpus", lambda: 0)
    assert choose_device(tiny_recipe(device="auto")).unused_gpu == ""
    assert choose_device(tiny_recipe(device="cpu")).unused_gpu == ""
