"""`cifar-tui export … .onnx`: a file that takes images as they are and gives our logits, in another program."""

import importlib.util
from importlib.machinery import ModuleSpec
from pathlib import Path

import onnx
import onnxruntime
import orjson
import pytest
import torch
from torch import nn
from typer.testing import CliRunner, Result

from cifar_tui.cli import app
from cifar_tui.engine.checkpoints import onnx_file
from cifar_tui.engine.checkpoints.checkpoint import load_network
from cifar_tui.engine.checkpoints.onnx_file import check_onnx_packages, onnx_content
from cifar_tui.engine.formats.metadata import WeightsMetadata
from cifar_tui.engine.network.model import fresh_network
from cifar_tui.errors import BadInput, CifarTuiError
from cifar_tui.runs.folder import read_recipe
from tests.engine.formats.external_networks import KuangliuResNet, stirred
from tests.engine.trained import run
from tests.quick_torchvision import torchvision

pytestmark = pytest.mark.slow

FIXED = WeightsMetadata(mean=(0.5,) * 3, std=(0.25,) * 3)


def export(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["export", *map(str, arguments)])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "one"
    run(folder, epochs=1)
    return folder


@pytest.fixture(scope="module")
def exported(folder: Path) -> tuple[Path, Result]:
    """A checkpoint's file, and what exporting it printed."""
    return folder.parent / "one.onnx", export(folder / "net_001.pth", folder.parent / "one.onnx")


def test_what_is_printed_is_ours_alone(exported: tuple[Path, Result]) -> None:
    file, printed = exported
    assert printed.exit_code == 0
    assert printed.stdout.startswith(f"Wrote {file}: net_001.pth, ")
    assert printed.stdout.endswith(", compared in onnxruntime. Images of 0 to 1 go in: float32 [N, 3, 32, 32].\n")
    assert (printed.stdout.count("\n"), printed.stderr) == (1, "")


@pytest.mark.parametrize("count", [1, 2, 7])
def test_any_number_of_images_of_0_to_1_gives_our_logits(
    folder: Path, exported: tuple[Path, Result], count: int
) -> None:
    images = torch.rand(count, 3, 32, 32)
    session = onnxruntime.InferenceSession(exported[0], providers=["CPUExecutionProvider"])
    (found,) = session.run(["logits"], {"images": images.numpy()})
    recipe, network = read_recipe(folder), load_network(folder, "net_001.pth")[0].eval()
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (recipe.mean, recipe.std))
    with torch.inference_mode():
        expected = network((images - mean) / std)
    assert found.shape == (count, 10)
    assert torch.allclose(torch.from_numpy(found), expected, atol=1e-4, rtol=0)


def test_it_holds_the_classes_and_nothing_of_this_machine(exported: tuple[Path, Result]) -> None:
    metadata = onnxruntime.InferenceSession(exported[0], providers=["CPUExecutionProvider"]).get_modelmeta()
    held = metadata.custom_metadata_map
    assert orjson.loads(held["classes"]) == [f"class{label}" for label in range(10)]
    assert (held["run"], held["epoch"]) == ("one", "1")
    assert held["input"] == "float32 [N, 3, 32, 32], red, green, blue, 0 to 1"
    assert "mean" not in held, "it would be normalized twice"
    onnx.checker.check_model(onnx.load(exported[0]), full_check=True)
    content = exported[0].read_bytes()
    assert not [place for place in (b".py", str(Path.cwd()).encode(), b"stack_trace") if place in content]


def test_without_its_packages_there_is_one_sentence_and_no_file(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_of_onnx(name: str) -> ModuleSpec | None:
        return None if name.startswith("onnx") else importlib.util.find_spec(name)

    monkeypatch.setattr(onnx_file, "find_spec", none_of_onnx)
    with pytest.raises(BadInput, match=r"onnx and onnxscript must be installed: pip install onnx onnxscript$"):
        check_onnx_packages()
    refused = export(folder, tmp_path / "a.onnx")
    assert isinstance(refused.exception, BadInput)
    assert not list(tmp_path.iterdir())


def test_a_file_that_says_nothing_of_its_images_is_exported_once_a_person_does(tmp_path: Path) -> None:
    theirs = stirred(KuangliuResNet(8))
    torch.save(theirs.state_dict(), tmp_path / "theirs.pth")
    refused = export(tmp_path / "theirs.pth", tmp_path / "a.onnx")
    assert isinstance(refused.exception, BadInput)
    assert str(refused.exception) == (
        "theirs.pth does not say how its images are normalized, which is a part of an .onnx: --normalize tells it."
    )
    assert export(tmp_path / "theirs.pth", tmp_path / "a.onnx", "--normalize", "half").exit_code == 0
    session = onnxruntime.InferenceSession(tmp_path / "a.onnx", providers=["CPUExecutionProvider"])
    images = torch.rand(2, 3, 32, 32)
    (found,) = session.run(None, {"images": images.numpy()})
    with torch.inference_mode():
        expected = theirs.eval()((images - 0.5) / 0.5)
    assert torch.allclose(torch.from_numpy(found), expected, atol=1e-4, rtol=0)


def test_what_is_assumed_of_a_network_is_said_for_the_file_holds_it(tmp_path: Path) -> None:
    theirs = torchvision.models.resnet18(num_classes=10)
    theirs.conv1, theirs.maxpool = nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.Identity()
    torch.save(theirs.state_dict(), tmp_path / "theirs.pth")
    done = export(tmp_path / "theirs.pth", tmp_path / "a.onnx", "--normalize", "imagenet")
    assert done.stdout.endswith(
        "float32 [N, 3, 32, 32]. The file does not say whether a max-pool follows the first layer; none is assumed.\n"
    )


def test_a_network_that_cannot_be_exported_is_named_in_a_sentence() -> None:
    class Undecided(nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return images if images.sum() > 0 else -images

    with pytest.raises(
        CifarTuiError, match=r"^a\.onnx was not written: torch cannot export this network to ONNX \(.+\)\.$"
    ):
        onnx_content(Undecided(), FIXED, "a.onnx")


def test_logits_that_differ_are_no_export(exported: tuple[Path, Result], monkeypatch: pytest.MonkeyPatch) -> None:
    other = onnx_file.Normalized(fresh_network(8, 5).eval(), FIXED.mean, FIXED.std)
    with pytest.raises(CifarTuiError, match=r"^a\.onnx was not written: its logits in onnxruntime differ"):
        onnx_file._same_logits(exported[0].read_bytes(), other, "a.onnx")
