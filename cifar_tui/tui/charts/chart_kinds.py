"""The kinds of charts: their curves, the text of their values, and what may set their scale."""

from collections.abc import Callable

from cifar_tui import text
from cifar_tui.dataclass import dataclass
from cifar_tui.history.curves import Curves
from cifar_tui.history.series import Series


@dataclass(frozen=True, slots=True)
class Curve:
    """One line of a chart."""

    label: str
    """Its name in the preferences."""
    style: str
    """One of `CHART_STYLES`."""
    sign: str
    """Its character in the legend."""
    series: Callable[[Curves], Series]
    """Picks its points."""
    tests: bool = False
    """True where each point is a test: there are few, and the best and the last get a dot."""
    falling: bool = False
    """True where the best test is the lowest."""
    smoothed: bool = False
    """True for the average of its series."""

    @property
    def name(self) -> str:
        """Its name in the legend."""
        return "smoothed" if self.smoothed else self.label


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


def _train_and_test(
    train: Callable[[Curves], Series], test: Callable[[Curves], Series], *, falling: bool
) -> tuple[Curve, ...]:
    return (
        Curve("batch", "raw", "░", train),
        Curve("smooth", "smooth", "━", train, smoothed=True),
        Curve("test", "test", "●", test, tests=True, falling=falling),
    )


LOSS = ChartKind(
    "Loss",
    _train_and_test(lambda curves: curves.train_loss, lambda curves: curves.test_loss, falling=True),
    lambda value: f"{value:.4g}",
    lambda value: f"{value:.4g}",
    floor=0.0,
)
ACCURACY = ChartKind(
    "Accuracy",
    _train_and_test(lambda curves: curves.train_accuracy, lambda curves: curves.test_accuracy, falling=False),
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
