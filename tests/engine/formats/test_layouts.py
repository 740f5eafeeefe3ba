"""Other projects' checkpoints open, each under its own names; what does not fit is told what it is."""

import argparse
import dataclasses
import enum
import subprocess
import zipfile
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import nn

from cifar_tui.checkpoint_events import EvaluationDone
from cifar_tui.control import RequestQueue
from cifar_tui.engine.checkpoints.checkpoint import read_network
from cifar_tui.engine.data.augment import DeviceDataset
from cifar_tui.engine.evaluation import evaluate_checkpoint
from cifar_tui.engine.formats.layouts import KUANGLIU, TORCHVISION, TUTORIAL
from cifar_tui.engine.network.model import ResNet18
from cifar_tui.errors import CheckpointDamaged
from cifar_tui.events import Event, Noted
from cifar_tui.jobs.evaluate import EvaluateJob
from cifar_tui.recipe import HALF, Recipe
from cifar_tui.runs.reading import NORMALIZATIONS, Reading
from tests.engine.formats.external_networks import KuangliuResNet, stirred
from tests.engine.network.test_model import TutorialNetwork
from tests.engine.trained import easy_images, tiny_recipe
from tests.quick_torchvision import torchvision

State = dict[str, torch.Tensor]


def state_of(network: nn.Module, prefix: str = "") -> State:
    return {prefix + name: tensor for name, tensor in network.state_dict().items()}


@torch.inference_mode()
def same_answers(path: Path, theirs: nn.Module) -> bool:
    images = torch.randn(4, 3, 32, 32)
    return torch.allclose(read_network(path).network.eval()(images), theirs.eval()(images), atol=1e-5)


def test_the_tutorials_own_file_opens(tmp_path: Path) -> None:
    theirs = stirred(TutorialNetwork())
    torch.save(theirs.state_dict(), tmp_path / "net_135.pth")
    assert read_network(tmp_path / "net_135.pth").layout is TUTORIAL
    assert same_answers(tmp_path / "net_135.pth", theirs)


WRAPPED: dict[str, Callable[[State], object]] = {
    "net, acc, epoch": lambda state: {"net": state, "acc": 93.25, "epoch": 199},
    "plain": lambda state: state,
    "state_dict": lambda state: {"epoch": 3, "arch": "resnet18", "state_dict": state, "best_acc1": 93.0},
    "model": lambda state: {"model": state, "args": {"lr": 0.1, "steps": [1, 2]}},
    "model_state_dict": lambda state: {"model_state_dict": state, "loss": 0.1, "name": "x", "done": True, "note": None},
    "twice": lambda state: {"state_dict": {"net": state, "acc": 1.0}},
}


@pytest.fixture(scope="module")
def theirs() -> nn.Module:
    return stirred(KuangliuResNet(4))


PREFIXES = ["", "_orig_mod.", "module._orig_mod.", "_orig_mod.module.", "model.", "model._orig_mod.net.module."]


@pytest.mark.parametrize(
    ("wrapper", "prefix"),
    [*((wrapper, "module.") for wrapper in WRAPPED), *(("net, acc, epoch", prefix) for prefix in PREFIXES)],
)
def test_pytorch_cifars_files_open_however_they_are_wrapped(
    tmp_path: Path, theirs: nn.Module, wrapper: str, prefix: str
) -> None:
    torch.save(WRAPPED[wrapper](state_of(theirs, prefix)), tmp_path / "ckpt.pth")
    assert read_network(tmp_path / "ckpt.pth").layout is KUANGLIU
    assert same_answers(tmp_path / "ckpt.pth", theirs)


@pytest.mark.slow
def test_a_file_with_its_optimisers_state_opens(tmp_path: Path, theirs: nn.Module) -> None:
    optimizer = torch.optim.SGD(theirs.parameters(), lr=0.1, momentum=0.9)
    for parameter in theirs.parameters():
        optimizer.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
    content = {"model": nn.DataParallel(theirs).state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3}
    torch.save(content, tmp_path / "ckpt.pth")
    assert same_answers(tmp_path / "ckpt.pth", theirs)


@pytest.mark.parametrize("width", [1, 12, 24])
def test_any_width_and_memory_layout_is_recognised(tmp_path: Path, width: int) -> None:
    theirs = stirred(KuangliuResNet(width)).to(memory_format=torch.channels_last)
    torch.save(theirs.state_dict(), tmp_path / "ckpt.pth")
    assert read_network(tmp_path / "ckpt.pth").network.width == width
    assert same_answers(tmp_path / "ckpt.pth", theirs)


