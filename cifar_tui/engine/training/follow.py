"""A follower: a process that trains another one's run with it, on its own device. It writes nothing."""

import signal

import orjson

from cifar_tui.engine.data.augment import Images, plan_epoch
from cifar_tui.engine.data.load import LoadData, load
from cifar_tui.engine.evaluation.shared_test import shared_logits
from cifar_tui.engine.network.device import Device, choose_device, lower_priority
from cifar_tui.engine.network.heartbeats import beating
from cifar_tui.engine.network.ranks import EndOrdered, Order, Ranks, Verb, join_ranks, leave_ranks
from cifar_tui.engine.network.stepper import Stepper
from cifar_tui.errors import BadInput
from cifar_tui.recipe import Recipe
from cifar_tui.serialization import from_record

LEFT_TO_THE_LEADER = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGXCPU, signal.SIGHUP)
"""Signals that a launcher sends to all processes: the leader saves and then ends the others."""


def follow(load_data: LoadData = load) -> None:
    """Train with the leader until it says that this is the end. Raises CifarTuiError."""
    for number in LEFT_TO_THE_LEADER:
        signal.signal(number, signal.SIG_IGN)
    ranks = join_ranks()
    try:
        recipe = from_record(Recipe, orjson.loads(ranks.hear()))
        device = choose_device(recipe)
        ranks = ranks.on(device.torch)
        ranks.gpus(device.gpu)
        lower_priority(device)
        data = load_data(recipe, lambda _: None, lambda: False)
        checksum = ranks.hear().decode()
        if data.facts().checksum != checksum:
            raise BadInput(f"Rank {ranks.rank} has other images than the leader: give all machines the same --data.")
        images = Images.of(data, recipe, device.torch)
        del data
        stepper = Stepper(recipe, device, ranks=ranks)
        with beating(ranks, stepper.pace):
            _Follower(recipe, images, device, ranks, stepper).run()
    except EndOrdered:
        return
    finally:
        leave_ranks()


class _Follower:
    """Does what the leader orders."""

    def __init__(self, recipe: Recipe, images: Images, device: Device, ranks: Ranks, stepper: Stepper) -> None:
        self._recipe, self._images, self._device, self._ranks = recipe, images, device, ranks
        self._stepper = stepper
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
            self._stepper.update(*share, rate, stop - start)

    def _test(self, order: Order) -> None:
        test = self._images.held_out if order.epoch else self._images.test
        network = self._stepper.network
        if test is not None:
            network.eval()
            shared_logits(network, test, self._device, self._ranks, order.first)
            network.train()
