"""A follower: a process that trains another one's run with it, on its own device. It writes nothing but its failure."""

import signal
import traceback

import orjson

from cifar_tui.engine.data.augment import Images, plan_epoch
from cifar_tui.engine.data.load import LoadData, load
from cifar_tui.engine.evaluation.shared_test import shared_logits
from cifar_tui.engine.network.device import Device, choose_device, prepare_processor
from cifar_tui.engine.network.device_memory import explained, smaller_batches
from cifar_tui.engine.network.heartbeats import beating
from cifar_tui.engine.network.own_network import seed_step
from cifar_tui.engine.network.ranks import (
    EndOrdered,
    Order,
    RankLost,
    Ranks,
    Verb,
    await_leader,
    first_line,
    join_ranks,
    leave_ranks,
)
from cifar_tui.engine.network.roll_call import (
    Stage,
    arrive,
    await_images_of_this_machine,
    await_rank,
    ended_on_purpose,
    folder_here,
    has_ended,
    tell_failure,
)
from cifar_tui.engine.network.stepper import Stepper
from cifar_tui.errors import BadInput, CifarTuiError, StopRequested
from cifar_tui.failpoints import hit
from cifar_tui.files.atomic_write import write_failure
from cifar_tui.files.run_files import RANK_STEM
from cifar_tui.recipe import Recipe
from cifar_tui.runs.own_code import allow_run
from cifar_tui.serialization import from_record
from cifar_tui.system.launcher import attempt

LEFT_TO_THE_LEADER = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGXCPU, signal.SIGHUP)
"""Signals that a launcher sends to all processes: the leader saves and then ends the others."""


def follow(load_data: LoadData = load) -> None:
    """Train with the leader until it says that this is the end. Raises CifarTuiError."""
    for number in LEFT_TO_THE_LEADER:
        signal.signal(number, signal.SIG_IGN)
    if not await_leader():
        return
    ranks = join_ranks()
    try:
        with beating(ranks):
            _follow(ranks, load_data)
    except (EndOrdered, StopRequested):
        return
    except RankLost:
        if not ended_on_purpose(ranks):
            raise
    except CifarTuiError as error:
        _tell(ranks, str(error), f"{error}\n", error.exit_code)
        raise
    except Exception as error:
        _tell(ranks, f"{type(error).__name__}: {first_line(error)}.", traceback.format_exc(), 0)
        raise
    finally:
        leave_ranks()


def _tell(ranks: Ranks, reason: str, details: str, exit_code: int) -> None:
    """Tell the leader why this process ends, once it is in the run's folder, where that is on this machine."""
    folder = folder_here(ranks)
    file = write_failure(folder, details, f"{RANK_STEM}{ranks.rank}.txt") if folder is not None else ""
    tell_failure(ranks, f"{reason} Details are in {file}." if file and not exit_code else reason, exit_code)


def _follow(ranks: Ranks, load_data: LoadData) -> None:
    recipe = from_record(Recipe, orjson.loads(ranks.hear()))
    if attempt() and (folder := folder_here(ranks)) is not None:
        # As its leader, which goes on with the run of this very command: what that names may have changed since.
        allow_run(folder, recipe)
    device = choose_device(recipe)
    arrive(ranks, Stage.DEVICE, device.torch.type)
    await_rank(ranks, Stage.DEVICE, 0)
    ranks = ranks.on(device.torch)
    ranks.gpus(device.gpu)
    prepare_processor(device)
    with explained(device, smaller_batches(recipe.batch_size)):
        await_images_of_this_machine(ranks)
        data = load_data(recipe, lambda _: None, lambda: has_ended(ranks))
        arrive(ranks, Stage.IMAGES)
        if data.facts().checksum != await_rank(ranks, Stage.IMAGES, 0):
            raise BadInput(f"Rank {ranks.rank} has other images than the leader: give all machines the same --data.")
        images = Images.of(data, recipe, device.torch)
        del data
        follower = _Follower(recipe, images, device, ranks)
        arrive(ranks, Stage.READY)
        follower.run()


class _Follower:
    """Does what the leader orders."""

    def __init__(self, recipe: Recipe, images: Images, device: Device, ranks: Ranks) -> None:
        self._recipe, self._images, self._device, self._ranks = recipe, images, device, ranks
        self._stepper = Stepper(recipe, device, ranks=ranks)
        self._plan, self._planned = plan_epoch(recipe, images.train.count, 1, self._device.torch), 1

    def run(self) -> None:
        """Follow orders until the last one."""
        while (order := self._ranks.next_order()).verb is not Verb.END:
            if order.verb is Verb.STEPS:
                self._train(order)
            elif order.verb is Verb.TEST:
                self._test(order)
            else:
                self._ranks.copy_from_leader(self._stepper.shared_tensors())

    def _train(self, order: Order) -> None:
        train = self._images.train
        if order.epoch != self._planned:
            self._plan = plan_epoch(self._recipe, train.count, order.epoch, self._device.torch)
            self._planned = order.epoch
        for batch, rate in enumerate(order.rates, order.first):
            start = batch * self._recipe.batch_size
            stop = min(start + self._recipe.batch_size, train.count)
            share = train.batch(self._plan, self._ranks.share(start, stop))
            steps_before = (order.epoch - 1) * self._recipe.steps_per_epoch(train.count)
            seed_step(self._recipe.model, self._recipe.seed, steps_before + batch + 1, self._ranks.rank)
            self._stepper.update(*share, rate, stop - start)
            hit("stepped", f"{RANK_STEM}{self._ranks.rank}")

    def _test(self, order: Order) -> None:
        test = self._images.held_out if order.epoch else self._images.test
        network = self._stepper.tested
        if test is not None:
            network.eval()
            shared_logits(network, test, self._device, self._ranks, order.first)
            network.train()
