"""The network's convolutions, each computed in the way that this processor is fastest in.

AMX makes one matrix product of small images: oneDNN, made for larger ones, takes 5 to 17 times as long for the gradient
of 512×512 weights over 4×4 and 2×2 pixels. The product has the same sums in another order. AVX2 alone has winograd.py.
"""

import torch
from torch import nn
from torch.nn import functional
from torch.nn.grad import conv2d_input

from cifar_tui.engine.network import winograd
from cifar_tui.engine.network.torch_private import cpu_has_bf16_tiles

MOST_PIXELS = 16
"""Output pixels up to which the product is faster: with twice the side, gathering the patches takes longer."""
LEAST_CHANNELS = 256
"""Input channels from which it is: fewer make a product too narrow."""


def products_pay(dtype: torch.dtype) -> bool:
    """Return True if this processor multiplies such numbers so fast that small images had better be products."""
    return dtype is torch.bfloat16 and cpu_has_bf16_tiles()


class Convolution(nn.Conv2d):
    """3×3 convolution with padding 1, without groups or dilation; the keys and numbers are those of nn.Conv2d."""

    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__(channels_in, channels_out, kernel_size=3, stride=stride, padding=1, bias=False)
        self._changed_weight: torch.Tensor | None = None

    def keep_changed_weight(self) -> None:
        """Keep what Winograd's filtering makes of the weight, where it is used: for a network that trains no more.

        Takes four times the weight's memory.
        """
        if self._goes_by_winograd(self.weight.dtype):
            self._changed_weight = winograd.change_weight(self.weight.detach()).contiguous()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Activations [N, channels_in, H, W] to [N, channels_out, H/stride, W/stride]."""
        if images.device.type != "cpu" or torch.compiler.is_compiling():  # an exported one is for any processor
            return super().forward(images)
        dtype = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else images.dtype
        if products_pay(dtype) and self.in_channels >= LEAST_CHANNELS and self._pixels(images) <= MOST_PIXELS:
            bias = None if self.bias is None else self.bias.to(dtype)
            result: torch.Tensor = _Product.apply(images.to(dtype), self.weight.to(dtype), bias, self.stride[0])
            return result
        if self._goes_by_winograd(dtype) and winograd.suits(images):
            if self._changed_weight is not None:
                return winograd.convolve_with(self._changed_weight, images, self.bias)
            return winograd.convolve(images, self.weight, self.bias)
        return super().forward(images)

    def _goes_by_winograd(self, dtype: torch.dtype) -> bool:
        """Return True if it does, for images that suit."""
        return self.stride == (1, 1) and winograd.is_wide(self.weight) and winograd.winograd_pays(dtype)

    def _pixels(self, images: torch.Tensor) -> int:
        return images.shape[-2] * images.shape[-1] // self.stride[0] ** 2


class _Product(torch.autograd.Function):
    """Patches × weights; the gradient of the weights likewise, that of the images as oneDNN has it."""

    @staticmethod
    def forward(ctx, images, weight, bias, stride):  # type: ignore[no-untyped-def]
        ctx.save_for_backward(images, weight)
        ctx.stride = stride
        patches, (count, height, width) = _patches(images, stride)
        matrix = weight.permute(0, 2, 3, 1).reshape(len(weight), -1)
        product = functional.linear(patches, matrix, bias)
        return product.view(count, height, width, len(weight)).permute(0, 3, 1, 2)

    @staticmethod
    def backward(ctx, gradient):  # type: ignore[no-untyped-def]
        images, weight = ctx.saved_tensors
        rows = gradient.permute(0, 2, 3, 1).reshape(-1, len(weight))
        patches, _ = _patches(images, ctx.stride)
        of_weight = (rows.t() @ patches).view(len(weight), 3, 3, -1).permute(0, 3, 1, 2)
        # torch has no types for it.
        of_images = conv2d_input(images.shape, weight, gradient, ctx.stride, padding=1)  # type: ignore[no-untyped-call]
        return of_images, of_weight, None, None


def _patches(images: torch.Tensor, stride: int) -> tuple[torch.Tensor, tuple[int, int, int]]:
    """[N, C, H, W] to the 3×3 patches around every output pixel, [N × H' × W', 9 × C], and (N, H', W')."""
    padded = functional.pad(images.permute(0, 2, 3, 1), (0, 0, 1, 1, 1, 1))
    count, rows, columns, channels = padded.shape
    height, width = (rows - 3) // stride + 1, (columns - 3) // stride + 1
    image, row, column, channel = padded.stride()
    shape, steps = (
        (count, height, width, 3, 3, channels),
        (image, row * stride, column * stride, row, column, channel),
    )
    return padded.as_strided(shape, steps).reshape(count * height * width, 9 * channels), (count, height, width)
