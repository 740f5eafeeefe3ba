"""3×3 convolutions with a quarter of the multiplications: Winograd's filtering of 4×4 output pixels at a time.

In fp32 on AVX2 alone, multiplying is what a step waits for. As Lavin and Gray have it (arXiv:1509.09308, F(4×4, 3×3)):
tiles of 6×6 pixels and the 3×3 weights become 36 numbers each, whose products, summed over the channels, become 4×4
pixels. Each change is a small matrix; the gradients go back through the same matrices, transposed.

The numbers are those of a convolution but for their rounding: 2e-6 of them in fp32, where oneDNN's has 5e-7.
"""

from collections.abc import Iterator

import torch

Matrix = list[list[float]]

PIXELS = 4
"""Output pixels along a tile's side."""
TILE = PIXELS + 2
"""Pixels along a tile's side: those that a 3×3 kernel sees."""
LEAST_CHANNELS = 64
"""Channels from which it pays, in and out: fewer make the products narrow."""
LEAST_TILES = 32
"""Tiles from which it pays: with fewer, changing the weights takes as long as the products."""
NUMBERS_AT_ONCE = 2**18
"""Numbers in the tiles under way, for each thread: with 1 MB they stay in a core's cache."""
TILES_AT_ONCE = 128
"""Tiles under way at least, or the weights would be read too often."""

_OF_TILE: Matrix = [
    [4, 0, -5, 0, 1, 0],
    [0, -4, -4, 1, 1, 0],
    [0, 4, -4, -1, 1, 0],
    [0, -2, -1, 2, 1, 0],
    [0, 2, -1, -2, 1, 0],
    [0, 4, 0, -5, 0, 1],
]
_OF_KERNEL: Matrix = [
    [1 / 4, 0, 0],
    [-1 / 6, -1 / 6, -1 / 6],
    [-1 / 6, 1 / 6, -1 / 6],
    [1 / 24, 1 / 12, 1 / 6],
    [1 / 24, -1 / 12, 1 / 6],
    [0, 0, 1],
]
_OF_PRODUCTS: Matrix = [
    [1, 1, 1, 1, 1, 0],
    [0, 1, -1, 2, -2, 0],
    [0, 1, 1, 4, 4, 0],
    [0, 1, -1, 8, -8, 1],
]


def winograd_pays(dtype: torch.dtype) -> bool:
    """Return True if multiplying such numbers takes this processor longer than laying them out in tiles."""
    return dtype is torch.float32 and torch.backends.cpu.get_cpu_capability() == "AVX2"


def is_wide(weight: torch.Tensor) -> bool:
    """Return True if weights [K, C, 3, 3] have channels enough to pay."""
    return min(weight.shape[:2]) >= LEAST_CHANNELS


def suits(images: torch.Tensor) -> bool:
    """Return True if images [N, C, H, W] are whole tiles, and enough of them to pay."""
    count, _, height, width = images.shape
    return not (height % PIXELS or width % PIXELS) and count * height * width // PIXELS**2 >= LEAST_TILES


