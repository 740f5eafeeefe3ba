"""A trainer as far as its run's lock and its socket: takes them when it is told to, and says what became of it.

Told `race AT` it waits for that moment of the monotonic clock, and answers `won` or the sentence that refused it.
"""

import sys
import time
from pathlib import Path

from cifar_tui.errors import FolderInUse
from cifar_tui.runs.folder import RunFolder
from cifar_tui.runs.remote.server import ControlServer


def main(run: Path, stay: list[object]) -> None:
    """Race whenever it is asked for, and hold what was won until the end."""
    print("ready", flush=True)
    for line in sys.stdin:
        at = float(line.split()[1])
        while time.monotonic() < at:
            pass
        try:
            stay += [RunFolder.reopen(run), ControlServer(run, lambda _request: None)]
            print("won", flush=True)
        except FolderInUse as error:
            print(error, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), [])
