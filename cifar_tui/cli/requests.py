"""`cifar-tui pause`, `resume`, `stop`, `save` and `note`: requests to a live run, for scripts."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import orjson
import typer

from cifar_tui.cli.completion import complete_run
from cifar_tui.cli.options import RUN_HELP, AsJson
from cifar_tui.control import MOST_NOTE, AddNote, Pause, Request, Resume, SaveNow, Stop, requester_name
from cifar_tui.errors import BadInput
from cifar_tui.events import NoteAdded

if TYPE_CHECKING:
    from cifar_tui.history.run_history import RunHistory

RunArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="RUN",
        help=RUN_HELP,
        autocompletion=complete_run,
    ),
]
WAIT_SECONDS = 120.0
"""A step, or a test, may have to end first; on a CPU that takes a while."""
WAIT_HELP = f"How long to wait for the answer. [dim]\\[default: {WAIT_SECONDS:g}][/dim]"
Wait = Annotated[float, typer.Option("--wait", metavar="SECONDS", help=WAIT_HELP, show_default=False)]


def pause(run: RunArgument = None, wait: Wait = WAIT_SECONDS, as_json: AsJson = False) -> None:
    """Pause a run before its next step."""
    _request(
        run,
        wait,
        as_json,
        Pause(requester_name()),
        lambda history: history.state == "paused",
        "{run} is paused at step {step:,}.",
        "{run} was paused already, at step {step:,}.",
    )


def resume(run: RunArgument = None, wait: Wait = WAIT_SECONDS, as_json: AsJson = False) -> None:
    """Resume a paused run. For a run that has ended, use train --resume."""
    _request(
        run,
        wait,
        as_json,
        Resume(),
        lambda history: history.state != "paused",
        "{run} resumed after step {step:,}.",
        "{run} was not paused; it is at step {step:,}.",
    )


def stop(run: RunArgument = None, wait: Wait = WAIT_SECONDS, as_json: AsJson = False) -> None:
    """Stop a run after the current step, with everything saved."""
    _request(run, wait, as_json, Stop(requester_name()), lambda history: not history.live, "{run}: {outcome}", "")


def save(run: RunArgument = None, wait: Wait = WAIT_SECONDS, as_json: AsJson = False) -> None:
    """Save a run's weights and training state now."""
    before: list[int] = []

    def saved(history: "RunHistory") -> bool:
        if not before:
            before.append(history.state_step)
        return history.state_step > before[0] or history.state_step == history.step > 0

    saved_text = "{run} is saved at step {state_step:,}."
    _request(run, wait, as_json, SaveNow(), saved, saved_text, "{run} was saved already, at step {state_step:,}.")


def note(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run's name or folder.", autocompletion=complete_run)],
    text: Annotated[str, typer.Argument(metavar="TEXT", help="The note.")],
    wait: Wait = WAIT_SECONDS,
    as_json: AsJson = False,
) -> None:
    """Write a note into the journal of a run that is training, at its current step."""
    if not 0 < len(text) <= MOST_NOTE:
        raise BadInput(f"A note has 1 to {MOST_NOTE:,} characters, not {len(text):,}.")
    request = AddNote(text, requester_name())

    def noted(history: "RunHistory") -> bool:
        return any(isinstance(one, NoteAdded) and (one.text, one.by) == (text, request.by) for one in history.notes)

    _request(run, wait, as_json, request, noted, "Noted in {run} at step {step:,}.", "{run} has that note already.")


def _request(
    run: str | None,
    wait: float,
    as_json: bool,
    request: Request,
    is_confirmed: "Callable[[RunHistory], bool]",
    confirmation: str,
    already: str,
) -> None:
    # Loads numpy, which completion in the shell does without.
    from cifar_tui.cli.request_answer import live_run, submit_and_wait

    answer = submit_and_wait(live_run(run), wait, request, is_confirmed)
    print(orjson.dumps(answer.record()).decode() if as_json else answer.text(confirmation, already))
