"""Recognises the checkpoints of other projects and gives their tensors the tutorial's names, or names the project."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

import torch

from cifar_tui.dataclass import dataclass
from cifar_tui.engine.formats.stored_tensor import StoredTensor
from cifar_tui.errors import CheckpointDamaged
from cifar_tui.recipe import CIFAR10_MEAN, HALF, LEAST_CLASSES, MOST_CLASSES
from cifar_tui.text import counted, safe_text

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
FIRST_LAYERS, LAST_LAYERS = ("conv1.weight", "conv1.0.weight"), ("fc.weight", "linear.weight")
LAYER = re.compile(r"(conv1|bn1|layer\d|fc|linear)\.")
"""Names of a ResNet's layers in all naming schemes."""
BATCHES = ".num_batches_tracked"
AVERAGED = ("ema", "swa", "averag", "shadow", "teacher")
"""Words for a moving average of weights."""
MOST_NAMED = 3


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


@dataclass(frozen=True, slots=True)
class Weights:
    """One network's weights in a file, of which it may hold several."""

    label: str
    """The place in the file that they were found in, as a person names it; empty for the whole file."""
    tensors: Tensors
    """By the names that the file gives them, without what stands before all of them."""
    beside: tuple[str, ...]
    """Names of tensors in the same place that are no part of them."""

    @property
    def averaged(self) -> bool:
        """True for a moving average beside the weights that were trained."""
        return any(word in self.label.lower() for word in AVERAGED)


def weights_in(content: object, name: str, chosen: str = "") -> tuple[NamingScheme, Tensors, tuple[str, ...]]:
    """Return the network's tensors in what a file holds, by the tutorial's names, and what a person has to know.

    Works on descriptions as on tensors, and takes the same way through both. `chosen` names one of several sets of
    weights. Raises CheckpointDamaged.
    """
    found = list(_all_weights(content))
    if not found:
        raise CheckpointDamaged(_without_weights(content, name))
    weights = _chosen(found, chosen, name)
    if kind := _kind(weights.tensors):
        raise CheckpointDamaged(_misfit(name, kind))
    notes = []
    if len(found) > 1:
        others = ", ".join(safe_text(one.label or "the file itself", 60) for one in found if one is not weights)
        taken = safe_text(weights.label or "the file itself", 60)
        notes.append(f"{name} holds several sets of weights: {taken} is used. For another: --weights ({others}).")
    if weights.beside:
        notes.append(_left_out(name, weights.beside))
    tensors = {_our_name(key): tensor for key, tensor in weights.tensors.items()}
    return _naming_scheme(weights.tensors), tensors, tuple(notes)


def _all_weights(content: object, path: tuple[str, ...] = ()) -> Iterator[Weights]:
    """Yield the weights of every network in a file: in dicts in each other, below any prefix."""
    if not isinstance(content, dict):
        return
    named = {key: value for key, value in content.items() if isinstance(key, str)}
    tensors = {key: value for key, value in named.items() if isinstance(value, StoredTensor | torch.Tensor)}
    prefixes = [
        key.removesuffix(last)
        for key in tensors
        for last in LAST_LAYERS
        if key.endswith(last) and any(key.removesuffix(last) + first in tensors for first in FIRST_LAYERS)
    ]
    for prefix in prefixes:
        layers = {key.removeprefix(prefix): one for key, one in tensors.items() if key.startswith(prefix)}
        own = {key: one for key, one in layers.items() if LAYER.match(key)}
        beside = [key for key in tensors if not any(key.startswith(one) for one in prefixes)]
        beside += [prefix + key for key in layers if key not in own and not any(one for one in prefixes if one)]
        yield Weights(".".join((*path, prefix.strip("."))).strip("."), own, tuple(beside))
    if len(path) < MOST_WRAPPERS:
        for key in sorted(named, key=lambda one: WRAPPERS.index(one) if one in WRAPPERS else len(WRAPPERS)):
            yield from _all_weights(named[key], (*path, key))


def _chosen(found: Sequence[Weights], chosen: str, name: str) -> Weights:
    """Return the weights that a person names, else the first that were trained. Raises CheckpointDamaged."""
    if not chosen:
        fitting = [one for one in found if not _kind(one.tensors)] or found
        return next((one for one in fitting if not one.averaged), fitting[0])
    for one in found:
        if chosen in (one.label, *one.label.split(".")):
            return one
    labels = ", ".join(safe_text(one.label or "the file itself", 60) for one in found)
    raise CheckpointDamaged(f"{name} holds no weights called {safe_text(chosen, 60)}. It holds: {labels}.")


