"""Writes a network's weights completely or not at all, and reads them back without trusting the file."""

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import torch
from torch import nn

from cifar_tui.engine.formats.detect import detect
from cifar_tui.engine.formats.layouts import TUTORIAL, NamingScheme, classes_of, fitted, weights_in, width_of
from cifar_tui.engine.formats.metadata import WeightsMetadata, read_metadata
from cifar_tui.engine.formats.open_file import LARGEST_OF_OURS, open_external, verify
from cifar_tui.engine.network.model import ResNet18
from cifar_tui.errors import CheckpointDamaged, refused
from cifar_tui.files.atomic_write import Written, write_atomically
from cifar_tui.files.run_files import CHECKPOINT_PATTERN, recipe_path
from cifar_tui.runs.checkpoints.sidecars import Sidecar, read_sidecar, sidecar_path
from cifar_tui.runs.reading import AS_FOUND, Channels, Reading
from cifar_tui.text import safe_text

MOST_BESIDE = 8
"""Times a network's size that a file may have: its optimizer's state and an average of it are some."""


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

    network: ResNet18
    """On the CPU."""
    layout: NamingScheme
    """Whose names its layers had."""
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
    """The network of a run's checkpoint, on the CPU, after size and SHA-256 were compared with its sidecar.

    Raises CheckpointDamaged with a sentence when anything about it is not as it was saved.
    """
    sidecar = _sidecar(folder, checkpoint)
    with open_external(folder / checkpoint, LARGEST_OF_OURS) as file:
        verify(file, folder / checkpoint, sidecar.size, sidecar.sha256)
        read = read_open(file, checkpoint)
    width = read.network.conv1[0].out_channels
    if width != sidecar.width or read.layout is not TUTORIAL:
        raise CheckpointDamaged(
            f"{checkpoint} is not the network of its run: it has {width} channels, not {sidecar.width}."
        )
    return read.network, sidecar


def read_network(path: Path, reading: Reading = AS_FOUND) -> ReadNetwork:
    """The network in any file, on the CPU: a run's checkpoint, or one that another project's script wrote.

    `reading` is for such a file.
    Raises CheckpointDamaged with a sentence for every other file; no code in it is run.
    """
    if CHECKPOINT_PATTERN.fullmatch(path.name):
        in_a_run = (recipe_path(path.parent)).is_file()
        if in_a_run or sidecar_path(path).is_file():
            network, sidecar = load_network(path.parent, path.name)
            return ReadNetwork(network, TUTORIAL, sidecar.sha256)
    with open_external(path) as file:
        return read_open(file, safe_text(path.name), reading)


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
    try:
        origin, trouble = read_metadata(described.metadata), ""
        if origin is not None and len(origin.classes) not in (0, network.classes):
            raise ValueError("names of other classes")
    except ValueError:
        origin, trouble = None, f"{name} has an invalid header, which is ignored."
    return ReadNetwork(network, layout, origin=origin, trouble=trouble, notes=(*notes, *more_notes), reading=reading)


def _sidecar(folder: Path, checkpoint: str) -> Sidecar:
    try:
        return read_sidecar(sidecar_path(folder / checkpoint))
    except FileNotFoundError:
        raise CheckpointDamaged(f"{checkpoint} was never completely saved: its .json file is missing.") from None
    except (OSError, ValueError):
        raise CheckpointDamaged(f"{checkpoint} cannot be used: its .json file is damaged.") from None
