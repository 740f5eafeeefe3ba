"""Other projects' checkpoints open, each under its own names; what does not fit is told what it is."""

from collections.abc import Callable
from pathlib import Path

import pytest
import safetensors.torch
import torch
import torchvision
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
from tests.engine.formats.external_networks import KuangliuResNet, stirred
from tests.engine.network.test_model import TutorialNetwork
from tests.engine.trained import easy_images, tiny_recipe

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
    assert read_network(tmp_path / "ckpt.pth").network.fc.in_features == 8 * width
    assert same_answers(tmp_path / "ckpt.pth", theirs)


@pytest.mark.parametrize("metadata", [None, {"format": "pt", "words": "\x1b[31m"}])
def test_safetensors_open(tmp_path: Path, theirs: nn.Module, metadata: dict[str, str] | None) -> None:
    safetensors.torch.save_file(state_of(theirs, "module."), tmp_path / "net.safetensors", metadata)
    assert read_network(tmp_path / "net.safetensors").layout is KUANGLIU
    assert same_answers(tmp_path / "net.safetensors", theirs)


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
    "classes": (lambda: {"net": KuangliuResNet(2, classes=100).state_dict()}, "it has 100 classes"),
    "another kind": (lambda: vision("vgg11"), "its first layer is called features.0.weight"),
    "missing": (lambda: dict(list(KuangliuResNet(2).state_dict().items())[:-1]), "its layers have other names"),
    "more": (lambda: {**KuangliuResNet(2).state_dict(), "extra.weight": torch.zeros(1)}, "other names"),
    "too deep": (lambda: {"net": {"net": {"net": {"net": {"net": {}}}}}}, "is not a checkpoint"),
}


@pytest.mark.parametrize("what", MISFITS)
def test_what_does_not_fit_is_told_what_it_is(tmp_path: Path, what: str) -> None:
    content, sentence = MISFITS[what]
    torch.save(content(), tmp_path / "net.pth")
    with pytest.raises(CheckpointDamaged, match=sentence):
        read_network(tmp_path / "net.pth")


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
