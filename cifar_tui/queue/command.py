"""The commands on a queue that the program names in a sentence."""

import shlex

from cifar_tui.queue.store import QueueStore
from cifar_tui.runs.find import RUNS_FOLDER
from cifar_tui.system.invocation import command_line, from_here


def queue_command(store: QueueStore, arguments: str) -> str:
    """Return a command on this queue that works in this shell: `cifar-tui queue run --in DIR`."""
    words = ["queue", arguments]
    if store.place != RUNS_FOLDER.absolute():
        words += ["--in", shlex.quote(from_here(store.place))]
    return command_line(" ".join(words))
