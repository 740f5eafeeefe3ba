"""Writes a network's weights completely or not at all, and reads them back without trusting the file."""

import contextlib
import dataclasses
import shlex
from collections.abc import Iterable
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO

import torch
from torch import nn

from cifar_tui.dataclass import dataclass
from cifar_tui.engine.formats.detect import detect
from cifar_tui.engine.formats.layouts import TUTORIAL, NamingScheme, classes_of, fitted, weights_in, width_of
from cifar_tui.engine.formats.metadata import WeightsMetadata, read_metadata
from cifar_tui.engine.formats.open_file import LARGEST_OF_OURS, LARGEST_STRANGER, open_external, size_of, verify
from cifar_tui.engine.formats.own_tensors import all_finite, last_size, own_tensors
from cifar_tui.engine.network.model import ResNet18
from cifar_tui.engine.network.own_network import check_test, own_network
from cifar_tui.errors import BadInput, CheckpointDamaged, refused
from cifar_tui.files.atomic_write import Written, write_atomically
from cifar_tui.files.run_files import CHECKPOINT_PATTERN, recipe_path
from cifar_tui.own_model import OwnModel
from cifar_tui.recipe import CIFAR10_MEAN, CIFAR10_STD, CLASSES, LEAST_CLASSES, MOST_CLASSES, SIDE, Recipe
from cifar_tui.runs.checkpoints.sidecars import Sidecar, read_sidecar, sidecar_path
from cifar_tui.runs.folder import read_recipe
from cifar_tui.runs.own_code import check_allowed, model_for, model_option
from cifar_tui.runs.parent_weights import belongs_to_run
from cifar_tui.runs.reading import AS_FOUND, Channels, Reading
from cifar_tui.system.invocation import from_here
from cifar_tui.text import safe_text

MOST_BESIDE = 8
"""Times a network's size that a file may have: its optimizer's state and an average of it are some."""
LEAST_BESIDE = 1_000_000
"""Bytes that the file of a small network of people's own may have beside."""
OWN = NamingScheme("a network of one's own", CIFAR10_MEAN, CIFAR10_STD)


def plain_tensors(network: nn.Module) -> dict[str, torch.Tensor]:
    """The network's state_dict by the tutorial's keys, on the CPU, each tensor's numbers in a row."""
    return {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}


def save_tensors(content: dict[str, object] | dict[str, torch.Tensor], path: Path) -> Written:
    """Write tensors and plain values in torch's format, completely or not at all. Raises OSError."""
    return write_atomically(path, lambda file: write_tensors(content, file))


def write_tensors(content: dict[str, object] | dict[str, torch.Tensor], file: BinaryIO) -> None:
    """Write tensors and plain values in torch's format into an open file. Raises OSError.

    The file object matters: given a path, torch.save hides the operating system's reason.
    """
    try:
        torch.save(content, file)
    except RuntimeError as error:
        # A full disk surfaces as "unexpected pos"; the reason is in the context.
        if isinstance(error.__context__, OSError):
            raise error.__context__ from None
        raise


@dataclass(frozen=True, slots=True)
class ReadNetwork:
    """A network that was read from a file."""

    network: nn.Module
    """On the CPU."""
    classes: int
    """Classes that it tells apart."""
    layout: NamingScheme
    """Whose names its layers had."""
    model: OwnModel | None = None
    """The function that made it, where it is a network of people's own."""
    sha256: str = ""
    """Of the file, for a checkpoint of a run of ours; empty for any other."""
    origin: WeightsMetadata | None = None
    """The file's own metadata."""
    trouble: str = ""
    """A sentence where that metadata is not used."""
    notes: tuple[str, ...] = ()
    """Sentences on what of the file was left out or converted."""
    reading: Reading = AS_FOUND
    """A person's word on the file."""

    @property
    def mean(self) -> Channels:
        """Subtracted from each channel, as a person, the file or its project says."""
        return self._normalization[0]

    @property
    def std(self) -> Channels:
        """Each channel is then divided by it, as a person, the file or its project says."""
        return self._normalization[1]

    @property
    def side(self) -> int:
        """Side of the images that it was trained on before black framed them, as a person or the file says."""
        return self.reading.side or (self.origin.side if self.origin is not None else SIDE)

    @property
    def _normalization(self) -> tuple[Channels, Channels]:
        known = self.origin or self.layout
        return self.reading.normalization or (known.mean, known.std)

    @property
    def assumptions(self) -> tuple[str, ...]:
        """Sentences on how an external file was read: what holds by its word, and what was assumed."""
        mean, std = (", ".join(f"{value:g}" for value in values) for values in (self.mean, self.std))
        if self.reading.normalization is not None:
            because = "Images are normalized as --normalize says"
        elif self.origin is not None:
            because = "Images are normalized as the file says"
        elif self.model is not None:
            because = "The file does not say how images are normalized; that of the presets is taken"
        else:
            because = f"The layers are named as in {self.layout.project}, so images are normalized as there"
        sentences = [f"{because} (mean {mean}, deviation {std})."]
        if self.reading.normalization is None:
            sentences[0] += " --normalize uses another normalization."
        if self.origin is not None and self.origin.run:
            sentences.append(f"It comes from {self.origin.text()}.")
        if self.reading.max_pool:
            sentences.append("A max-pool follows the first layer.")
        elif self.layout.assumed and self.origin is None:
            sentences.append(self.layout.assumed)
        return (*([self.trouble] if self.trouble else []), *self.notes, " ".join(sentences))


