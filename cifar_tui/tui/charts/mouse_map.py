"""The steps under the mouse on a chart, and the views that it asks for."""

from cifar_tui.dataclass import dataclass
from cifar_tui.tui.charts.axes import XAxis
from cifar_tui.tui.charts.chart_view import ChartView


@dataclass(frozen=True, slots=True)
class MouseMap:
    """Places of steps on a chart, as it was last drawn."""

    x: XAxis
    """Its horizontal axis."""
    gutter: int
    """Cells left of the axis."""
    full: tuple[float, float]
    """The first and the last step of the full run."""
    last_step: int
    """The newest step."""

    def zoomed(self, view: ChartView, factor: float, column: int, width: int) -> ChartView:
        """Return a view `factor` times as long around the step in a column of a chart so wide."""
        limits = self.full if view.window else self.x.steps
        return view.zoomed(factor, self._step_in(column, width), limits)

    def panned(self, view: ChartView, share: float) -> ChartView:
        """Return the view moved by a share of its length."""
        return view.panned(share, self.full)

    def pointed(self, view: ChartView, column: int, width: int) -> ChartView:
        """Return the view with the cursor on the step in a column of a chart so wide."""
        return view.pointed(self._step_in(column, width), self.last_step)

    def _step_in(self, column: int, width: int) -> float:
        return self.x.step_at((column - self.gutter + 0.5) / max(width - self.gutter, 1))
