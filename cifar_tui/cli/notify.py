"""`cifar-tui notify`."""

import sys

import typer

from cifar_tui.cli.told import telling
from cifar_tui.errors import BadInput
from cifar_tui.notify.messenger import notification, targets_of
from cifar_tui.notify.settings import read_settings
from cifar_tui.notify.wanted import NOTIFY, configuration_file
from cifar_tui.text import safe_text

SENTENCE = "This is a test: notifications of runs arrive here."


@telling
def notify() -> None:
    """Send a test notification to whoever a run here would notify, and say whether it arrived."""
    settings = read_settings()
    if settings.trouble:
        print(settings.trouble, file=sys.stderr)
    if not settings.targets:
        raise BadInput(
            f"Nobody is named: add --notify URL or --on-event COMMAND, or set {NOTIFY}, or write "
            f"{safe_text(str(configuration_file()), 200)}."
        )
    failed = False
    for target in targets_of(settings):
        facts = {"run": "", "folder": "", "step": 0, "epoch": 0, "accuracy": None, "sentence": SENTENCE, "times": 1}
        failure = target.deliver(notification("test", facts))
        if failure is None:
            print(f"Sent to {target.name}.")
        else:
            failed = True
            print(f"Not sent to {target.name}: {failure.reason}.", file=sys.stderr)
    raise typer.Exit(int(failed))
