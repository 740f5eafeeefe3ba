"""Stand-ins for a GPU: tensors that have a device and no numbers, and CUDA graphs, streams and events that take notes.

They show what can be known without a card. A run on one is benchmarks/on_gpu.py.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

from cifar_tui.engine.network.device import Device
from cifar_tui.engine.network.optimizer import LightAdamW, LightSGD
from cifar_tui.engine.network.stepper import Stepper, StepResult

CUDA = torch.device("cuda", 0)
PRETEND = Device(CUDA, "a pretended GPU", "", "fp32", channels_last=True)


@contextmanager
def pretended_tensors(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Tensors on `cuda` without a card: mixing devices raises, and so does reading a number on the host.

    The backward pass and the fused update have no pretended form: gradients are zeros, and the update does nothing.
    """
    networks: list[nn.Module] = []
    to = nn.Module.to

    def move(module: nn.Module, device: torch.device, memory_format: Any) -> nn.Module:
        networks.append(module)
        for part in module.modules():
            for name, weight in part._parameters.items():
                if weight is not None:
                    layout = memory_format if weight.dim() == 4 else torch.preserve_format
                    part._parameters[name] = nn.Parameter(weight.detach().to(device, memory_format=layout))
            for name, buffer in part._buffers.items():
                part._buffers[name] = buffer.to(device) if buffer is not None else None
        return module

    def made_by(make: Callable[..., None]) -> Callable[..., None]:
        def optimizer(self: torch.optim.Optimizer, weights: Any, lr: torch.Tensor, **options: Any) -> None:
            make(self, weights, lr=0.0, **options)  # it looks at the rate, which a pretended one does not have
            for group in self.param_groups:
                group["lr"] = lr

        return optimizer

    def backward(_loss: torch.Tensor) -> None:
        for weight in networks[0].parameters():
            weight.grad = torch.zeros_like(weight)

    monkeypatch.setattr(nn.Module, "to", move)
    for kind in (LightSGD, LightAdamW):
        monkeypatch.setattr(kind, "__init__", made_by(kind.__init__))
        monkeypatch.setattr(kind, "step", lambda _self: None)
    monkeypatch.setattr(torch.Tensor, "backward", backward)
    with FakeTensorMode(allow_non_fake_inputs=True):
        yield
    monkeypatch.setattr(nn.Module, "to", to)


class PretendedGraphs:
    """CUDA's streams, events and graphs on the CPU; `calls` has what was asked of them, in order.

    While a graph is recorded nothing is computed, as on a card: what the step did is undone. A replay makes the step
    from the tensors it was recorded with, and writes its result and its gradients where the recorded ones were.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, stepper: Stepper) -> None:
        self.calls: list[str] = []
        self.refuse = ""
        """Words of the error that recording raises; empty for none."""
        self._stepper, self._run = stepper, stepper.run
        self._here = self._stream("main")
        self._recorded: tuple[torch.Tensor, torch.Tensor, StepResult] | None = None
        self._gradients: list[torch.Tensor | None] = []
        self._recording = False
        monkeypatch.setattr(stepper, "run", self._noted_run)
        for name, stand_in in {
            "CUDAGraph": lambda: SimpleNamespace(replay=self._replay),
            "graph": self._graph,
            "Stream": lambda: self._stream("side"),
            "stream": self._in_stream,
            "current_stream": lambda: self._here,
            "synchronize": lambda: self.calls.append("synchronize"),
        }.items():
            monkeypatch.setattr(torch.cuda, name, stand_in)

    def _stream(self, name: str) -> SimpleNamespace:
        return SimpleNamespace(name=name, wait_stream=lambda other: self.calls.append(f"{name} waits for {other.name}"))

    @contextmanager
    def _in_stream(self, stream: SimpleNamespace) -> Iterator[None]:
        before, self._here = self._here, stream
        yield
        self._here = before

    @contextmanager
    def _graph(self, _graph: object, capture_error_mode: str) -> Iterator[None]:
        self.calls.append(f"record, errors of this thread only: {capture_error_mode == 'thread_local'}")
        if self.refuse:
            raise RuntimeError(self.refuse)
        state = self._stepper.export(0)
        self._recording = True
        yield
        self._recording = False
        self._stepper.restore(state)

    def _noted_run(self, images: torch.Tensor, labels: torch.Tensor) -> StepResult:
        self.calls.append("recorded" if self._recording else f"step on {self._here.name}")
        result = self._run(images, labels)
        if self._recording:
            self._recorded = images, labels, result
            self._gradients = self._stepper.norms.gradients()
        return result

    def _replay(self) -> None:
        assert self._recorded is not None
        self.calls.append("replay")
        images, labels, result = self._recorded
        new = [*self._run(images, labels), *self._stepper.norms.gradients()]
        for old, one in zip([*result, *self._gradients], new, strict=True):
            assert old is not None
            assert one is not None
            old.copy_(one)
