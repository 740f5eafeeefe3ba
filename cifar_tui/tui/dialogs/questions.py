"""Questions and help in front of a screen."""

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import Button, Input, SelectionList, Static
from textual.widgets.button import ButtonVariant

from cifar_tui.control import ChangeRate
from cifar_tui.system.invocation import command_line
from cifar_tui.text import loss as loss_text
from cifar_tui.text import safe_text
from cifar_tui.text import size as size_in_words
from cifar_tui.tui.dialogs.modal import Modal
from cifar_tui.tui.terminal.textual_internals import bind_key


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer to a question."""

    key: str
    """Its key."""
    label: str
    """Text of the button."""
    variant: ButtonVariant = "default"
    """Style of the button."""


class Question(Modal[str | None]):
    """Asks a question; answers with the key of the choice, or None when it is dismissed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,up", "app.focus_previous", "Previous", show=False),
        Binding("right,down", "app.focus_next", "Next", show=False),
    ]

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
                    yield Button(
                        f"{choice.label} ({choice.key})",
                        id=f"answer-{choice.key}",
                        variant=choice.variant,
                        compact=True,
                    )

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
        "It finishes the step under way, saves the weights, and ends. Everything so far stays in the run's folder.",
        [Choice("y", "Stop and save", "error"), Choice("n", "Go on training", "primary")],
    )


def delete_question(checkpoint: str, size: int) -> Question:
    """Return the question before a checkpoint is deleted."""
    return Question(
        f"Delete {checkpoint}?",
        f"That frees {size_in_words(size)}. Weights, verdict and all that is known of them go for good.",
        [Choice("n", "Keep it", "primary"), Choice("y", "Delete it", "error")],
    )


def quit_question(*, screen_only: bool) -> Question:
    """Return the question before a person leaves a training run; `screen_only` where it lives elsewhere."""
    how = "" if screen_only else ", in the background,"
    return Question(
        "Leave while it trains?",
        f"Detached, it trains on{how} and `{command_line('attach')}` shows it again. "
        "Stopped, it finishes the step under way, saves, and ends; it can be resumed.",
        [Choice("d", "Detach", "primary"), Choice("s", "Stop and save", "error"), Choice("n", "Stay")],
    )


class DataQuestion(Question):
    """Asks for data where there is none; answers with a key, or with the absolute path of the folder that was typed."""

    AUTO_FOCUS = "Button"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("f", "folder", "Folder", show=False)]

    def compose_details(self) -> ComposeResult:
        """Lay out the field for a folder."""
        yield Input(placeholder="Folder (f), with train/ and test/, or CIFAR-10 files", compact=True)
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
        if not (path / "train").is_dir() and not any(path.glob("cifar-10*")):
            raise ValueError(f"{shown} has neither train/ and test/ with images nor a download of CIFAR-10.")
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
        "Its update was left out. Training can go back to the last good state and on with half the learning rate, "
        "go on as if nothing had happened, or stop.",
        [
            Choice("b", "Go back, half the rate", "primary"),
            Choice("i", "Ignore", "default"),
            Choice("s", "Stop", "error"),
        ],
    )


class RateQuestion(Modal[ChangeRate | None]):
    """Asks for a learning rate: a number, or a factor like `x0.5`."""

    def __init__(self, rate: float) -> None:
        """Ask for the rate after `rate`."""
        super().__init__()
        self._rate = rate

    def compose(self) -> ComposeResult:
        """Lay out the question."""
        with Vertical(classes="dialog"):
            yield Static("Change the learning rate", classes="dialog-title")
            yield Static(
                f"It is {self._rate:.4g} now. A number sets it, x0.5 scales it, from the next step on; "
                "the schedule goes on from there.",
                classes="dialog-detail",
            )
            yield Input(placeholder="0.05 or x0.5", compact=True)
            yield Static("", id="rate-trouble", markup=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Answer with the rate, or show what is wrong with it."""
        try:
            self.dismiss(parse_rate(event.value))
        except ValueError as error:
            self.query_one("#rate-trouble", Static).update(str(error))


class PanelChoice(Modal[tuple[str, ...] | None]):
    """Asks for the panels to show; answers with the hidden ones."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,h,q", "close", "Back", show=False)]

    def __init__(self, titles: Mapping[str, str], hidden: Collection[str]) -> None:
        """Ask about panels; `titles` holds the title of each name."""
        super().__init__()
        self._titles = titles
        self._hidden = hidden

    def compose(self) -> ComposeResult:
        """Lay out the question."""
        with Vertical(classes="dialog"):
            yield Static("Panels", classes="dialog-title")
            yield SelectionList[str](*((title, name, name not in self._hidden) for name, title in self._titles.items()))
            yield Static(
                "Space or a click shows or hides one, escape goes back. One panel at least stays. "
                "A small terminal shows the first of them.",
                classes="dialog-detail",
            )

    def action_close(self) -> None:
        """Answer with the panels that are hidden now."""
        shown = self.query_one(SelectionList).selected
        self.dismiss(tuple(name for name in self._titles if name not in shown) if shown else None)


def parse_rate(entry: str) -> ChangeRate:
    """Parse a rate like `0.05`, or a factor like `x0.5`. Raises ValueError with a sentence for anything else."""
    typed = entry.strip().lower()
    relative = typed[:1] in ("x", "*", "×")
    try:
        rate = float(typed[1:] if relative else typed)
    except ValueError:
        rate = math.nan
    if not (math.isfinite(rate) and rate > 0):
        raise ValueError(f"'{safe_text(typed, 20)}' is no rate above 0. Type 0.05, or x0.5 to halve it.")
    return ChangeRate(rate, relative)


class Help(Modal[None]):
    """All keys, generated from the bindings of the screen behind."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark,q,enter", "dismiss", "Back", show=False),
        Binding("up", "scroll(-1)", "Up", show=False),
        Binding("down", "scroll(1)", "Down", show=False),
    ]

    def __init__(self, bindings: list[Binding]) -> None:
        super().__init__()
        self._shown_bindings = bindings

    def compose(self) -> ComposeResult:
        """Lay out the keys."""
        lines = [f"{binding.key_display or binding.key:>8}  {binding.tooltip}" for binding in self._shown_bindings]
        with VerticalScroll(classes="dialog", id="help"):
            yield Static("Keys", classes="dialog-title")
            yield Static("\n".join(lines), markup=False)
            yield Static("\nEscape goes back. The mouse works too.", classes="dialog-detail")

    def action_scroll(self, lines: int) -> None:
        """Scroll the keys."""
        self.query_one("#help").scroll_relative(y=lines, animate=False)


def with_tooltips(bindings: Iterable[BindingType]) -> list[Binding]:
    """Return the bindings that have a tooltip, and so belong into help and palette."""
    return [binding for binding in bindings if isinstance(binding, Binding) and binding.tooltip]
