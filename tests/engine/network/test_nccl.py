"""What several GPUs do among each other, as far as one GPU shows it: a group of one process, by NCCL."""

import math
from collections.abc import Iterator

import pytest
import torch
import torch.distributed as dist
from torch.distributed import HashStore, PrefixStore  # type: ignore[attr-defined] # of its C part

from cifar_tui.engine.data.augment import plan_epoch
from cifar_tui.engine.network.device import choose_device
from cifar_tui.engine.network.meter import StepMeter
from cifar_tui.engine.network.ranks import ALONE, Ranks, leave_ranks
from cifar_tui.engine.network.stepper import Stepper
from cifar_tui.events import StepDone
from tests.engine.network.test_accelerate import NO_CUDA, check_no_waits, synthetic_images
from tests.engine.trained import tiny_recipe

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason=NO_CUDA)]
STEPS = 6


class OneOfSeveral(Ranks):
    """A single process that sums, gathers and copies as one of several does."""

    several = True


@pytest.fixture
def ranks() -> Iterator[Ranks]:
    store = PrefixStore("attempt0", HashStore())
    dist.init_process_group("gloo", store=store, rank=0, world_size=1)
    yield OneOfSeveral(0, 1, dist.group.WORLD, store).on(torch.device("cuda", 0))
    leave_ranks()


def losses(ranks: Ranks) -> tuple[list[float], Stepper]:
    recipe = tiny_recipe(device="cuda", precision="fp32")
    device = choose_device(recipe)
    stepper = Stepper(recipe, device, ranks=ranks)
    images = synthetic_images(recipe, device.torch)
    plan = plan_epoch(recipe, images.count, 1, device.torch)
    batch = images.batch(plan, slice(0, recipe.batch_size))
    return [float(stepper.update(*batch, 0.05, recipe.batch_size).loss) for _ in range(STEPS)], stepper


def test_a_sum_over_one_gpu_gives_the_losses_of_a_gpu_alone(ranks: Ranks) -> None:
    found, stepper = losses(ranks)
    assert found == pytest.approx(losses(ALONE)[0], rel=1e-3)
    assert ranks.pace.reading.steps >= 1
    assert 0 < ranks.pace.reading.seconds < 60
    ranks.copy_from_leader(stepper.shared_tensors())
    assert ranks.gather(torch.arange(3, device="cuda")).tolist() == [0, 1, 2]


def test_a_shared_step_never_waits_for_the_device(ranks: Ranks) -> None:
    recipe = tiny_recipe(device="cuda")
    device = choose_device(recipe)
    images = synthetic_images(recipe, device.torch)
    plan, meter = plan_epoch(recipe, images.count, 1, device.torch), StepMeter(device.torch)
    stepper = Stepper(recipe, device, ranks=ranks)

    def step() -> None:
        result = stepper.update(*images.batch(plan, slice(0, recipe.batch_size)), 0.1, recipe.batch_size)
        meter.add(StepDone(1, 1, math.nan, math.nan, recipe.batch_size, 0.1, 0.0), result)

    check_no_waits(step)
