"""Named recipes."""

import dataclasses

from cifar_tui.dataclass import dataclass
from cifar_tui.errors import BadInput
from cifar_tui.recipe import HALF, Recipe


@dataclass(frozen=True, slots=True)
class Preset:
    """A named recipe, and the accuracy that may be expected of it."""

    recipe: Recipe
    """The choices."""
    summary: str
    """Purpose, in a few words."""
    expectation: str
    """Test accuracy on CIFAR-10, the only data it was measured on, without test-time augmentation."""


_TRIANGLE = Recipe(
    preset="default",
    epochs=80,
    batch_size=500,
    learning_rate=0.2,
    schedule="triangle",
    nesterov=True,
    crop_padding=4,
    flip="alternating",
    cutout=12,
)

_SHORT = dataclasses.replace(
    _TRIANGLE,
    preset="short",
    epochs=20,
    batch_size=125,
    learning_rate=0.1,
    weight_decay=1e-3,
    label_smoothing=0.1,
    crop_padding=2,
    cutout=0,
    sizes="growing-late",
)


PRESETS: dict[str, Preset] = {
    "tutorial": Preset(
        Recipe(
            preset="tutorial",
            epochs=135,
            batch_size=128,
            learning_rate=0.1,
            schedule="constant",
            nesterov=False,
            crop_padding=0,
            flip="none",
            cutout=0,
            mean=HALF,
            std=HALF,
            precision="fp32",
        ),
        "the tutorial's script",
        "85-89 % (claims 95.17 %)",
    ),
    "quick": Preset(dataclasses.replace(_TRIANGLE, preset="quick", epochs=26), "a good network soon", "about 93.4 %"),
    "minutes": Preset(
        dataclasses.replace(_SHORT, preset="minutes", epochs=5), "ten minutes on a CPU", "about 83.1 % (JPEG copies)"
    ),
    "short": Preset(_SHORT, "an evening on a CPU", "about 89.6 % (JPEG copies)"),
    "default": Preset(_TRIANGLE, "the tutorial's claim", "about 95.5 %"),
    "max": Preset(
        Recipe(
            preset="max",
            epochs=200,
            batch_size=128,
            learning_rate=0.1,
            schedule="drops",
            nesterov=True,
            crop_padding=4,
            padding="zero",
            flip="random",
            cutout=16,
        ),
        "half a point more",
        "about 96.0 %",
    ),
    "smoke": Preset(
        dataclasses.replace(
            _TRIANGLE,
            preset="smoke",
            epochs=2,
            batch_size=100,
            learning_rate=0.05,
            train_images=2_000,
            test_images=1_000,
        ),
        "a test of the set-up",
        "none",
    ),
}
"""The named recipes, in the order they are listed."""


KEPT = (
    *("data", "data_dir", "classes", "train_images", "test_images", "test_share", "validation_images"),
    *("skip_unreadable", "seed", "precision", "width", "device", "acceleration", "model", "parent", "keep"),
    "tensorboard",
)
"""Fields that stay as they are when a run changes its preset."""
WITH_A_GPU, WITHOUT_A_GPU = "default", "short"
"""The presets of a run whose person names none."""


def preset(name: str) -> Recipe:
    """Return the recipe of a preset. Raises BadInput, with the names there are, for any other name."""
    if name not in PRESETS:
        raise BadInput(f"There is no preset '{name}'. Choose one of: {', '.join(PRESETS)}.")
    return PRESETS[name].recipe


def with_preset(recipe: Recipe, name: str) -> Recipe:
    """Return a preset's recipe with what belongs to a run rather than to its preset: its data, machine and seed."""
    # A network of one's own need not take smaller images.
    kept = {field: getattr(recipe, field) for field in (*KEPT, *(["sizes"] if recipe.model is not None else []))}
    # The names are fields of the recipe; the checker cannot follow them.
    return dataclasses.replace(preset(name).with_data(recipe.data), **kept)
