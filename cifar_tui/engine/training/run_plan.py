"""The plan of a run: its recipe as changed under way, and the epoch it ends with."""

from cifar_tui.control import ChangeRate
from cifar_tui.engine.checkpoints.run_context import RunContext
from cifar_tui.errors import BadInput
from cifar_tui.events import FinishPlanned, Noted, RateChanged, RolledBack
from cifar_tui.recipe import SIDE, Recipe
from cifar_tui.schedule import size_stages


class RunPlan:
    """Epochs and learning rates of one run."""

    def __init__(self, context: RunContext) -> None:
        self._context = context
        self.recipe = context.recipe
        """With every change of the learning rate so far."""
        self.steps_per_epoch = context.recipe.steps_per_epoch(context.facts.train_images)
        self.last_epoch = context.recipe.epochs
        """The epoch to end with."""
        self._finish_planned = False

    @property
    def total_steps(self) -> int:
        """Steps of the whole run."""
        return self.recipe.epochs * self.steps_per_epoch

    @property
    def ends_early(self) -> bool:
        """True where a person has asked to stop before the recipe's last epoch."""
        return self.last_epoch < self.recipe.epochs

    def learning_rate_at(self, step: int) -> float:
        """Return the learning rate of a step."""
        return self.recipe.learning_rate_at(step, self.steps_per_epoch)

    def note_size(self, epoch: int) -> None:
        """Say so where an epoch is the first on images of another size."""
        first = 1
        for last, side in size_stages(self.recipe.sizes, SIDE, self.recipe.epochs):
            if first == epoch <= last and side < SIDE:
                behind = "tests, on whole ones, are far behind until then"
                self._context.emit(Noted(f"Images are {side}×{side} until epoch {last}: {behind}."))
            first = last + 1

    def change_rate(self, step: int, request: ChangeRate) -> None:
        """Train with another learning rate from `step` on; an impossible one is refused with a note."""
        if step > self.total_steps:
            self._context.emit(Noted("The learning rate is unchanged: every step has been trained."))
            return
        rate = self.learning_rate_at(step) * request.rate if request.relative else request.rate
        try:
            self._replace(self.recipe.with_rate(rate, step, self.steps_per_epoch))
        except BadInput as error:
            self._context.emit(Noted(str(error)))
            return
        self._context.emit(RateChanged(step, rate, self.recipe.rate_changes))

    def roll_back(self, from_step: int, to_step: int) -> None:
        """Train on from an earlier step with half the rate."""
        # A person may have lowered the rate since: half of what it was before would be more than what broke.
        rate = min(self.learning_rate_at(to_step + 1), self.learning_rate_at(from_step)) / 2
        self._replace(self.recipe.with_rate(rate, to_step + 1, self.steps_per_epoch))
        self._context.emit(RolledBack(from_step, to_step, rate, self.recipe.rate_changes))

    def toggle_finish(self, epochs_done: int) -> None:
        """Stop at the end of the epoch under way, or cancel that."""
        under_way = min(epochs_done + 1, self.recipe.epochs)
        planned = self._finish_planned = not self._finish_planned
        self.last_epoch = under_way if planned else self.recipe.epochs
        self._context.emit(FinishPlanned(under_way if planned else 0))

    def _replace(self, recipe: Recipe) -> None:
        self.recipe = recipe
        try:
            self._context.folder.write_recipe(recipe)
        except OSError as error:
            self._context.emit(Noted(f"The recipe could not be saved: {error.strerror or error}."))
