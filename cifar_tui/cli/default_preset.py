"""The preset of a run whose person names none."""

from cifar_tui import text
from cifar_tui.presets import WITH_A_GPU, WITHOUT_A_GPU, preset
from cifar_tui.recipe import Recipe
from cifar_tui.report.preset_command import preset_command
from cifar_tui.system.hardware import has_gpu


def preset_for(device: object) -> str:
    """Return the preset of a new run whose person names none."""
    return WITH_A_GPU if device in ("cuda", "mps") or (device != "cpu" and has_gpu()) else WITHOUT_A_GPU


def preset_note(recipe: Recipe) -> str:
    """Return the sentence that comes first where the chosen preset is not the usual one; empty where it is."""
    if recipe.preset == WITH_A_GPU:
        return ""
    why = "On the CPU" if recipe.device == "cpu" else "No GPU here"
    return (
        f"{why}: training {recipe.preset}, {text.counted(recipe.epochs, 'epoch')}. --preset {WITH_A_GPU} trains "
        f"{preset(WITH_A_GPU).epochs}: {preset_command(recipe, WITH_A_GPU)}"
    )
