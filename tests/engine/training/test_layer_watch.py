"""A layer that explodes or dies is named, once an episode, and before the loss shows it."""

import math
from pathlib import Path

import pytest
import torch

from cifar_tui.engine.network.layer_norms import LayerNorms
from cifar_tui.engine.training.layer_watch import CALM, LayerWatch
from cifar_tui.events import LossNotFinite, Noted, StepDone, TrainingStarted
from cifar_tui.layer_events import EVERY, NormsMeasured, unpack
from tests.engine import trained


class Measurements:
    """A watch on two layers, `stem` and `head`, of which the second is always well."""

    def __init__(self) -> None:
        self.watch = LayerWatch(["stem", "head"])
        self.step = 0

    def __call__(self, *gradients: float) -> list[str]:
        said = []
        for gradient in gradients:
            self.step += EVERY
            said += self.watch.judge(self.step, [gradient, 1.0])
        return said


@pytest.fixture
def judge() -> Measurements:
    measurements = Measurements()
    assert measurements(*[0.5 + number % 3 / 10 for number in range(20)]) == []
    return measurements


def test_ten_times_the_median_twice_in_a_row_is_an_explosion(judge: Measurements) -> None:
    assert judge(7.0, 0.5, 7.0, 0.5) == []
    assert judge(7.0, 12.0) == ["Layer stem explodes at step 520: the gradient norm is 20 times its recent median."]


def test_a_hundred_times_is_one_at_once(judge: Measurements) -> None:
    assert judge(120.0) == ["Layer stem explodes at step 420: the gradient norm is 200 times its recent median."]


def test_a_thousandth_or_nothing_three_times_in_a_row_is_a_death(judge: Measurements) -> None:
    assert judge(0.0, 0.0) == []
    assert judge(0.0) == ["Layer stem dies at step 460: the gradient norm is zero."]
    assert judge(*[0.0] * 40) == [], "once an episode, also when nothing else is usual any more"


def test_an_episode_is_reported_once_until_it_has_ended(judge: Measurements) -> None:
    assert len(judge(1e-5, 1e-5, 1e-5)) == 1
    assert judge(0.5, 1e-5, 1e-5, 1e-5, 1e-5) == []
    assert judge(*[0.5] * CALM) == []
    assert len(judge(1e-5, 1e-5, 1e-5)) == 1


def test_a_new_level_becomes_usual(judge: Measurements) -> None:
    assert len(judge(*[8.0] * 40)) == 1
    assert len(judge(100.0, 100.0)) == 1


def test_a_slow_decline_is_none(judge: Measurements) -> None:
    assert judge(*[0.5 * 0.8**number for number in range(100)]) == []


def test_a_layer_that_never_had_a_gradient_is_named_once() -> None:
    judge = Measurements()
    assert judge(*[0.0] * 30) == ["Layer stem gets no gradient at step 60: the loss does not depend on it."]


def test_nan_is_the_losss_own_trouble_and_going_back_begins_anew(judge: Measurements) -> None:
    assert judge(math.nan, math.inf, math.nan) == []
    judge.step = 0
    assert judge(200.0, 200.0, 200.0) == []


def test_many_layers_make_one_sentence() -> None:
    watch = LayerWatch([f"layer{number}" for number in range(8)])
    for step in range(10):
        assert watch.judge(step + 1, [1.0] * 8) == []
    (said,) = watch.judge(11, [float(200 + number) for number in range(8)])
    assert said == (
        "8 layers explode at step 11 (layer7, layer6, layer5, …): "
        "gradient norms are up to 207 times their recent medians."
    )


@pytest.mark.slow
def test_a_run_measures_step_1_and_every_20th_and_names_its_layers(tmp_path: Path) -> None:
    person = trained.run(tmp_path, epochs=9)
    (started,) = person.heard(TrainingStarted)
    assert len(started.layers) == 21
    norms = person.heard(NormsMeasured)
    assert [one.step for one in norms] == [1, 20, 40]
    assert unpack([norms[0].gradients]).shape == (1, 21)
    for one in norms:
        before = person.said[person.said.index(one) - 1]
        assert isinstance(before, StepDone)
        assert before.step == one.step
    assert person.heard(Noted) == []


@pytest.mark.slow
@pytest.mark.parametrize(("factor", "verb"), [(0.0, "dies"), (1e3, "explodes")])
def test_a_run_names_the_layer_before_its_loss_is_no_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, factor: float, verb: str
) -> None:
    """A hook on one layer's gradient stands for what makes it explode or die."""
    calls = 0

    def hurt(gradient: torch.Tensor) -> torch.Tensor:
        nonlocal calls
        calls += 1
        return gradient * factor if calls > 3 * 159 else gradient

    original = LayerNorms.__init__

    def hooked(self: LayerNorms, network: torch.nn.Module) -> None:
        original(self, network)
        for name in ("0.weight", "1.weight", "1.bias"):
            network.get_parameter(f"layer3.1.left.{name}").register_hook(hurt)  # type: ignore[no-untyped-call]

    monkeypatch.setattr(LayerNorms, "__init__", hooked)
    person = trained.run(tmp_path, epochs=40)
    said = [note.text for note in person.heard(Noted)]
    assert person.heard(LossNotFinite) == []
    assert any(text.startswith(f"Layer layer3.1.left.0 {verb} at step ") for text in said), said
