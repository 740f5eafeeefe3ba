"""The private names of torch that we stand on are there; each with what depends on it."""

import inspect
from collections.abc import Callable

import pytest
import torch
from torch.optim.adam import adam
from torch.optim.sgd import sgd

from cifar_tui.engine.network import torch_private
from cifar_tui.engine.network.torch_private import INTEGER_SCALES, MOMENTUM, sums_of_magnitudes


def test_sgd_keeps_its_momentum_under_this_key() -> None:
    weight = torch.nn.Parameter(torch.ones(2))
    optimizer = torch.optim.SGD([weight], lr=0.1, momentum=0.9)
    weight.sum().backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    assert MOMENTUM in optimizer.state[weight], "training states hold it, and a resumed run would train differently"


@pytest.mark.parametrize("name", ["step", "add_param_group", "zero_grad"])
@pytest.mark.parametrize("optimizer", [torch.optim.SGD, torch.optim.AdamW])
def test_the_optimizers_methods_have_a_plain_form(optimizer: type[torch.optim.Optimizer], name: str) -> None:
    assert hasattr(getattr(optimizer, name), "__wrapped__"), "without it, a start takes 2 s longer"


@pytest.mark.parametrize("update", [sgd, adam])
def test_the_fused_update_has_a_gate(update: Callable[..., None]) -> None:
    assert "found_inf" in inspect.signature(update).parameters, "a loss of NaN would reach the weights"


def test_an_update_outside_of_a_graph_is_warned_of_by_this_name() -> None:
    assert "_warned_capturable_if_run_uncaptured" in inspect.getsource(torch.optim.Optimizer), "a GPU's user sees it"


def test_norms_are_taken_of_many_tensors_at_once() -> None:
    assert hasattr(torch, "_foreach_norm"), "the check before a save takes longer without it"


@pytest.mark.parametrize("name", ["_is_amx_tile_supported", "_is_avx512_bf16_supported"])
def test_torch_says_what_the_processor_can(name: str) -> None:
    assert callable(getattr(torch.cpu, name)), "without it, a CPU trains in fp32, several times slower"


def test_a_scalers_integers_have_these_names() -> None:
    state = torch.amp.GradScaler("cpu").state_dict()
    assert {name for name, value in state.items() if isinstance(value, int)} == {*INTEGER_SCALES}


def test_the_public_way_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    tensors = [torch.tensor([1.0, -2.0]), torch.tensor([[3.0], [-4.0]])]
    private = sums_of_magnitudes(tensors)
    monkeypatch.delattr(torch, "_foreach_norm")
    monkeypatch.delattr(torch.cpu, "_is_amx_tile_supported")
    monkeypatch.delattr(torch.cpu, "_is_avx512_bf16_supported")
    assert sums_of_magnitudes(tensors) == private == [torch.tensor(3.0), torch.tensor(7.0)]
    assert not torch_private.cpu_computes_bf16()
