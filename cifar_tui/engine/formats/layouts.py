"""Recognises the checkpoints of other projects and gives their tensors the tutorial's names, or names the project."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

import torch

from cifar_tui.engine.formats.stored_tensor import StoredTensor
from cifar_tui.errors import CheckpointDamaged
from cifar_tui.recipe import CIFAR10_MEAN, CLASSES, HALF
from cifar_tui.text import safe_text

Tensor: TypeAlias = StoredTensor | torch.Tensor
Tensors: TypeAlias = dict[str, Tensor]

WRAPPERS = ("net", "state_dict", "model_state_dict", "model", "network")
"""Keys under which training scripts put a state_dict beside other things."""
MOST_WRAPPERS = 3
PREFIXES = ("module.", "_orig_mod.", "model.", "net.", "network.")
"""Prefixes that DataParallel, torch.compile and a network inside another put before every name."""
MOST_PREFIXES = 6
KUANGLIU_STD = (0.2023, 0.1994, 0.2010)
BLOCK = re.compile(r"layer(\d)\.(\d+)\.(.+)")
OUTER_NAMES = {"conv1": "conv1.0", "bn1": "conv1.1", "linear": "fc"}
BLOCK_NAMES = {
    "conv1": "left.0",
    "bn1": "left.1",
    "conv2": "left.3",
    "bn2": "left.4",
    "downsample.0": "shortcut.0",
    "downsample.1": "shortcut.1",
}
DEPTHS: dict[tuple[bool, tuple[int, ...]], int] = {
    (False, (2, 2, 2, 2)): 18,
    (False, (3, 4, 6, 3)): 34,
    (True, (3, 4, 6, 3)): 50,
    (True, (3, 4, 23, 3)): 101,
    (True, (3, 8, 36, 3)): 152,
}
"""ResNets by whether their blocks are bottlenecks, and the blocks of each stage (He et al. 2015, table 1)."""
WIDEST = 4_096
"""Channels of a first stage; more is no ResNet-18."""
LARGE_STEM = 7


@dataclass(frozen=True, slots=True)
class NamingScheme:
    """A project's way of naming a ResNet-18's layers, and what else follows from it."""

    project: str
    """Whose it is, for people."""
    mean: tuple[float, float, float]
    """Subtracted from each colour by the project."""
    std: tuple[float, float, float]
    """Divides it then."""
    assumed: str = ""
    """A sentence on what the file cannot tell and is assumed."""


TUTORIAL = NamingScheme("the tutorial", HALF, HALF)
KUANGLIU = NamingScheme("pytorch-cifar", CIFAR10_MEAN, KUANGLIU_STD)
TORCHVISION = NamingScheme(
    "torchvision",
    CIFAR10_MEAN,
    KUANGLIU_STD,
    "The file does not say whether a max-pool follows the first layer; none is assumed.",
)


def weights_in(content: object, name: str) -> tuple[NamingScheme, Tensors]:
    """The network's tensors in what a file holds, by the tutorial's names. Raises CheckpointDamaged.

    Works on descriptions as on tensors, and takes the same way through both.
    """
    tensors = _without_prefixes(_state_dict(content, name))
    _check_kind(tensors, name)
    layout = _naming_scheme(tensors)
    return layout, {_our_name(key): tensor for key, tensor in tensors.items()}


def width_of(tensors: Tensors, name: str) -> int:
    """Channels of the first stage. Raises CheckpointDamaged."""
    first = tensors.get("conv1.0.weight")
    if first is None or len(first.shape) != 4 or not 0 < first.shape[0] <= WIDEST:
        raise CheckpointDamaged(f"{name} is another network: its layers have other names.")
    return int(first.shape[0])


def compare(tensors: Tensors, expected: dict[str, torch.Tensor], name: str) -> None:
    """Raises CheckpointDamaged unless names, shapes and types are exactly the network's."""
    if tensors.keys() != expected.keys():
        raise CheckpointDamaged(f"{name} is another network: its layers have other names.")
    for key, tensor in tensors.items():
        if isinstance(tensor, torch.Tensor) and tensor.layout != torch.strided:
            raise CheckpointDamaged(f"{name} is another network: {key} is not a plain tensor.")
        if tuple(tensor.shape) != tuple(expected[key].shape):
            raise CheckpointDamaged(f"{name} is another network: {key} has another shape.")
        if tensor.dtype != expected[key].dtype:
            found, wanted = (str(dtype).removeprefix("torch.") for dtype in (tensor.dtype, expected[key].dtype))
            raise CheckpointDamaged(f"{name} is another network: {key} is {found}, not {wanted}.")


