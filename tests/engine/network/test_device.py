"""The processor's threads follow a container's share, unless a person has chosen their number."""

from collections.abc import Iterator

import pytest
import torch

from cifar_tui.engine.network import device
from cifar_tui.engine.network.device import choose_device
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
