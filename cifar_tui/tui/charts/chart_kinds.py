"""What the charts show: their curves, their words, and what may set their scale."""

from collections.abc import Callable
from dataclasses import dataclass

from cifar_tui import text
from cifar_tui.history.curves import Curves
from cifar_tui.history.series import Series


@dataclass(frozen=True, slots=True)
class Curve:
    """One line of a chart."""

    label: str
    """Its word in the legend."""
    style: str
    """One of `CHART_STYLES`."""
    sign: str
    """What stands for it in the legend."""
    series: Callable[[Curves], Series]
    """Where its points are."""
    dots: str = ""
    """The character each point gets; empty for a line alone."""
    smoothed: bool = False
    """Whether it is the moving average of its series."""


@dataclass(frozen=True, slots=True)
class ChartKind:
    """What a chart shows."""

    title: str
    curves: tuple[Curve, ...]
    """Drawn in this order, later ones on top."""
    format_tick: Callable[[float], str]
    """A value in words, on the axis."""
    format_value: Callable[[float], str]
    """A value in words, in the legend."""
    floor: float | None = None
    """A value the axis never goes below."""
    ceiling: float | None = None
    """A value the axis never goes above."""
    spikes: bool = True
    """Whether single values may be wild, and then must not set the scale."""
    logarithmic: bool = True
    """Whether it can be looked at on a logarithmic scale."""


CURVE_LABELS = ("batch", "smooth", "test")
"""The curves that can be switched off, in the order of their keys."""

LOSS = ChartKind(
    "Loss",
    (
        Curve("batch", "raw", "·", lambda curves: curves.train_loss),
        Curve("smooth", "smooth", "━", lambda curves: curves.train_loss, smoothed=True),
        Curve("test", "test", "●", lambda curves: curves.test_loss, dots="●"),
    ),
    lambda value: f"{value:.4g}",
    lambda value: f"{value:.4g}",
    floor=0.0,
)
ACCURACY = ChartKind(
    "Accuracy",
    (
        Curve("batch", "raw", "·", lambda curves: curves.train_accuracy),
        Curve("smooth", "smooth", "━", lambda curves: curves.train_accuracy, smoothed=True),
        Curve("test", "test", "●", lambda curves: curves.test_accuracy, dots="●"),
    ),
    lambda share: f"{share * 100:.4g} %",
    lambda share: text.percent(share, 1),
    floor=0.0,
    ceiling=1.0,
    logarithmic=False,
)
LEARNING_RATE = ChartKind(
    "Learning rate",
    (Curve("rate", "rate", "━", lambda curves: curves.learning_rate),),
    lambda value: f"{value:.3g}",
    lambda value: f"{value:.3g}",
    floor=0.0,
    spikes=False,
)