def load_tensors(path: Path, size: int, sha256: str) -> object:
    """Load the content of a file of ours in torch's format to the CPU, checked to be as it was saved.

    Raises CheckpointDamaged.
    """
    with open_external(path, LARGEST_OF_OURS) as file:
        verify(file, path, size, sha256)
        return detect(file, path.name).load()


def load_network(folder: Path, checkpoint: str) -> tuple[ResNet18, Sidecar]:
    """The ResNet-18 of a run's checkpoint, on the CPU, after size and SHA-256 were compared with its sidecar.

    Raises CheckpointDamaged with a sentence when anything about it is not as it was saved.
    """
    sidecar = _sidecar(folder, checkpoint)
    with open_external(folder / checkpoint, LARGEST_OF_OURS) as file:
        verify(file, folder / checkpoint, sidecar.size, sidecar.sha256)
        read = read_open(file, checkpoint)
    network = read.network
    assert isinstance(network, ResNet18), "no other was asked for"
    if network.width != sidecar.width or read.layout is not TUTORIAL:
        raise CheckpointDamaged(
            f"{checkpoint} is not the network of its run: it has {network.width} channels, not {sidecar.width}."
        )
    return network, sidecar


def read_network(path: Path, reading: Reading = AS_FOUND) -> ReadNetwork:
    """The network in any file, on the CPU: a run's checkpoint, or one that another project's script wrote.

    `reading` is for such a file, and names the functions that may make networks of people's own.
    Raises CheckpointDamaged with a sentence for every other file; no code in it is run. Raises BadInput where the
    network is made by code that may not run in this process.
    """
    recipe = own_recipe(path)
    if recipe is not None:
        return _read_own_checkpoint(path, recipe, reading)
    if CHECKPOINT_PATTERN.fullmatch(path.name):
        in_a_run = (recipe_path(path.parent)).is_file()
        if in_a_run or (sidecar_path(path).is_file() and not reading.models):
            network, sidecar = load_network(path.parent, path.name)
            return ReadNetwork(network, network.classes, TUTORIAL, sha256=sidecar.sha256)
    with open_external(path, LARGEST_OF_OURS if reading.models else LARGEST_STRANGER) as file:
        if reading.models:
            return read_own(file, safe_text(path.name), reading.models[0], reading)
        return read_open(file, safe_text(path.name), reading)


def own_recipe(path: Path) -> Recipe | None:
    """Return the recipe of a checkpoint's run where its network is one of people's own."""
    with contextlib.suppress(BadInput):  # what is wrong with a recipe is told where it is needed
        if belongs_to_run(path) and (recipe := read_recipe(path.parent)).model is not None:
            return recipe
    return None


def _read_own_checkpoint(path: Path, recipe: Recipe, reading: Reading) -> ReadNetwork:
    """Return the network of people's own in a checkpoint of its run. Raises CheckpointDamaged, BadInput."""
    assert recipe.model is not None, "else it is no network of people's own"
    model = model_for(recipe.model, reading.models)
    command = f"{reading.command or shlex.join(('evaluate', from_here(path)))} {model_option(model, path.parent)}"
    check_allowed(model, path.parent, command)
    with open_own(path, recipe) as file:
        read = read_own(file, path.name, model, dataclasses.replace(reading, classes=recipe.classes))
    if model == recipe.model:
        return dataclasses.replace(read, sha256=own_digest(path, recipe))
    run, own = safe_text(path.parent.name, 60), recipe.model
    other = f"{run} was trained with {own.name} (SHA-256 {own.sha256[:12]}…), and another is used: {model.name}."
    return dataclasses.replace(read, notes=(other, *read.notes))


def own_digest(path: Path, recipe: Recipe) -> str:
    """Return the digest that weights in a run's folder were saved with. Raises CheckpointDamaged."""
    if CHECKPOINT_PATTERN.fullmatch(path.name):
        return _sidecar(path.parent, path.name).sha256
    return recipe.parent.sha256 if recipe.parent is not None else ""


