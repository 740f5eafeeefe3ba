"""The parts of a training run around its loop, put together."""

from cifar_tui.dataclass import dataclass
from cifar_tui.engine.checkpoints.checkpointer import Checkpointer
from cifar_tui.engine.checkpoints.evaluation_queue import EvaluationQueue
from cifar_tui.engine.checkpoints.initial_weights import initial_weights
from cifar_tui.engine.checkpoints.pruner import Pruner
from cifar_tui.engine.checkpoints.run_context import RunContext
from cifar_tui.engine.data.augment import Images
from cifar_tui.engine.evaluation.evaluate_checkpoint import CheckpointEvaluator
from cifar_tui.engine.network.stepper import Stepper, TrainingState
from cifar_tui.engine.training.clock import TrainingClock
from cifar_tui.engine.training.progress import TrainingProgress
from cifar_tui.engine.training.run_plan import RunPlan
from cifar_tui.engine.training.step_reporter import StepReporter
from cifar_tui.events import Progressed
from cifar_tui.runs.checkpoints.retention import JournaledCheckpoints


@dataclass(frozen=True, slots=True, kw_only=True)
class RunParts:
    """Parts that the loop and the handler of requests share."""

    context: RunContext
    clock: TrainingClock
    progress: TrainingProgress
    plan: RunPlan
    stepper: Stepper
    """The network and its optimizer."""
    steps: StepReporter
    checkpointer: Checkpointer
    evaluator: CheckpointEvaluator
    evaluations: EvaluationQueue
    """Checkpoints that wait to be evaluated."""

    @classmethod
    def assemble(
        cls, context: RunContext, images: Images, state: TrainingState | None, *, resumed: bool = False
    ) -> "RunParts":
        """Put a run together as it was after the state's last step; without a state, before its first step.

        One that has been `resumed` has records, which go back there.
        """
        recipe, folder, device, emit = context.recipe, context.folder.path, context.device, context.emit
        emit(Progressed("Preparing the network", 0, None, "", 0.0))
        plan, progress, journaled = RunPlan(context), TrainingProgress(), JournaledCheckpoints()
        stepper = Stepper(recipe, device, initial_weights(recipe, folder), context.ranks)
        if state is None and (resumed or recipe.parent is not None):
            state = stepper.fresh_state()
        if state is not None:
            stepper.restore(state)
            context.flush_records()
            progress.replay(folder, state.step, plan.steps_per_epoch, journaled)
        evaluations = EvaluationQueue()
        return cls(
            context=context,
            clock=TrainingClock(),
            progress=progress,
            plan=plan,
            stepper=stepper,
            steps=StepReporter(device.torch, stepper.norms, progress, emit),
            checkpointer=Checkpointer(context, stepper, Pruner(context, journaled, evaluations)),
            evaluator=CheckpointEvaluator(folder, images.test, context.facts, device, emit),
            evaluations=evaluations,
        )

    def close(self) -> None:
        """End what goes on in the background."""
        self.checkpointer.close()
        self.clock.close()