def _state_dict(content: object, name: str) -> Tensors:
    """The state_dict, out of at most so many wrappers. Raises CheckpointDamaged."""
    for _ in range(MOST_WRAPPERS + 1):
        if not isinstance(content, dict):
            break
        if content and all(isinstance(value, StoredTensor | torch.Tensor) for value in content.values()):
            if not all(isinstance(key, str) for key in content):
                break
            return content
        content = next((content[key] for key in WRAPPERS if isinstance(content.get(key), dict)), None)
    raise CheckpointDamaged(f"{name} is not a checkpoint: it contains no weights of a network.")


def _without_prefixes(tensors: Tensors) -> Tensors:
    for _ in range(MOST_PREFIXES):
        prefix = next((one for one in PREFIXES if all(key.startswith(one) for key in tensors)), "")
        if not prefix:
            break
        tensors = {key.removeprefix(prefix): tensor for key, tensor in tensors.items()}
    return tensors


def _naming_scheme(tensors: Tensors) -> NamingScheme:
    if "conv1.0.weight" in tensors:
        return TUTORIAL
    return TORCHVISION if "fc.weight" in tensors else KUANGLIU


def _our_name(key: str) -> str:
    block = BLOCK.fullmatch(key)
    before, inner = (f"layer{block[1]}.{block[2]}.", block[3]) if block else ("", key)
    names = BLOCK_NAMES if block else OUTER_NAMES
    layer, _, what = inner.rpartition(".")
    return f"{before}{names.get(layer, layer)}.{what}"


def _check_kind(tensors: Tensors, name: str) -> None:
    """Raises CheckpointDamaged naming the network, where it is known and another one."""
    kind = _kind(tensors)
    if kind:
        raise CheckpointDamaged(
            f"{name} does not fit: {kind}. Only the tutorial's ResNet-18 for 32×32 images can be opened."
        )


def _kind(tensors: Tensors) -> str:
    """Return a clause on a network that is not this one; empty where it may be."""
    stem = next((tensors[key] for key in ("conv1.weight", "conv1.0.weight") if key in tensors), None)
    if stem is None:
        first = safe_text(next(iter(tensors)), 40)
        return f"its first layer is called {first}, so it is another kind of network"
    depth = _depth(tensors)
    if depth != 18:
        return f"it is a ResNet-{depth}" if depth else "it is a ResNet of another depth"
    if len(stem.shape) == 4 and stem.shape[2] == LARGE_STEM:
        return "it is torchvision's ResNet-18 for large images, with a 7×7 first layer"
    last = next((tensors[key] for key in ("fc.weight", "linear.weight") if key in tensors), None)
    if last is not None and len(last.shape) == 2 and last.shape[0] != CLASSES:
        return f"it has {last.shape[0]:,} classes, and CIFAR-10 has {CLASSES}"
    return ""


def _depth(tensors: Iterable[str]) -> int:
    """The number behind `ResNet-`; 0 for other networks."""
    found = [block for block in map(BLOCK.fullmatch, tensors) if block]
    stages = Counter(stage for stage, _ in {(block[1], block[2]) for block in found})
    blocks = tuple(stages[stage] for stage in sorted(stages))
    bottleneck = any(block[3].startswith("conv3.") for block in found)
    if len(blocks) == 3 and len(set(blocks)) == 1 and not bottleneck:
        return 6 * blocks[0] + 2
    return DEPTHS.get((bottleneck, blocks), 0)
