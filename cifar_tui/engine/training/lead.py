"""The start of a run that several processes train: they meet, and the others learn what is trained."""

from pathlib import Path

import orjson

from cifar_tui.engine.network.device import Device
from cifar_tui.engine.network.ranks import Ranks, join_ranks, remember_run
from cifar_tui.errors import BadInput
from cifar_tui.events import Emit, Noted, Progressed
from cifar_tui.recipe import Recipe
from cifar_tui.serialization import to_record
from cifar_tui.system.launcher import ranks_here
from cifar_tui.text import counted


def lead_ranks(recipe: Recipe, folder: Path, device: Device, emit: Emit) -> Ranks:
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
        ranks.tell(orjson.dumps(to_record(recipe)))
        if recipe.batch_size % count:
            emit(Noted(f"Batches of {recipe.batch_size:,} do not divide by {count}: some get an image more."))
    return ranks.on(device.torch)
