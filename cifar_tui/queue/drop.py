"""Ends the run of a job that was dropped while it was running."""

from cifar_tui.queue.changes import Entry
from cifar_tui.queue.store import QueueStore, runner_of


def stop_dropped(store: QueueStore, entry: Entry) -> str:
    """Have the run of a job that was dropped save and end, where it is running. Returns a sentence on it."""
    if entry.state != "started":
        return ""
    if entry.slurm:
        return f" SLURM still has it: scancel {entry.slurm}"
    if runner_of(store):
        return " Its run saves and ends."  # the runner sees to it, also where it has only just started
    # Loads what reading a run needs.
    from cifar_tui.control import requester_name
    from cifar_tui.queue.started import ask_to_stop
    from cifar_tui.runs.lock import is_being_trained

    folder = store.folder_of(entry.job.run)
    if not is_being_trained(folder):
        return ""
    return " Its run saves and ends." if ask_to_stop(folder, by=requester_name()) else " Its run could not be reached."
