"""The context that the parts of one training run share."""

from collections.abc import Callable

from cifar_tui.dataclass import dataclass
from cifar_tui.engine.data.dataset import DataFacts
from cifar_tui.engine.network.device import Device
from cifar_tui.engine.network.ranks import ALONE, Ranks
from cifar_tui.events import Emit
from cifar_tui.recipe import Recipe
from cifar_tui.runs.folder import RunFolder


@dataclass(frozen=True, slots=True)
class Intervals:
    """Seconds between things that are done again, and seconds to wait."""

    state_seconds: float = 30.0
    """Training that a crash may cost: how often the state is saved."""
    state_cost: float = 0.01
    """The share of the time that saving the state may take; a slow disk makes it rarer."""
    room_seconds: float = 600.0
    """A run that is trained to its end waits so long for room on a full disk."""
    room_poll_seconds: float = 1.0
    """Seconds between two looks for that room."""


DEFAULT_INTERVALS = Intervals()


@dataclass(frozen=True, slots=True)
class RunContext:
    """One training run: its choices, its folder, its images and its device."""

    recipe: Recipe
    """The choices that it starts with; `RunPlan` has them as changed under way."""
    folder: RunFolder
    """Holds everything that is saved; its lock is held."""
    facts: DataFacts
    """The data set."""
    device: Device
    """The device it trains on."""
    emit: Emit
    """Takes every event; any thread may call it."""
    flush_records: Callable[[], None]
    """Waits until every event so far is in the run's records."""
    intervals: Intervals = DEFAULT_INTERVALS
    """Seconds between things that are done again."""
    ranks: Ranks = ALONE
    """The processes that train it together; this one leads them."""
