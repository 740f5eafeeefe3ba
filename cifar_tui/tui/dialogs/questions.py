"""Questions and help in front of a screen."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Input, Static
from textual.widgets.button import ButtonVariant

from cifar_tui.data_sets import DATA_SETS, held_by
from cifar_tui.dataclass import dataclass
from cifar_tui.report.run_time import ShorterPreset, times_text
from cifar_tui.system.invocation import command_line
from cifar_tui.text import loss as loss_text
from cifar_tui.text import safe_text
from cifar_tui.text import size as size_in_words
from cifar_tui.tui.dialogs.modal import Modal
from cifar_tui.tui.terminal.textual_internals import bind_key

FOCUS_SIGN = "›"
MOST_NAMED = 3
"""Runs that a question names; the others are counted."""
CANCEL = "n"
"""The key of the choice that changes nothing; escape takes it, too."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer to a question."""

    key: str
    """Its key."""
    label: str
    """Text of the button."""
    variant: ButtonVariant = "default"
    """Style of the button."""


class AnswerButton(Button):
    """A button that tells by a sign, too, that it has the focus."""

    def __init__(self, choice: Choice) -> None:
        """Offer a choice."""
        self._text = f"{choice.label} ({'esc' if choice.key == CANCEL else choice.key})"
        super().__init__(f"  {self._text}", id=f"answer-{choice.key}", variant=choice.variant, compact=True)

    def on_focus(self) -> None:
        """Show that enter presses it."""
        self.label = f"{FOCUS_SIGN} {self._text}"

    def on_blur(self) -> None:
        """Show that it does not."""
        self.label = f"  {self._text}"


class Question(Modal[str | None]):
    """Asks a question; answers with the key of the choice, or None when it is dismissed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,up", "app.focus_previous", "Previous", show=False),
        Binding("right,down", "app.focus_next", "Next", show=False),
    ]

    needs_an_answer_of_its_own = True
    """No key of a paste that opens it answers it."""

    def __init__(self, title: str, detail: str, choices: list[Choice]) -> None:
        """Ask `title`, explained by `detail`; the first choice has the focus."""
        super().__init__()
        self._title = title
        self._detail = detail
        self._choices = choices
        for choice in choices:
            bind_key(self, choice.key, f"answer('{choice.key}')", choice.label)

    def compose(self) -> ComposeResult:
        """Lay out the question."""
        with Vertical(classes="dialog"):
            yield Static(safe_text(self._title, 200), classes="dialog-title", markup=False)
            yield Static(safe_text(self._detail, 1_000), classes="dialog-detail", markup=False)
            yield from self.compose_details()
            with Horizontal(classes="dialog-buttons"):
                for choice in self._choices:
                    yield AnswerButton(choice)

    def compose_details(self) -> ComposeResult:
        """Lay out what is between the text and the buttons."""
        yield from ()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Answer with the button's choice."""
        self.dismiss((event.button.id or "").removeprefix("answer-"))

    def action_answer(self, key: str) -> None:
        """Answer with a key."""
        self.dismiss(key)


def stop_question() -> Question:
    """Return the question before a run is stopped."""
    return Question(
        "Stop this run?",
        "It finishes the step under way, saves the weights and ends. You can resume it later.",
        [Choice("y", "Stop and save", "error"), Choice(CANCEL, "Cancel", "primary")],
    )


def delete_question(checkpoint: str, size: int) -> Question:
    """Return the question before a checkpoint is deleted."""
    return Question(
        f"Delete {checkpoint}?",
        f"Frees {size_in_words(size)}. Weights and evaluation are deleted permanently.",
        [Choice(CANCEL, "Cancel", "primary"), Choice("y", "Delete", "error")],
    )


def delete_runs_question(runs: Sequence[str], size: int, remarks: Sequence[str], only: str = "") -> Question:
    """Return the question before runs are deleted; `remarks` are sentences that speak for a second look.

    `only` is the run under the cursor, where the question is about others, too, and it may be deleted alone.
    """
    marked = f"the {len(runs):,} marked runs"
    title = f"the run {safe_text(runs[0], 100)}" if len(runs) == 1 else marked
    names = f" {_named(runs)}." if len(runs) > 1 else ""
    whose = "Its" if len(runs) == 1 else "Their"
    text = f"{whose} checkpoints, records and notes are deleted permanently."
    choices = [Choice(CANCEL, "Cancel", "primary"), Choice("y", "Delete", "error")]
    return Question(
        f"Delete {title}?",
        " ".join([f"Frees {size_in_words(size)}.{names} {text}", *remarks]),
        [*choices, Choice("o", f"Only {safe_text(only, 20)}")] if only else choices,
    )