def convolve(images: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    """3×3 convolution with stride 1 and padding 1.

    Images [N, C, H, W] of whole tiles, weight [K, C, 3, 3] and bias [K] to [N, K, H, W], channels last.
    """
    result: torch.Tensor = _Winograd.apply(images, weight, bias)
    return result


def convolve_with(weights: torch.Tensor, images: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    """Return the same with what `change_weight` has returned, but without gradients."""
    images = _channels_last(images)
    result = images.new_empty(*images.shape[:3], weights.shape[1])
    for work, part in _in_parts(images, weights.shape[1]):
        work.read_tiles(images[part])
        work.multiply(weights)
        work.write_pixels(result[part])
        if bias is not None:
            result[part] += bias
    return result.permute(0, 3, 1, 2)


def change_weight(weight: torch.Tensor) -> torch.Tensor:
    """Weight [K, C, 3, 3] to the 36 numbers of each kernel, [36, K, C]."""
    kernels = weight.permute(0, 2, 3, 1).flatten(1, 2)
    return (_both_ways(weight) @ kernels).transpose(0, 1)


class _Winograd(torch.autograd.Function):
    @staticmethod
    def forward(ctx, images, weight, bias):  # type: ignore[no-untyped-def]
        ctx.save_for_backward(images, weight)
        ctx.has_bias = bias is not None
        return convolve_with(change_weight(weight), images, bias)

    @staticmethod
    def backward(ctx, gradient):  # type: ignore[no-untyped-def]
        images, weight = ctx.saved_tensors
        weights = change_weight(weight)
        images, gradient = _channels_last(images), _channels_last(gradient)
        of_weights, of_images = images.new_zeros(weights.shape), torch.empty_like(images)
        for work, part in _in_parts(images, len(weight)):
            work.read_pixels(gradient[part])
            # Once more: kept since the forward pass, the tiles would take twice the images' memory.
            work.read_tiles(images[part])
            of_weights.baddbmm_(work.products.transpose(1, 2), work.tiles)
            work.multiply_back(weights)
            work.write_tiles(of_images[part])
        of_bias = gradient.sum((0, 1, 2)) if ctx.has_bias else None
        return of_images.permute(0, 3, 1, 2), _of_kernels(of_weights), of_bias


class _Work:
    """The tiles under way, in memory that every part of a batch takes anew, so that it stays in the cache."""

    def __init__(self, images: torch.Tensor, channels_out: int, count: int) -> None:
        """Take memory for `count` images [H, W, C]."""
        _, height, width, channels = images.shape
        down, across = height // PIXELS, width // PIXELS
        places = count * down * across
        self._to_tile, self._to_pixels = _each_way(_OF_TILE, images), _each_way(_OF_PRODUCTS, images)
        self._padded = images.new_zeros(count, height + 2, width + 2, channels)
        self._cut = images.new_empty(TILE, TILE, count, down, across, channels)
        self._half = images.new_empty(TILE**2 * places * max(channels, channels_out))
        self.tiles = images.new_empty(TILE**2, places, channels)
        """[36, N × H/4 × W/4, C]"""
        self.products = images.new_empty(TILE**2, places, channels_out)
        """[36, N × H/4 × W/4, K]"""
        self._pixels = images.new_empty(PIXELS, PIXELS, count, down, across, channels_out)
        self._sums = images.new_empty(count, down + 1, PIXELS, across + 1, PIXELS, channels)

    def read_tiles(self, images: torch.Tensor) -> None:
        """Cut images [N, H, W, C] into tiles, which overlap by two pixels."""
        self._padded[:, 1:-1, 1:-1] = images
        self._cut.copy_(self._padded.unfold(1, TILE, PIXELS).unfold(2, TILE, PIXELS).permute(4, 5, 0, 1, 2, 3))
        self._change(self._to_tile, self._cut, self.tiles)

    def write_tiles(self, images: torch.Tensor) -> None:
        """Sum the tiles to images, where `read_tiles` read them."""
        self._change(self._to_tile.transpose(1, 2), self.tiles, self._cut)
        tiles = self._cut.permute(2, 3, 0, 4, 1, 5)
        inner, outer, over = slice(PIXELS), slice(PIXELS, TILE), TILE - PIXELS
        sums = self._sums.zero_()
        sums[:, :-1, :, :-1] = tiles[:, :, inner, :, inner]
        sums[:, 1:, :over, :-1] += tiles[:, :, outer, :, inner]
        sums[:, :-1, :, 1:, :over] += tiles[:, :, inner, :, outer]
        sums[:, 1:, :over, 1:, :over] += tiles[:, :, outer, :, outer]
        _, height, width, _ = images.shape
        images.copy_(sums.flatten(3, 4).flatten(1, 2)[:, 1 : height + 1, 1 : width + 1])

    def multiply(self, weights: torch.Tensor) -> None:
        """Tiles × weights [36, K, C]."""
        torch.bmm(self.tiles, weights.transpose(1, 2), out=self.products)

    def multiply_back(self, weights: torch.Tensor) -> None:
        """Products × weights [36, K, C], which is the gradient of the tiles where the products are that of theirs."""
        torch.bmm(self.products, weights, out=self.tiles)

    def write_pixels(self, images: torch.Tensor) -> None:
        """Products to images [N, H, W, K]."""
        self._change(self._to_pixels, self.products, self._pixels)
        _squares(images).copy_(self._pixels)

    def read_pixels(self, images: torch.Tensor) -> None:
        """The way back of `write_pixels`."""
        self._pixels.copy_(_squares(images))
        self._change(self._to_pixels.transpose(1, 2), self._pixels, self.products)

    def _change(self, matrix: torch.Tensor, squares: torch.Tensor, result: torch.Tensor) -> None:
        """Multiply the columns and the rows of squares by a matrix [n, m]: [m × m, …] to [n × n, …]."""
        _, to, since = matrix.shape
        squares = squares.view(since, since, -1).transpose(0, 1)
        half = self._half[: since * to * squares.shape[2]].view(since, to, -1)
        torch.bmm(matrix[:since], squares, out=half)
        torch.bmm(matrix[:to], half.transpose(0, 1), out=result.view(to, to, -1))


def _in_parts(images: torch.Tensor, channels_out: int) -> Iterator[tuple[_Work, slice]]:
    """Go through images [N, H, W, C] by so many that their tiles stay in the cache."""
    tiles = images.shape[1] * images.shape[2] // PIXELS**2
    at_once = NUMBERS_AT_ONCE * torch.get_num_threads() // (TILE**2 * max(images.shape[3], channels_out))
    count = min(len(images), max(1, max(at_once, TILES_AT_ONCE) // tiles))
    work = _Work(images, channels_out, count)
    for start in range(0, len(images), count):
        if len(images) - start < count:
            work = _Work(images, channels_out, len(images) - start)
        yield work, slice(start, start + count)


def _channels_last(tensor: torch.Tensor) -> torch.Tensor:
    """[N, C, H, W] to [N, H, W, C]."""
    return tensor.permute(0, 2, 3, 1).contiguous()


def _squares(images: torch.Tensor) -> torch.Tensor:
    """Look at [N, H, W, C] as squares of 4×4 pixels, [4, 4, N, H/4, W/4, C]."""
    count, height, width, channels = images.shape
    shape = count, height // PIXELS, PIXELS, width // PIXELS, PIXELS, channels
    return images.view(shape).permute(2, 4, 0, 1, 3, 5)


def _each_way(rows: Matrix, like: torch.Tensor) -> torch.Tensor:
    """Return a matrix once for each column or row of a square."""
    return torch.tensor(rows, dtype=like.dtype).repeat(TILE, 1, 1)


def _both_ways(like: torch.Tensor) -> torch.Tensor:
    """Return the matrix of whole kernels, [36, 9]: there are few of them, and each is read once."""
    matrix = torch.tensor(_OF_KERNEL, dtype=torch.float64)
    return torch.kron(matrix, matrix).to(like)


def _of_kernels(of_weights: torch.Tensor) -> torch.Tensor:
    """The way back of `change_weight`."""
    kernels = _both_ways(of_weights).t() @ of_weights.transpose(0, 1)
    channels_out, _, channels = kernels.shape
    return kernels.view(channels_out, 3, 3, channels).permute(0, 3, 1, 2)
