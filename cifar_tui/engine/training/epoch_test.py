"""The test after an epoch: on the test images, and on those held out where there are some."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from cifar_tui.engine.data.augment import DeviceDataset
from cifar_tui.engine.evaluation.evaluate import evaluate
from cifar_tui.engine.evaluation.metrics import EvaluationResult
from cifar_tui.engine.network.device import Device
from cifar_tui.engine.training.request_handler import RequestHandler
from cifar_tui.events import Event, Progressed
from cifar_tui.failpoints import hit


@dataclass(frozen=True, slots=True)
class EpochTestResult:
    """How a network did."""

    test: EvaluationResult
    """On the test images."""
    held_out: EvaluationResult | None
    """On the training images held out; None where there are none."""
    seconds: float
    """How long it took, without pauses."""


class EpochTest:
    """Tests one network after every epoch."""

    def __init__(
        self,
        test: DeviceDataset,
        held_out: DeviceDataset | None,
        device: Device,
        attendant: RequestHandler,
        emit: Callable[[Event], None],
        now: Callable[[], float],
    ) -> None:
        """Test with these images; `now` is the clock, in seconds."""
        self._test = test
        self._held_out = held_out
        self._device = device
        self._request_handler = attendant
        self._emit = emit
        self._now = now

    def run(self, network: nn.Module, epoch: int) -> EpochTestResult:
        """Measure the network as it is now. A pause holds it; a stop breaks it off with StopRequested."""
        started, away_before = self._now(), self._request_handler.seconds_away

        def seconds() -> float:
            return self._now() - started - (self._request_handler.seconds_away - away_before)

        def measured(images: DeviceDataset, what: str) -> EvaluationResult:
            def go_on(done: int) -> bool:
                self._emit(Progressed(f"{what} epoch {epoch}", done, images.count, "images", seconds()))
                self._request_handler.handle_requests()
                return True

            go_on(0)
            hit("tested", what)
            verdict = evaluate(network, images, self._device, go_on)
            assert verdict is not None, "only go_on ends a test early, and it never does"
            return verdict

        test = measured(self._test, "Testing")
        held_out = measured(self._held_out, "Validating") if self._held_out else None
        return EpochTestResult(test, held_out, seconds())
