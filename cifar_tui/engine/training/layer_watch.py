"""Finds layers that explode or die, by the norms of their gradients, before the loss shows it."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isfinite
from statistics import median
from typing import Literal

from cifar_tui import text
from cifar_tui.history.layers import DIES, EXPLODES, LEAST, REMEMBERED

EXPLODES_AT_ONCE = 100.0
"""Times the usual gradient that are an explosion at once; `EXPLODES` times have to be twice in a row."""
IN_A_ROW = {"explodes": 2, "dies": 3, "gets no gradient": 3}
"""Measurements in a row that make an episode."""
CALM = 5
"""Measurements in a row that end an episode."""
NAMED = 3
"""Layers that a sentence names; the others are counted."""

Trouble = Literal["explodes", "dies", "gets no gradient"]


@dataclass(slots=True)
class _Layer:
    """The past of one layer."""

    usual: deque[float] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    """Its latest gradients, without those that are being judged."""
    suspected: Trouble | None = None
    times: int = 0
    """Measurements in a row that look so."""
    calm: int = 0
    """Measurements in a row that look usual."""
    reported: Trouble | None = None
    """The trouble of the episode under way: it is reported once."""


class LayerWatch:
    """Judges the gradient of every layer by what it was just before.

    It explodes when it is `EXPLODES` times its median twice in a row, or `EXPLODES_AT_ONCE` times; it dies when it is
    `DIES` of that or zero three times in a row; it gets no gradient when it never had one. An episode ends after `CALM`
    measurements that are neither, and while it lasts the median follows, so that a new level is usual in the end.
    """

    def __init__(self, names: Sequence[str]) -> None:
        """Know no measurement yet."""
        self._names = [text.safe_text(name, 60) for name in names]
        self._layers = [_Layer() for _ in names]
        self._last_step = 0

    def judge(self, step: int, gradients: Sequence[float]) -> list[str]:
        """Return a sentence for each trouble that begins with this step; NaN and infinity are the loss's, not ours."""
        if step <= self._last_step:  # the run has gone back
            self._layers = [_Layer() for _ in self._names]
        self._last_step = step
        found: dict[Trouble, list[tuple[float, str]]] = {}
        for name, layer, gradient in zip(self._names, self._layers, gradients, strict=True):
            if not isfinite(gradient):
                continue
            usual = median(layer.usual) if layer.usual else 0.0
            trouble = _judge(layer, gradient, usual)
            if trouble is not None:
                found.setdefault(trouble, []).append((gradient / usual if usual else 0.0, name))
            if layer.suspected in (None, layer.reported):
                layer.usual.append(gradient)
        return [_sentence(trouble, step, layers) for trouble, layers in found.items()]


def _judge(layer: _Layer, gradient: float, usual: float) -> Trouble | None:
    """Return the trouble that this gradient makes an episode of; `usual` is the median of those before, or 0."""
    suspected = _suspected(layer, gradient, usual)
    layer.times = layer.times + 1 if suspected == layer.suspected else 1
    layer.suspected = suspected
    if suspected is None:
        layer.calm += 1
        layer.reported = layer.reported if layer.calm < CALM else None
        return None
    layer.calm = 0
    at_once = suspected == "explodes" and gradient >= EXPLODES_AT_ONCE * usual
    if suspected == layer.reported or not (at_once or layer.times >= IN_A_ROW[suspected]):
        return None
    layer.reported = suspected
    return suspected


def _suspected(layer: _Layer, gradient: float, usual: float) -> Trouble | None:
    if usual == 0.0:
        dead: Trouble = "dies" if layer.reported == "dies" else "gets no gradient"
        return dead if gradient == 0.0 else None
    if len(layer.usual) < LEAST:
        return None
    if gradient >= EXPLODES * usual:
        return "explodes"
    return "dies" if gradient <= DIES * usual else None


def _sentence(trouble: Trouble, step: int, layers: list[tuple[float, str]]) -> str:
    """Return the trouble of some layers, each with its factor on the usual gradient; the worst ones are named."""
    layers = sorted(layers, reverse=trouble == "explodes")
    factor, name = layers[0]
    if len(layers) == 1:
        because = {
            "explodes": f"the gradient norm is {factor:,.0f} times its recent median",
            "dies": f"the gradient norm is {'below a thousandth of its recent median' if factor else 'zero'}",
            "gets no gradient": "the loss does not depend on it",
        }
        return f"Layer {name} {trouble} at step {step:,}: {because[trouble]}."
    names = ", ".join(name for _, name in layers[:NAMED]) + (", …" if len(layers) > NAMED else "")
    verb, because_of_all = {
        "explodes": ("explode", f"gradient norms are up to {factor:,.0f} times their recent medians"),
        "dies": ("die", "gradient norms are below a thousandth of their recent medians, or zero"),
        "gets no gradient": ("get no gradient", "the loss does not depend on them"),
    }[trouble]
    return f"{len(layers)} layers {verb} at step {step:,} ({names}): {because_of_all}."
