"""The start of a run that several processes train: they meet, and the others learn what is trained."""

import time
from collections.abc import Callable
from pathlib import Path

import orjson

from cifar_tui.engine.network.device import Device
from cifar_tui.engine.network.ranks import Ranks, join_ranks, remember_run
from cifar_tui.engine.network.roll_call import Stage, arrive, await_all, name_folder
from cifar_tui.errors import BadInput
from cifar_tui.events import Emit, Noted, Progressed
from cifar_tui.recipe import Recipe
from cifar_tui.serialization import to_record
from cifar_tui.system.launcher import ranks_here
from cifar_tui.text import counted


def lead_ranks(recipe: Recipe, folder: Path, emit: Emit) -> Ranks:
    """Meet the other processes of this run, and tell them its recipe. Raises CifarTuiError."""
    count = ranks_here()
    if count > recipe.batch_size:
        raise BadInput(
            f"There are {count} processes, and a batch has {recipe.batch_size} images: start no more of them than that."
        )
    if count > 1:
        emit(Progressed(f"Waiting for {counted(count - 1, 'other process')}", 0, None, "", 0.0))
    ranks = join_ranks()
    if ranks.several:
        remember_run(folder)
        name_folder(ranks, folder)
        ranks.tell(orjson.dumps(to_record(recipe)))
        if recipe.batch_size % count:
            emit(Noted(f"Batches of {recipe.batch_size:,} do not divide by {count}: some get an image more."))
    return ranks


def on_all_devices(ranks: Ranks, device: Device, stop_requested: Callable[[], bool]) -> Ranks:
    """Return the processes with a way between their devices, once each has one.

    Raises RankFailed or RankLost for one that has none, BadInput for one of another kind, StopRequested.
    """
    own = device.torch.type
    for rank, kind in await_all(ranks, Stage.DEVICE, stop_requested).items():
        if kind != own:
            raise BadInput(f"Process {rank} would train on {kind}, and process 0 on {own}: name one with --device.")
    arrive(ranks, Stage.DEVICE)
    return ranks.on(device.torch)


def agree_on_images(ranks: Ranks, checksum: str, emit: Emit, stop_requested: Callable[[], bool]) -> None:
    """Wait until every other process has these images, too; another machine may have to fetch them first.

    Raises RankFailed or RankLost for one that will not have them, StopRequested.
    """
    if ranks.several:
        arrive(ranks, Stage.IMAGES, checksum)
        began = time.monotonic()

        def told_and_stopped() -> bool:
            waited = time.monotonic() - began
            others = counted(ranks.count - 1, "other process")
            emit(Progressed(f"Waiting for the images of {others}", 0, None, "", waited))
            return stop_requested()

        await_all(ranks, Stage.READY, told_and_stopped)
