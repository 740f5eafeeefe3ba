"""The files of themes, found without loading textual."""

from pathlib import Path

import cifar_tui
from cifar_tui.system.personal_folders import config_folder


def theme_folders() -> list[Path]:
    """Folders of themes: shipped in the package, or beside it in a checkout; then a person's own."""
    package = Path(cifar_tui.__file__).parent
    shipped = package / "themes"
    own = config_folder() / "themes"
    return [shipped if shipped.is_dir() else package.parent / "themes", own]


def theme_names() -> list[str]:
    """Names of all themes, usable or not."""
    return sorted({path.stem for folder in theme_folders() for path in folder.glob("*.toml")})
