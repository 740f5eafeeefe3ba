"""A person's word on a file of weights that belongs to no run, where the file cannot tell."""

import math

from cifar_tui.data_sets import DATA_SETS
from cifar_tui.dataclass import dataclass
from cifar_tui.errors import BadInput
from cifar_tui.own_model import OwnModel
from cifar_tui.recipe import HALF
from cifar_tui.text import safe_text

Channels = tuple[float, float, float]
NORMALIZATIONS: dict[str, tuple[Channels, Channels]] = {
    **{one.name: (one.mean, one.std) for one in DATA_SETS.values()},
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "half": (HALF, HALF),
    "none": ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
}
"""Mean and deviation of each channel, by name."""
LEAST_DEVIATION = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A way to read an external file."""

    weights: str = ""
    """Name of one of several sets of weights; empty for the first that was trained."""
    normalization: tuple[Channels, Channels] | None = None
    """Mean and deviation that the images are normalized with; None for what the file or its project says."""
    side: int = 0
    """Side of the images before black framed them, in pixels, as the data set has it that names the normalization; 0
    where none does."""
    max_pool: bool = False
    """True where a max-pool follows the network's first layer."""
    models: tuple[OwnModel, ...] = ()
    """Functions, named on the command line, that make networks of people's own; a run's checkpoint has use for them."""
    command: str = ""
    """The command line that was typed, for the message where code has to be named in it; empty for a screen."""
    classes: int = 0
    """Number of classes of the images, where that is known."""


AS_FOUND = Reading()


def parse_normalization(typed: str) -> tuple[Channels, Channels]:
    """Return the mean and deviation of a name, or of `M,M,M:S,S,S`, each for images from 0 to 1. Raises BadInput."""
    if typed in NORMALIZATIONS:
        return NORMALIZATIONS[typed]
    try:
        mean, std = (tuple(map(float, part.split(","))) for part in typed.split(":"))
        (red, green, blue), (red_std, green_std, blue_std) = mean, std
    except ValueError:
        names = ", ".join(NORMALIZATIONS)
        raise BadInput(
            f"--normalize cannot be '{safe_text(typed, 60)}'. Choose one of: {names}, or type means and deviations as "
            "0.49,0.48,0.45:0.25,0.24,0.26."
        ) from None
    if not all(math.isfinite(one) for one in mean + std) or min(std) < LEAST_DEVIATION:
        raise BadInput(f"--normalize needs finite means, and deviations of at least {LEAST_DEVIATION:g}.")
    return (red, green, blue), (red_std, green_std, blue_std)