@pytest.mark.parametrize("metadata", [None, {"format": "pt", "words": "\x1b[31m"}])
def test_safetensors_open(tmp_path: Path, theirs: nn.Module, metadata: dict[str, str] | None) -> None:
    safetensors.torch.save_file(state_of(theirs, "module."), tmp_path / "net.safetensors", metadata)
    assert read_network(tmp_path / "net.safetensors").layout is KUANGLIU
    assert same_answers(tmp_path / "net.safetensors", theirs)


@pytest.mark.slow
def test_torchvisions_names_open_where_the_network_was_made_for_small_pictures(tmp_path: Path) -> None:
    theirs = torchvision.models.resnet18(num_classes=10)
    theirs.conv1, theirs.maxpool = nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.Identity()
    torch.save(stirred(theirs).state_dict(), tmp_path / "net.pth")
    assert read_network(tmp_path / "net.pth").layout is TORCHVISION
    assert same_answers(tmp_path / "net.pth", theirs)


def vision(name: str) -> State:
    with torch.device("meta"):
        state = torchvision.models.get_model(name).state_dict()
    return {key: torch.zeros(1, dtype=tensor.dtype).expand(0, *tensor.shape[1:]) for key, tensor in state.items()}


MISFITS: dict[str, tuple[Callable[[], object], str]] = {
    "torchvision's": (lambda: vision("resnet18"), "torchvision's ResNet-18 for large images, with a 7×7 first layer"),
    "ResNet-34": (lambda: KuangliuResNet(2, blocks=(3, 4, 6, 3)).state_dict(), "it is a ResNet-34"),
    "ResNet-50": (lambda: vision("resnet50"), "it is a ResNet-50"),
    "ResNet-101": (lambda: {"state_dict": vision("resnet101")}, "it is a ResNet-101"),
    "ResNet-20": (lambda: KuangliuResNet(2, blocks=(3, 3, 3)).state_dict(), "it is a ResNet-20"),
    "depth": (lambda: KuangliuResNet(2, blocks=(2, 2, 2, 3)).state_dict(), "it is a ResNet of another depth"),
    "classes": (lambda: {"net": KuangliuResNet(2, classes=1).state_dict()}, "it has 1 class, and 2 to 1,000"),
    "another kind": (lambda: vision("vgg11"), "its first layer is called features.0.weight"),
    "missing": (lambda: dict(list(KuangliuResNet(2).state_dict().items())[:-1]), r"has no fc\.bias"),
    "too deep": (lambda: {"net": {"net": {"net": {"net": {"net": {}}}}}}, "is not a checkpoint"),
}


@pytest.mark.parametrize("what", MISFITS)
def test_what_does_not_fit_is_told_what_it_is(tmp_path: Path, what: str) -> None:
    content, sentence = MISFITS[what]
    torch.save(content(), tmp_path / "net.pth")
    with pytest.raises(CheckpointDamaged, match=sentence):
        read_network(tmp_path / "net.pth")


@pytest.mark.slow
def test_a_stranger_is_measured_on_colours_as_its_project_has_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipes: list[Recipe] = []

    def dataset(pixels: object, labels: object, recipe: Recipe, *rest: object) -> DeviceDataset:
        recipes.append(recipe)
        return DeviceDataset(pixels, labels, recipe, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(evaluate_checkpoint, "DeviceDataset", dataset)
    torch.save(ResNet18(4).state_dict(), tmp_path / "net_001.pth")
    torch.save({"net": KuangliuResNet(4).state_dict()}, tmp_path / "ckpt.pth")
    for name in ("net_001.pth", "ckpt.pth"):
        said: list[Event] = []
        EvaluateJob(tiny_recipe(), tmp_path, name, external=True, load_data=easy_images).run(
            said.append, RequestQueue()
        )
        assert isinstance(said[0], Noted)
        assert isinstance(said[-1], EvaluationDone)
    EvaluateJob(tiny_recipe(), tmp_path, "ckpt.pth", load_data=easy_images).run(said.append, RequestQueue())
    assert [recipe.std for recipe in recipes] == [HALF, KUANGLIU.std, tiny_recipe().std]


class Mode(enum.Enum):
    """An enum of somebody's training script."""

    FAST = "fast"


@dataclasses.dataclass
class Settings:
    """A dataclass of somebody's training script."""

    rate: float = 0.1


def swa(network: nn.Module) -> State:
    return dict(torch.optim.swa_utils.AveragedModel(network).state_dict())


def without_counts(state: State) -> State:
    return {name: tensor for name, tensor in state.items() if not name.endswith("num_batches_tracked")}


def scheduler() -> object:
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.1)
    return torch.optim.lr_scheduler.MultiStepLR(optimizer, [1, 1, 3]).state_dict()