def open_own(path: Path, recipe: Recipe) -> BufferedReader:
    """Open weights in a run's folder, compared with what was written down of them. Raises CheckpointDamaged."""
    digest = own_digest(path, recipe)
    file = open_external(path, LARGEST_OF_OURS)
    try:
        saved = _sidecar(path.parent, path.name).size if CHECKPOINT_PATTERN.fullmatch(path.name) else size_of(file)
        verify(file, path, saved, digest)
    except CheckpointDamaged:
        file.close()
        raise
    return file


def read_own(file: BinaryIO, name: str, model: OwnModel, reading: Reading = AS_FOUND) -> ReadNetwork:
    """The network of people's own in an open file, by its own names. Raises CheckpointDamaged, BadInput."""
    described = detect(file, name)
    origin, trouble = _origin(described.metadata, name)
    named = len(origin.classes) if origin is not None else 0
    numbers = (named, reading.classes, last_size(described.content), CLASSES)
    network, classes = _fitting(described.content, name, model, numbers)
    expected = network.state_dict()
    if described.stored_bytes > MOST_BESIDE * sum(one.nbytes for one in expected.values()) + LEAST_BESIDE:
        raise refused("the file holds far more than a network and its optimizer's state")
    tensors = own_tensors(described.load(), expected, name, model.name)
    if not all_finite(tensors):
        raise CheckpointDamaged(f"{name} cannot be used: some of its weights are NaN or infinite.")
    with torch.no_grad():
        for key, tensor in expected.items():
            tensor.copy_(tensors[key])
    check_test(model, network, classes)
    return ReadNetwork(network, classes, OWN, model, origin=origin, trouble=trouble, reading=reading)


def _fitting(content: object, name: str, model: OwnModel, numbers: Iterable[int]) -> tuple[nn.Module, int]:
    """Return the network of the first number of classes that fits a file, and the number. Raises CheckpointDamaged."""
    misfit: CheckpointDamaged | None = None
    for classes in dict.fromkeys(number for number in numbers if LEAST_CLASSES <= number <= MOST_CLASSES):
        network = own_network(model, classes, seed=0)
        try:
            own_tensors(content, network.state_dict(), name, model.name)
        except CheckpointDamaged as error:
            misfit = misfit or error
            continue
        return network, classes
    assert misfit is not None, "the last number is one of classes"
    raise misfit


def read_open(file: BinaryIO, name: str, reading: Reading = AS_FOUND) -> ReadNetwork:
    """The network in an open file, which is loaded only once its description fits. Raises CheckpointDamaged."""
    described = detect(file, name)
    _, promised, _ = weights_in(described.content, name, reading.weights)
    with torch.device("meta"):
        network = ResNet18(width_of(promised, name), classes_of(promised, name), max_pool=reading.max_pool)
    expected = network.state_dict()
    fitted(promised, expected, name)
    if described.stored_bytes > MOST_BESIDE * sum(tensor.nbytes for tensor in expected.values()):
        raise refused("the file holds far more than a network and its optimizer's state")
    layout, found, notes = weights_in(described.load(), name, reading.weights)
    taken, more_notes = fitted(found, expected, name)
    zeros = {key: torch.zeros((), dtype=torch.int64) for key in expected if key not in taken}
    tensors = {key: tensor.to(expected[key].dtype) for key, tensor in taken.items() if isinstance(tensor, torch.Tensor)}
    if not all(bool(torch.isfinite(tensor).all()) for tensor in tensors.values()):
        raise CheckpointDamaged(f"{name} cannot be used: some of its weights are NaN or infinite.")
    network.to_empty(device="cpu").load_state_dict(tensors | zeros)
    origin, trouble = _origin(described.metadata, name, network.classes)
    more = (*notes, *more_notes)
    return ReadNetwork(network, network.classes, layout, origin=origin, trouble=trouble, notes=more, reading=reading)


def _origin(metadata: dict[str, str], name: str, classes: int = 0) -> tuple[WeightsMetadata | None, str]:
    """Return a file's own metadata, where they are in order and of so many classes, and a sentence where not."""
    try:
        origin = read_metadata(metadata)
        if origin is not None and classes and len(origin.classes) not in (0, classes):
            raise ValueError("names of other classes")
    except ValueError:
        return None, f"{name} has an invalid header, which is ignored."
    return origin, ""


def _sidecar(folder: Path, checkpoint: str) -> Sidecar:
    try:
        return read_sidecar(sidecar_path(folder / checkpoint))
    except FileNotFoundError:
        raise CheckpointDamaged(f"{checkpoint} was never completely saved: its .json file is missing.") from None
    except (OSError, ValueError):
        raise CheckpointDamaged(f"{checkpoint} cannot be used: its .json file is damaged.") from None