def _named(names: Sequence[str]) -> str:
    """Return names in short: `one, two, three and 4 more`."""
    more = f" and {len(names) - MOST_NAMED:,} more" if len(names) > MOST_NAMED else ""
    return ", ".join(safe_text(name, 40) for name in names[:MOST_NAMED]) + more


def quit_question(*, screen_only: bool) -> Question:
    """Return the question before a person leaves a training run; `screen_only` where it lives elsewhere."""
    how = "" if screen_only else " in the background"
    return Question(
        "Quit while training?",
        f"Detach: training continues{how}, and `{command_line('attach')}` shows it again. "
        "Stop: it finishes the step under way, saves and ends; you can resume it later.",
        [Choice("d", "Detach", "primary"), Choice("s", "Stop and save", "error"), Choice(CANCEL, "Cancel")],
    )


class DataQuestion(Question):
    """Asks for data where there is none; answers with a key, or with the absolute path of the folder that was typed."""

    AUTO_FOCUS = "Button"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("f", "folder", "Folder", show=False)]

    def compose_details(self) -> ComposeResult:
        """Lay out the field for a folder."""
        yield Input(placeholder="Folder (f), with train/ and test/, or a download", compact=True)
        yield Static("", id="data-trouble", markup=False)

    def action_folder(self) -> None:
        """Go to the field."""
        self.query_one(Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Answer with the folder, or show what is wrong with it."""
        try:
            self.dismiss(parse_data_folder(event.value))
        except ValueError as error:
            self.query_one("#data-trouble", Static).update(str(error))


def parse_data_folder(typed: str) -> str:
    """Return the absolute path of a folder. Raises ValueError with a sentence where there is none."""
    shown = safe_text(typed.strip(), 200)
    if not shown:
        raise ValueError("Type the path of a folder, then enter.")
    try:
        path = Path(typed.strip()).expanduser().absolute()
        if not path.is_dir():
            what = "is a file, not a folder" if path.exists() else "is not a folder on this machine"
            raise ValueError(f"{shown} {what}.")
        if not (path / "train").is_dir() and held_by(path) is None:
            titles = [one.title for one in DATA_SETS.values()]
            known = f"{', '.join(titles[:-1])} or {titles[-1]}"
            raise ValueError(f"{shown} has neither train/ and test/ with images nor the files of {known}.")
    except (OSError, RuntimeError) as error:
        raise ValueError(f"{shown} cannot be read: {getattr(error, 'strerror', None) or error}.") from error
    return str(path)


def data_question(reason: str, *, resumed: bool) -> Question:
    """Return the question after the data set could not be loaded; a resumed run needs its own."""
    again, leave = Choice("r", "Try again", "primary"), Choice("q", "Quit")
    if resumed:
        return Question("The data set is not here", reason, [again, leave])
    return DataQuestion("The data set is not here", reason, [again, Choice("s", "Synthetic images"), leave])


def nonfinite_loss_question(step: int, loss: float) -> Question:
    """Return the question after a loss that is NaN or infinite."""
    return Question(
        f"The loss of step {step:,} is {loss_text(loss)}",
        "The update was skipped. Roll back to the last good state and halve the learning rate, continue, or stop?",
        [
            Choice("b", "Roll back, halve the rate", "primary"),
            Choice("i", "Continue", "default"),
            Choice("s", "Stop", "error"),
        ],
    )


def with_tooltips(bindings: Iterable[BindingType]) -> list[Binding]:
    """Return the bindings that have a tooltip, and so belong into help and palette."""
    return [binding for binding in bindings if isinstance(binding, Binding) and binding.tooltip]


def shorter_question(shorter: ShorterPreset) -> Question:
    """Return the question before a run is stopped and a shorter one starts."""
    return Question(
        f"Train {shorter.preset} instead?",
        f"{times_text(shorter)} This run stops, is saved, and can be resumed; a new run with {shorter.preset} starts "
        "on the same images.",
        [
            Choice("y", f"Stop this run, start {shorter.preset}", "primary"),
            Choice("n", f"Keep training {shorter.instead_of}"),
        ],
    )