SHARED = [1, 2]
BESIDE: dict[str, tuple[Callable[[State], object], str]] = {
    "Counter": (lambda state: {"net": state, "scheduler": scheduler()}, ""),
    "NumPy number": (lambda state: {"net": state, "acc": np.float64(93)}, ""),
    "NumPy array": (lambda state: {"net": state, "curve": np.arange(3.0), "epoch": np.int64(3)}, ""),
    "Namespace": (lambda state: {"net": state, "args": argparse.Namespace(lr=0.1, milestones=[1, 2])}, ""),
    "shared list": (lambda state: {"net": state, "a": SHARED, "b": SHARED}, ""),
    "set, date, path": (lambda state: {"net": state, "x": [{1}, frozenset({2}), datetime.now(UTC), Path("a")]}, ""),
    "defaultdict": (lambda state: {"net": state, "x": defaultdict(list, {"a": [1]}), "y": 1j, "z": b"bytes"}, ""),
    "torch's own": (lambda state: {"net": state, "x": [torch.float32, torch.Size([1]), torch.device("cpu")]}, ""),
    "a trainer's own": (lambda state: {"net": state, "mode": Mode.FAST, "settings": Settings()}, ""),
    "keys of any kind": (lambda state: {"net": state, (1, 2): 3, Mode.FAST: 4}, ""),
    "parameters": (lambda state: {**state, "linear.bias": nn.Parameter(state["linear.bias"])}, ""),
    "no counts": (without_counts, ""),
    "half": (lambda state: {k: one.half() if one.is_floating_point() else one for k, one in state.items()}, "float16"),
    "more": (lambda state: {**state, "extra.weight": torch.zeros(1)}, "extra.weight"),
    "Lightning": (
        lambda state: {
            "state_dict": {**{f"model.{key}": one for key, one in state.items()}, "criterion.weight": torch.ones(10)},
            "hyper_parameters": argparse.Namespace(lr=0.1),
        },
        "criterion.weight",
    ),
    "any key": (lambda state: {"student": state, "epoch": 3}, ""),
    "EMA beside": (lambda state: {"ema": {k: one * 2 for k, one in state.items()}, "model": state}, "--weights (ema)"),
}  # fmt: skip


@pytest.mark.parametrize("what", BESIDE)
def test_what_lies_beside_fitting_weights_is_passed_over_and_named(
    tmp_path: Path, theirs: nn.Module, what: str
) -> None:
    content, named = BESIDE[what]
    torch.save(content(state_of(theirs)), tmp_path / "ckpt.pth")
    read = read_network(tmp_path / "ckpt.pth")
    assert named in " ".join(read.notes)
    images = torch.randn(4, 3, 32, 32)
    with torch.inference_mode():
        difference = (read.network.eval()(images) - theirs.eval()(images)).abs().max()
    assert difference < (0.05 if what == "half" else 1e-5)


def test_an_average_of_weights_is_opened(tmp_path: Path, theirs: nn.Module) -> None:
    torch.save(swa(theirs), tmp_path / "swa.pth")
    read = read_network(tmp_path / "swa.pth")
    assert "n_averaged" in " ".join(read.notes)
    assert same_answers(tmp_path / "swa.pth", theirs)


def test_one_of_several_sets_of_weights_can_be_chosen(tmp_path: Path, theirs: nn.Module) -> None:
    state = state_of(theirs)
    average = {key: torch.zeros_like(one) for key, one in state.items()}
    torch.save({"model": state, "ema": average}, tmp_path / "ckpt.pth")
    chosen = read_network(tmp_path / "ckpt.pth", Reading(weights="ema")).network
    assert not chosen.get_parameter("fc.weight").any()
    with pytest.raises(CheckpointDamaged, match=r"no weights called best\. It holds: model, ema"):
        read_network(tmp_path / "ckpt.pth", Reading(weights="best"))


