"""The test after an epoch: on the test images, and on those held out where there are some."""

from collections.abc import Callable

import torch
from torch import nn

from cifar_tui.dataclass import dataclass
from cifar_tui.engine.data.augment import DeviceDataset, Images
from cifar_tui.engine.evaluation.evaluate import evaluate
from cifar_tui.engine.evaluation.metrics import EvaluationResult
from cifar_tui.engine.evaluation.shared_test import shared_logits
from cifar_tui.engine.network.device import Device
from cifar_tui.engine.network.ranks import ALONE, Order, Ranks, Verb
from cifar_tui.events import Emit, Progressed
from cifar_tui.failpoints import hit


@dataclass(frozen=True, slots=True)
class EpochTestResult:
    """Results of the test after an epoch."""

    test: EvaluationResult
    """On the test images."""
    held_out: EvaluationResult | None
    """On the training images held out; None where there are none."""
    seconds: float
    """Duration in seconds, without pauses."""


class EpochTest:
    """Tests one network after every epoch."""

    def __init__(
        self,
        images: Images,
        device: Device,
        emit: Emit,
        now: Callable[[], float],
        hold: Callable[[], None],
        ranks: Ranks = ALONE,
    ) -> None:
        """Test with these images; `now` is the clock, in seconds; `hold` is called between batches and may pause.

        With several `ranks`, each computes a part.
        """
        self._ranks = ranks
        self._images = images
        self._device = device
        self._emit = emit
        self._now = now
        self._hold = hold
        self._started = 0.0

    def run(self, network: nn.Module, epoch: int) -> EpochTestResult:
        """Measure the network as it is now. A pause holds it; StopRequested ends it."""
        self._started = self._now()
        test = self._measure(network, self._images.test, f"Testing epoch {epoch}")
        held_out = self._images.held_out
        validation = self._measure(network, held_out, f"Validating epoch {epoch}") if held_out else None
        return EpochTestResult(test, validation, self._now() - self._started)

    def _measure(self, network: nn.Module, images: DeviceDataset, what: str) -> EvaluationResult:
        def show_progress(done: int) -> bool:
            self._emit(Progressed(what, done, images.count, "images", self._now() - self._started))
            before = self._now()
            self._hold()
            self._started += self._now() - before
            return True

        show_progress(0)
        hit("tested", what.split()[0])
        share = self._sharing(network, images) if self._ranks.several else None
        result = evaluate(network, images, self._device, show_progress, share=share)
        assert result is not None, "only show_progress ends a test early, and it never does"
        return result

    def _sharing(self, network: nn.Module, images: DeviceDataset) -> Callable[[int], torch.Tensor]:
        def share(start: int) -> torch.Tensor:
            self._ranks.order(Order(Verb.TEST, int(images is self._images.held_out), start))
            return shared_logits(network, images, self._device, self._ranks, start)

        return share
