"""The kinds of charts: their curves, the text of their values, and what may set their scale."""

from collections.abc import Callable
from dataclasses import dataclass

from cifar_tui import text
from cifar_tui.history.curves import Curves
from cifar_tui.history.series import Series


@dataclass(frozen=True, slots=True)
class Curve:
    """One line of a chart."""

    label: str
    """Its name in the legend."""
    style: str
    """One of `CHART_STYLES`."""
    sign: str
    """Its character in the legend."""
    series: Callable[[Curves], Series]
    """Picks its points."""
    dots: str = ""
    """The character each point gets; empty for a line alone."""
    smoothed: bool = False
    """True for the moving average of its series."""


@dataclass(frozen=True, slots=True)
class ChartKind:
    """Contents of a chart."""

    title: str
    curves: tuple[Curve, ...]
    """Drawn in this order, later ones on top."""
    format_tick: Callable[[float], str]
    """Formats a value on the axis."""
    format_value: Callable[[float], str]
    """Formats a value in the legend."""
    floor: float | None = None
    """Lowest value of the axis."""
    ceiling: float | None = None
    """Highest value of the axis."""
    spikes: bool = True
    """True where single values may be outliers, which must not set the scale."""
    logarithmic: bool = True
    """True where a logarithmic scale makes sense."""


CURVE_LABELS = ("batch", "smooth", "test")
"""The curves that can be switched off, in the order of their keys."""


def _train_and_test(train: Callable[[Curves], Series], test: Callable[[Curves], Series]) -> tuple[Curve, ...]:
    return (
        Curve("batch", "raw", "·", train),
        Curve("smooth", "smooth", "━", train, smoothed=True),
        Curve("test", "test", "●", test, dots="●"),
    )


LOSS = ChartKind(
    "Loss",
    _train_and_test(lambda curves: curves.train_loss, lambda curves: curves.test_loss),
    lambda value: f"{value:.4g}",
    lambda value: f"{value:.4g}",
    floor=0.0,
)
ACCURACY = ChartKind(
    "Accuracy",
    _train_and_test(lambda curves: curves.train_accuracy, lambda curves: curves.test_accuracy),
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
    text.rate,
    floor=0.0,
    spikes=False,
)
