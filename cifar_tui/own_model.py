"""A network of one's own, as a recipe names it: a Python file by its digest, and a function in it."""

import re

from cifar_tui.dataclass import dataclass
from cifar_tui.errors import BadInput
from cifar_tui.text import safe_text

DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnModel:
    """The function that makes a run's network. That a recipe names it never makes it run: see runs/own_code.py."""

    file: str
    """Name of its file when the run began, for people; the run has a copy of the file."""
    function: str
    """Name of the function, `make(classes: int) -> torch.nn.Module` over float32 [N, 3, 32, 32]."""
    sha256: str
    """Hexadecimal digest of the file."""

    def check(self) -> None:
        """Raise BadInput for what cannot be a function of a file."""
        if not self.function.isidentifier() or not DIGEST.fullmatch(self.sha256):
            raise BadInput(f"A recipe's model cannot be {safe_text(self.function, 40)} in {safe_text(self.file, 40)}.")

    @property
    def key(self) -> str:
        """Digest and function: what a process is allowed to run."""
        return f"{self.sha256}:{self.function}"

    @property
    def name(self) -> str:
        """Its name for people: `nets.py:make`."""
        return f"{safe_text(self.file, 60)}:{safe_text(self.function, 60)}"