@pytest.mark.slow
def test_a_max_pool_and_a_normalization_that_a_person_names_are_used(tmp_path: Path) -> None:
    theirs = torchvision.models.resnet18(num_classes=10)
    theirs.conv1 = nn.Conv2d(3, 64, 3, 1, 1, bias=False)
    torch.save(stirred(theirs).state_dict(), tmp_path / "net.pth")
    reading = Reading(max_pool=True, normalization=NORMALIZATIONS["none"])
    read = read_network(tmp_path / "net.pth", reading)
    images = torch.randn(4, 3, 32, 32)
    with torch.inference_mode():
        assert torch.allclose(read.network.eval()(images), theirs.eval()(images), atol=1e-5)
    assert (read.mean, read.std) == ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    assert "A max-pool follows the first layer." in read.assumptions[-1]
    assert not same_answers(tmp_path / "net.pth", theirs), "without it, the number would be another"


@pytest.mark.slow
def test_the_command_that_converts_an_old_file_works_as_printed(tmp_path: Path, theirs: nn.Module) -> None:
    old = tmp_path / "an old one.pth"
    torch.save({"net": state_of(theirs)}, old, _use_new_zipfile_serialization=False)
    with pytest.raises(CheckpointDamaged, match="old format") as refusal:
        read_network(old)
    subprocess.run(str(refusal.value).partition("Convert it with: ")[2], shell=True, check=True, timeout=120)
    assert same_answers(tmp_path / "an old one-new.pth", theirs)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 44800000\n", "Git LFS pointer"),
        (b"<!DOCTYPE html><html><title>Sign in</title>" * 9, "web page"),
        (b"\x1f\x8b\x08\x00" * 99, "gzip"),
        (b"\x89HDF\r\n\x1a\n" * 99, "HDF5"),
        (b'{"error": "not found"}' * 9, "it is a text"),
        (b"\x00" * 257 + b"ustar\x0000" + b"\x00" * 300, "tar archive"),
        (b"\x08\x01\x12\x9c" * 99, "SavedModel of TensorFlow"),
        (b'model_checkpoint_path: "model.ckpt-1"\n' * 3, "lists checkpoints of TensorFlow"),
        (b"\x08\x08\x12\x07pytorch\x1a\x052.6.0" * 9, "ONNX model"),
        (b"GGUF\x03\x00\x00\x00" * 9, "GGUF file"),
    ],
)
def test_what_is_no_checkpoint_is_called_by_its_name(tmp_path: Path, content: bytes, sentence: str) -> None:
    (tmp_path / "net.pth").write_bytes(content)
    with pytest.raises(CheckpointDamaged, match=sentence):
        read_network(tmp_path / "net.pth")


@pytest.mark.parametrize(
    ("entries", "sentence"),
    [
        (
            ("best/model.pth", "best/notes.txt"),
            r"net\.pth is a zip archive of 2 files: unpack it, and name best/model\.pth",
        ),
        (("photos/1.jpg",), r"a zip archive of 1 file: unpack it, and name a checkpoint in it, if it holds one"),
        (("config.json", "model.weights.h5"), "a model of Keras"),
        (("arr_0.npy", "arr_1.npy"), "an archive of NumPy arrays"),
        (("net/constants.pkl", "net/data.pkl", "net/code/a.py"), "a TorchScript program"),
    ],
)
def test_an_archive_of_something_else_is_called_by_its_name(
    tmp_path: Path, entries: tuple[str, ...], sentence: str
) -> None:
    """Compressed or not: it is looked at no further."""
    with zipfile.ZipFile(tmp_path / "net.pth", "w", zipfile.ZIP_DEFLATED) as archive:
        for entry in entries:
            archive.writestr(entry, b"0" * 10_000)
    with pytest.raises(CheckpointDamaged, match=sentence):
        read_network(tmp_path / "net.pth")


@pytest.mark.parametrize("name", ["model.ckpt.data-00000-of-00001", "model.ckpt.index"])
def test_a_part_of_a_tensorflow_checkpoint_is_called_one(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(bytes(range(128, 256)) * 9)
    with pytest.raises(CheckpointDamaged, match="a part of one of TensorFlow"):
        read_network(tmp_path / name)
