"""The preset of a run whose person names none."""

from cifar_tui import text
from cifar_tui.presets import WITH_A_GPU, WITHOUT_A_GPU, preset
from cifar_tui.system.hardware import has_gpu
from cifar_tui.system.invocation import command_line


def preset_for(device: object) -> tuple[str, str]:
    """Return the preset of a new run whose person names none, and the sentence to say where it is not the usual one."""
    if device in ("cuda", "mps") or (device != "cpu" and has_gpu()):
        return WITH_A_GPU, ""
    short, full = preset(WITHOUT_A_GPU), preset(WITH_A_GPU)
    why = "On the CPU" if device == "cpu" else "No GPU here"
    return WITHOUT_A_GPU, (
        f"{why}: training the preset {short.preset} ({text.counted(short.epochs, 'epoch')}). "
        f"For {full.preset} ({text.counted(full.epochs, 'epoch')}): {command_line(f'train --preset {full.preset}')}"
    )
