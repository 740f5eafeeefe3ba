"""The panel beside the list of checkpoints: the evaluation of the one under the cursor."""

from cifar_tui.checkpoint_events import EvaluationProgressed
from cifar_tui.history.run_history import RunHistory
from cifar_tui.tui.evaluation.evaluation_finder import FoundEvaluation
from cifar_tui.tui.evaluation.evaluation_rows import evaluation_rows, failure_rows, progress_rows, wrapped
from cifar_tui.tui.widgets.rows import Row, Rows

NONE_YET = "No checkpoint yet: the first comes after the first epoch."
READ_ONLY = "This is another run: space marks its checkpoints, m compares."
NO_MATCH = "No checkpoint matches. Escape in the filter shows all."


class EvaluationPanel(Rows):
    """Progress, failure or result of an evaluation, or how to start one."""

    def __init__(self) -> None:
        super().__init__(id="verdict", classes="panel")
        self.border_title = "Evaluation"

    def show(
        self,
        checkpoint: str,
        found: FoundEvaluation | None,
        history: RunHistory,
        *,
        filtered: bool,
        read_only: bool = False,
    ) -> None:
        """Show the evaluation of a checkpoint; an empty name is none, because of the filter or of the run.

        A checkpoint of a run that is only read cannot be evaluated here.
        """
        self.border_subtitle = "enter opens it" if found is not None else ""
        if checkpoint:
            self.set_rows(self._rows_on(checkpoint, found, history, read_only))
        else:
            self.set_rows(wrapped(NO_MATCH if filtered else NONE_YET, self.size.width, "dim"))

    def _rows_on(self, name: str, found: FoundEvaluation | None, history: RunHistory, read_only: bool) -> list[Row]:
        width, height = self.size.width, self.size.height
        if history.evaluation is not None and history.evaluation.checkpoint == name:
            done = history.evaluation.done if isinstance(history.evaluation, EvaluationProgressed) else 0
            return progress_rows(name, done, history.evaluation.images, width)
        if name in history.failed_evaluations:
            failure = history.failed_evaluations[name]
            return failure_rows(failure.reason, failure.damaged, width)
        if found is not None:
            return evaluation_rows(found, width, height)
        measure: Row = (("Press ", "dim"), ("e", "accent"), (" to measure it on the test images.", "dim"))
        advice = wrapped(READ_ONLY, width, "dim") if read_only else [measure]
        return [*wrapped(f"{name} is not evaluated yet.", width, "dim"), *advice]
