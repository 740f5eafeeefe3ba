"""Winograd's convolution gives the numbers of a convolution but for their rounding, forwards and backwards."""

import pytest
import torch
from torch.nn import functional

from cifar_tui.engine.network import convolution, winograd
from cifar_tui.engine.network.convolution import Convolution
from cifar_tui.engine.network.device import Device
from cifar_tui.engine.network.winograd import LEAST_CHANNELS, LEAST_TILES, convolve, convolve_with

CPU = torch.device("cpu")


def results(  # type: ignore[no-untyped-def]  # either way of convolving
    way, images: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None
) -> list[torch.Tensor]:
    """The output, and the gradients of the images, the weight and the bias, of a sum of squares."""
    given = [tensor.detach().clone().requires_grad_() for tensor in (images, weight, bias) if tensor is not None]
    output = way(*given) if bias is not None else way(*given, None)
    output.square().sum().backward()
    return [output.detach(), *(tensor.grad for tensor in given)]


def plainly(images: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    return functional.conv2d(images, weight, bias, padding=1)


@pytest.mark.parametrize(
    ("count", "height", "width", "channels", "channels_out"),
    [(1, 4, 4, 3, 2), (5, 8, 8, 4, 4), (3, 4, 12, 2, 5), (2, 32, 32, 6, 3), (300, 4, 4, 2, 2)],
)
@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
def test_it_gives_the_numbers_of_a_convolution(
    count: int, height: int, width: int, channels: int, channels_out: int, layout: torch.memory_format
) -> None:
    torch.manual_seed(0)
    images = torch.randn(count, channels, height, width, dtype=torch.float64).contiguous(memory_format=layout)
    weight = torch.randn(channels_out, channels, 3, 3, dtype=torch.float64).contiguous(memory_format=layout)
    bias = torch.randn(channels_out, dtype=torch.float64)
    for given in ((images, weight), (images, weight, bias)):
        for found, expected in zip(results(convolve, *given), results(plainly, *given), strict=True):
            torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("at_once", [1, 200, 10**9])
def test_a_batch_is_computed_in_parts_of_any_size(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last part is smaller."""
    torch.manual_seed(0)
    monkeypatch.setattr(winograd, "NUMBERS_AT_ONCE", at_once)
    monkeypatch.setattr(winograd, "TILES_AT_ONCE", 9)
    images, weight = torch.randn(7, 2, 8, 8, dtype=torch.float64), torch.randn(3, 2, 3, 3, dtype=torch.float64)
    for found, expected in zip(results(convolve, images, weight), results(plainly, images, weight), strict=True):
        torch.testing.assert_close(found, expected)


def test_in_fp32_it_is_off_by_a_few_millionths() -> None:
    torch.manual_seed(0)
    images, weight = torch.randn(4, 64, 16, 16).relu(), torch.randn(64, 64, 3, 3) * 0.06
    exact = results(plainly, images.double(), weight.double())
    for found, expected in zip(results(convolve, images, weight), exact, strict=True):
        assert found.dtype is torch.float32
        assert float((found - expected).norm() / expected.norm()) < 1e-5


def test_it_gives_the_same_bits_each_time() -> None:
    torch.manual_seed(0)
    images, weight = torch.randn(40, 64, 8, 8), torch.randn(64, 64, 3, 3)
    first, second = results(convolve, images, weight), results(convolve, images, weight)
    assert all(torch.equal(*both) for both in zip(first, second, strict=True))


@pytest.fixture
def convolved(monkeypatch: pytest.MonkeyPatch) -> list[torch.Size]:
    """The shapes of the images that go through it, on a processor where it pays."""
    found: list[torch.Size] = []

    def noted(images: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        found.append(images.shape)
        return convolve(images, weight, bias)

    monkeypatch.setattr(winograd, "convolve", noted)
    monkeypatch.setattr(winograd, "winograd_pays", lambda dtype: dtype is torch.float32)
    monkeypatch.setattr(convolution, "products_pay", lambda _: False)
    return found


@pytest.mark.parametrize(
    ("stride", "channels", "count", "side", "so"),
    [
        (1, LEAST_CHANNELS, LEAST_TILES, 4, True),
        (1, LEAST_CHANNELS, LEAST_TILES // 4, 8, True),
        (2, LEAST_CHANNELS, LEAST_TILES, 8, False),
        (1, LEAST_CHANNELS // 2, LEAST_TILES, 4, False),
        (1, LEAST_CHANNELS, LEAST_TILES - 1, 4, False),
        (1, LEAST_CHANNELS, LEAST_TILES, 6, False),
    ],
)
def test_a_layer_goes_through_it_where_that_is_faster(
    stride: int, channels: int, count: int, side: int, so: bool, convolved: list[torch.Size]
) -> None:
    torch.manual_seed(0)
    layer = Convolution(channels, LEAST_CHANNELS, stride)
    images = torch.randn(count, channels, side, side)
    expected = functional.conv2d(images, layer.weight, stride=stride, padding=1)
    torch.testing.assert_close(layer(images), expected, rtol=1e-4, atol=1e-4)
    assert convolved == ([images.shape] if so else [])


@pytest.mark.parametrize(("count", "so"), [(LEAST_TILES // 4, True), (1, False)])
def test_a_layer_that_trains_no_more_changes_its_weight_once(
    count: int, so: bool, convolved: list[torch.Size], monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    changed: list[torch.Tensor] = []

    def noted(weights: torch.Tensor, images: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        changed.append(weights)
        return convolve_with(weights, images, bias)

    monkeypatch.setattr(winograd, "convolve_with", noted)
    layer = Convolution(LEAST_CHANNELS, LEAST_CHANNELS, 1)
    layer.bias = torch.nn.Parameter(torch.randn(LEAST_CHANNELS))
    layer.keep_changed_weight()
    images = torch.randn(count, LEAST_CHANNELS, 8, 8)
    expected = functional.conv2d(images, layer.weight, layer.bias, padding=1)
    for _ in range(2):
        torch.testing.assert_close(layer(images), expected, rtol=1e-4, atol=1e-4)
    assert not convolved
    assert len(changed) == (2 if so else 0)
    assert len({id(weights) for weights in changed}) <= 1
    assert set(layer.state_dict()) == {"weight", "bias"}


@pytest.mark.slow
def test_an_exported_layer_is_a_plain_convolution_of_any_number_of_images(convolved: list[torch.Size]) -> None:
    """Other programs compute it, on other processors."""
    layer = Convolution(LEAST_CHANNELS, LEAST_CHANNELS, 1)
    images = torch.randn(LEAST_TILES, LEAST_CHANNELS, 4, 4)
    program = torch.export.export(layer, (images,), dynamic_shapes=({0: torch.export.Dim("N")},))
    assert not convolved
    torch.testing.assert_close(program.module()(images[:3]), functional.conv2d(images[:3], layer.weight, padding=1))


def test_bf16_does_without_it(convolved: list[torch.Size]) -> None:
    layer = Convolution(LEAST_CHANNELS, LEAST_CHANNELS, 1)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        layer(torch.randn(LEAST_TILES, LEAST_CHANNELS, 4, 4))
    assert not convolved


@pytest.mark.parametrize(
    ("capability", "precision", "so"), [("AVX2", "fp32", True), ("AVX2", "bf16", False), ("AVX512", "fp32", False)]
)
def test_a_saved_state_says_so(capability: str, precision: str, so: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a run which is resumed on another processor, or was begun before, is said not to be bit-exact."""
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    facts = Device(CPU, "CPU", "", precision, channels_last=True).environment()
    assert facts.get("convolutions") == ("Winograd" if so else None)
