"""Small images go through a convolution as a matrix product, with the same numbers but for their rounding."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from cifar_tui.engine.network import convolution
from cifar_tui.engine.network.convolution import LEAST_CHANNELS, Convolution

Results = tuple[torch.Tensor, ...]


def results(module: nn.Conv2d, images: torch.Tensor, dtype: torch.dtype = torch.float64) -> Results:
    """The output, and the gradients of the images and the weights, of a sum of squares."""
    images = images.clone().requires_grad_()
    with torch.autocast("cpu", dtype=dtype, enabled=dtype is torch.bfloat16):
        output = module(images)
    output.double().square().sum().backward()
    assert images.grad is not None
    assert module.weight.grad is not None
    found = output.detach(), images.grad, module.weight.grad
    module.weight.grad = None
    return found


def pair(stride: int, dtype: torch.dtype) -> tuple[nn.Conv2d, nn.Conv2d]:
    torch.manual_seed(0)
    ours = Convolution(LEAST_CHANNELS, 32, stride)
    plain = nn.Conv2d(LEAST_CHANNELS, 32, 3, stride=stride, padding=1, bias=False)
    plain.load_state_dict(ours.state_dict())
    for module in (ours, plain):
        module.to(dtype)
        module.weight.data = module.weight.data.contiguous(memory_format=torch.channels_last)
    return ours, plain


@pytest.fixture
def products(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of images of every product."""
    found: list[int] = []
    plain = convolution._patches

    def patches(images: torch.Tensor, stride: int) -> tuple[torch.Tensor, tuple[int, int, int]]:
        found.append(len(images))
        return plain(images, stride)

    monkeypatch.setattr(convolution, "_patches", patches)
    monkeypatch.setattr(convolution, "products_pay", lambda _: True)
    return found


@pytest.mark.parametrize(("side", "stride"), [(4, 1), (3, 1), (2, 1), (8, 2), (5, 2), (1, 1)])
@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
def test_a_product_gives_the_numbers_of_a_convolution(
    side: int, stride: int, layout: torch.memory_format, products: list[int]
) -> None:
    ours, plain = pair(stride, torch.float64)
    images = torch.randn(6, LEAST_CHANNELS, side, side, dtype=torch.float64).contiguous(memory_format=layout)
    for found, expected in zip(results(ours, images), results(plain, images), strict=True):
        torch.testing.assert_close(found, expected)
    assert products == [6, 6], "forwards and backwards"


def test_in_bf16_it_differs_by_rounding_alone(products: list[int]) -> None:
    ours, plain = pair(1, torch.float32)
    images = torch.randn(6, LEAST_CHANNELS, 4, 4)
    for found, expected in zip(
        results(ours, images, torch.bfloat16), results(plain, images, torch.bfloat16), strict=True
    ):
        assert found.dtype == expected.dtype
        assert float((found - expected).abs().max() / expected.abs().max()) < 0.02
    assert products == [6, 6]


def test_a_bias_is_added(products: list[int]) -> None:
    """As a folded BatchNorm leaves one."""
    ours, plain = pair(1, torch.float64)
    ours.bias = plain.bias = nn.Parameter(torch.randn(32, dtype=torch.float64))
    images = torch.randn(2, LEAST_CHANNELS, 4, 4, dtype=torch.float64)
    with torch.inference_mode():
        torch.testing.assert_close(ours(images), plain(images))
    assert products == [2]


@pytest.mark.parametrize(("side", "stride"), [(8, 1), (16, 2), (32, 1)])
def test_larger_images_go_the_usual_way(side: int, stride: int, products: list[int]) -> None:
    ours, plain = pair(stride, torch.float32)
    images = torch.randn(2, LEAST_CHANNELS, side, side).contiguous(memory_format=torch.channels_last)
    assert torch.equal(ours(images), plain(images))
    assert not products


def test_few_channels_go_the_usual_way(products: list[int]) -> None:
    narrow = Convolution(8, 8, 1)
    images = torch.randn(2, 8, 4, 4)
    assert torch.equal(narrow(images), functional.conv2d(images, narrow.weight, padding=1))
    assert not products


@pytest.mark.parametrize(
    ("tiles", "dtype", "pay"), [(True, "bfloat16", True), (True, "float32", False), (False, "bfloat16", False)]
)
def test_products_are_for_tiles_of_bf16(tiles: bool, dtype: str, pay: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """In fp32 the numbers stay those of the tutorial's network, to the last bit."""
    monkeypatch.setattr(convolution, "cpu_has_bf16_tiles", lambda: tiles)
    assert convolution.products_pay(getattr(torch, dtype)) is pay
