"""The panel beside the list of checkpoints: the evaluation of the one under the cursor."""

from cifar_tui.checkpoint_events import EvaluationProgressed
from cifar_tui.history.run_history import RunHistory
from cifar_tui.tui.evaluation.evaluation_finder import FoundEvaluation
from cifar_tui.tui.evaluation.evaluation_rows import (
    evaluation_rows,
    failure_rows,
    progress_rows,
    waiting_rows,
    wrapped,
)
from cifar_tui.tui.evaluation.shown_evaluation import ShownEvaluation, shown_evaluation
from cifar_tui.tui.widgets.rows import Row, Rows

NONE_YET = "No checkpoint yet. The first is saved after the first epoch."
READ_ONLY = "This is another run. Mark its checkpoints with space, and compare with C."
NO_MATCH = "No checkpoint matches the filter. Escape shows all."


class EvaluationPanel(Rows):
    """Progress, failure or result of an evaluation, or how to start one."""

    def __init__(self) -> None:
        super().__init__(id="verdict", classes="panel")
        self.border_title = "Evaluation"
        self._shown: ShownEvaluation | None = None

    def show(
        self,
        checkpoint: str,
        found: FoundEvaluation | None,
        history: RunHistory,
        *,
        filtered: bool,
        read_only: bool = False,
        queued: str = "",
    ) -> None:
        """Show the evaluation of a checkpoint; an empty name is none, because of the filter or of the run.

        A checkpoint of a run that is only read cannot be evaluated here; `queued` is the one that is being evaluated
        or about to be.
        """
        self.border_subtitle = "enter: open" if found is not None else ""
        if checkpoint:
            self.set_rows(self._rows_on(checkpoint, found, history, read_only, queued == checkpoint))
        else:
            self.set_rows(wrapped(NO_MATCH if filtered else NONE_YET, self.size.width, "dim"))

    def _rows_on(
        self, name: str, found: FoundEvaluation | None, history: RunHistory, read_only: bool, queued: bool
    ) -> list[Row]:
        width, height = self.size.width, self.size.height
        if history.evaluation is not None and history.evaluation.checkpoint == name:
            done = history.evaluation.done if isinstance(history.evaluation, EvaluationProgressed) else 0
            return progress_rows(name, done, history.evaluation.images, width)
        if queued:
            return waiting_rows(name, history, width)
        failure = history.failed_evaluations.get(name)
        if failure is not None and (failure.damaged or found is None):
            return failure_rows(failure.reason, failure.damaged, width)
        if found is not None:
            reason = wrapped(failure.reason, width, "warn") if failure is not None else []
            if self._shown is None or self._shown.result is not found.result:
                self._shown = shown_evaluation(found)
            return [*reason, *evaluation_rows(found, width, height - len(reason), self._shown)]
        measure: Row = (("Press ", "dim"), ("e", "accent"), (" to evaluate it.", "dim"))
        advice = wrapped(READ_ONLY, width, "dim") if read_only else [measure]
        return [*wrapped(f"{name} is not evaluated yet.", width, "dim"), *advice]