def _without_weights(content: object, name: str) -> str:
    """Return the sentence on a file in which no network of this kind is."""
    for _ in range(MOST_WRAPPERS + 1):
        if not isinstance(content, dict):
            break
        named = {str(key): one for key, one in content.items() if isinstance(one, StoredTensor | torch.Tensor)}
        if named and all(isinstance(key, str) for key in content):
            return _misfit(name, _kind(_without_prefixes(named)) or "its layers have other names")
        content = next((content[key] for key in WRAPPERS if isinstance(content.get(key), dict)), None)
    return f"{name} is not a checkpoint: it contains no weights of a network."


def width_of(tensors: Tensors, name: str) -> int:
    """Channels of the first stage. Raises CheckpointDamaged."""
    first = tensors.get("conv1.0.weight")
    if first is None or len(first.shape) != 4 or not 0 < first.shape[0] <= WIDEST:
        raise CheckpointDamaged(f"{name} is another network: its layers have other names.")
    return int(first.shape[0])


def classes_of(tensors: Tensors, name: str) -> int:
    """Return the classes that the last layer tells apart. Raises CheckpointDamaged."""
    last = tensors.get("fc.weight")
    if last is None or len(last.shape) != 2:
        raise CheckpointDamaged(f"{name} is another network: its last layer has another name or shape.")
    return int(last.shape[0])


def fitted(tensors: Tensors, expected: dict[str, torch.Tensor], name: str) -> tuple[Tensors, tuple[str, ...]]:
    """Return the tensors that the network takes, and what a person has to know of the others and of their types.

    Counts of batches may be missing, and numbers of another precision are converted when they are loaded. Raises
    CheckpointDamaged for a layer that is missing, or of another shape.
    """
    missing = [key for key in expected if key not in tensors and not key.endswith(BATCHES)]
    if missing:
        raise CheckpointDamaged(f"{name} is another network: it has no {missing[0]}.")
    taken = {key: tensors[key] for key in expected if key in tensors}
    for key, tensor in taken.items():
        if isinstance(tensor, torch.Tensor) and tensor.layout != torch.strided:
            raise CheckpointDamaged(f"{name} is another network: {key} is not a plain tensor.")
        if tuple(tensor.shape) != tuple(expected[key].shape):
            raise CheckpointDamaged(f"{name} is another network: {key} has another shape.")
        if tensor.dtype != expected[key].dtype and not key.endswith(BATCHES) and not tensor.dtype.is_floating_point:
            raise CheckpointDamaged(f"{name} is another network: {key} is {_dtype(tensor)}, not float32.")
    notes = []
    other = {_dtype(one) for key, one in taken.items() if not key.endswith(BATCHES)} - {"float32"}
    if other:
        notes.append(f"The weights in {name} are {', '.join(sorted(other))}; they are used as float32.")
    if surplus := [key for key in tensors if key not in expected]:
        notes.append(_left_out(name, surplus))
    return taken, tuple(notes)


def _left_out(name: str, tensors: Sequence[str]) -> str:
    """Return the sentence on tensors that the network has no place for: the first of them, and how many more."""
    more = f", and {len(tensors) - MOST_NAMED} more" if len(tensors) > MOST_NAMED else ""
    named = ", ".join(safe_text(one, 40) for one in tensors[:MOST_NAMED])
    return f"Left out of {name}, as no layer takes it: {named}{more}."


def _dtype(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


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


def _misfit(name: str, kind: str) -> str:
    opened = "Only the tutorial's ResNet-18 for 32×32 images can be opened, or yours with --model FILE.py:make"
    return f"{name} does not fit: {kind}. {opened}."


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
    last = next((tensors[key] for key in LAST_LAYERS if key in tensors), None)
    if last is not None and len(last.shape) == 2 and not LEAST_CLASSES <= last.shape[0] <= MOST_CLASSES:
        return f"it has {counted(last.shape[0], 'class')}, and {LEAST_CLASSES} to {MOST_CLASSES:,} can be told apart"
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
