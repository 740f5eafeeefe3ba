"""`cifar-tui queue`: its commands by name, listed without their modules."""

import typer

from cifar_tui.cli.commands import LazyGroup, add_commands
from cifar_tui.cli.help_page import HELP_NAMES

QUEUE_COMMANDS = {
    "add": ("queue.add", "Add a run to the queue, or a sweep: with --lr 0.1,0.2 --seed 0..4, one of each combination."),
    "list": ("queue.table:list_jobs", "List the jobs in their order, with the state of each."),
    "run": ("queue.run", "Train what waits: one run on each GPU, or one at a time. The runs outlive this process."),
    "move": ("queue.edit", "Move a waiting job to another place."),
    "drop": ("queue.edit", "Take jobs out of the queue; one that is running saves and ends. Runs are not deleted."),
    "retry": ("queue.edit", "Have jobs that have failed or were stopped wait again; a run resumes where it was."),
    "pause": ("queue.edit", "Start nothing more until queue resume; what is running trains on."),
    "resume": ("queue.edit", "Start waiting jobs again after queue pause."),
}
"""Each command's module, with the function where its name is another, and the first line of its help."""

HELP = """Line up runs, which are trained one after the other, or one on each GPU.

    cifar-tui queue add --preset short --lr 0.05,0.1,0.2 --seed 0..4     15 runs, shown before they are added

    cifar-tui queue run --detach     trains them in the background

    cifar-tui queue list     shows how far they are
"""


class QueueGroup(LazyGroup):
    """The commands of the queue."""

    table = QUEUE_COMMANDS


queue = typer.Typer(
    name="queue",
    cls=QueueGroup,
    help=HELP,
    context_settings=HELP_NAMES,
    rich_markup_mode="rich",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@queue.callback()
def _queue() -> None:
    """Stand for the group."""


add_commands(queue, QUEUE_COMMANDS)
