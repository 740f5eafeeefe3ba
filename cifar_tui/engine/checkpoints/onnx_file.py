"""Writes a network as an ONNX file that takes images as they are: its normalization is a part of it."""

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator
from importlib.util import find_spec

import torch
from torch import nn

from cifar_tui.engine.formats.metadata import WeightsMetadata
from cifar_tui.errors import BadInput, CifarTuiError
from cifar_tui.recipe import SIDE
from cifar_tui.text import safe_text

NEEDED = ("onnx", "onnxscript")
"""Packages that torch's exporter stands on; the extra `onnx`."""
INPUT = f"float32 [N, 3, {SIDE}, {SIDE}], red, green, blue, 0 to 1"
"""The images that go in."""
TOLERANCE = 1e-4
"""The most that a logit may differ from ours: sums are made in another order."""


class Normalized(nn.Module):
    """A network behind the normalization of its images."""

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, network: nn.Module, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        """Put a network behind one; `mean` and `std` are of each channel."""
        super().__init__()
        self.network = network
        self.register_buffer("mean", torch.tensor(mean).view(1, -1, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(1, -1, 1, 1))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Images [N, 3, H, W] of 0 to 1 to logits [N, classes]."""
        logits: torch.Tensor = self.network((images - self.mean) / self.std)
        return logits


def check_onnx_packages() -> None:
    """Raise BadInput where a package is missing that writes ONNX."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise BadInput(f"To write .onnx, {' and '.join(missing)} must be installed: pip install {' '.join(NEEDED)}")


def onnx_content(network: nn.Module, origin: WeightsMetadata, name: str) -> tuple[bytes, bool]:
    """Return the bytes of a network's file, and True where onnxruntime is there and gave the same logits.

    The file's input is `images`, of any number, its output `logits`. Its metadata hold the classes, run and epoch.
    Raises CifarTuiError, naming the file, when a network cannot be exported or its logits differ.
    """
    import onnx

    model = Normalized(network, origin.mean, origin.std).eval()
    try:
        with _silence():
            program = torch.onnx.export(
                model,
                (torch.zeros(2, 3, SIDE, SIDE),),
                dynamo=True,
                external_data=False,
                verbose=False,
                input_names=["images"],
                output_names=["logits"],
                dynamic_shapes=({0: torch.export.Dim("N")},),
            )
    except torch.onnx.OnnxExporterError as error:
        reason = safe_text(str(error.__cause__ or error).strip().split("\n")[0], 200)
        raise CifarTuiError(f"{name} was not written: torch cannot export this network to ONNX ({reason}).") from error
    assert program is not None, "it is, with dynamo"
    proto = program.model_proto
    _forget_places(proto)
    entries = {key: value for key, value in origin.to_metadata().items() if key not in ("mean", "std")}
    onnx.helper.set_model_props(proto, {"input": INPUT, **entries})
    onnx.checker.check_model(proto)
    content: bytes = proto.SerializeToString()
    return content, _same_logits(content, model, name)


def _forget_places(proto: "onnx.ModelProto") -> None:  # type: ignore[name-defined] # noqa: F821
    """Remove what torch notes of each layer: the lines and folders of this machine's source."""
    for part in (*proto.graph.node, *proto.graph.value_info, *proto.graph.input, *proto.graph.output):
        del part.metadata_props[:]
    del proto.graph.metadata_props[:]


def _same_logits(content: bytes, model: Normalized, name: str) -> bool:
    """Compare the file's logits of some images with ours; return False without onnxruntime. Raises CifarTuiError."""
    if find_spec("onnxruntime") is None:
        return False
    import onnxruntime

    images = torch.rand(3, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors: its warnings of devices would reach the terminal
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"images": images.numpy()})
    with torch.inference_mode():
        expected = model(images)
    if not torch.allclose(torch.from_numpy(found), expected, rtol=TOLERANCE, atol=TOLERANCE):
        raise CifarTuiError(f"{name} was not written: its logits in onnxruntime differ from this program's.")
    return True


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Keep from the terminal what torch's exporter and its libraries print, warn of and log."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    nowhere = io.StringIO()
    try:
        with contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
