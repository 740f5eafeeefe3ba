"""The program with a small CIFAR-10, another place for it, or no device: by variables, for one of several processes."""

import itertools
import json
import os
from pathlib import Path
from typing import Any

from cifar_tui.cli import main
from cifar_tui.data_sets import NamedDataSet
from cifar_tui.engine.data import torchvision_data
from cifar_tui.engine.network.device import Device
from cifar_tui.engine.network.stepper import SharedSums
from cifar_tui.engine.training import follow
from cifar_tui.errors import BadInput
from cifar_tui.recipe import Recipe
from tests.quick_torchvision import CIFAR10

SMALL_CIFAR10 = "TEST_SMALL_CIFAR10"
"""The checksums of a small archive, as JSON."""
OWN_DISK = "TEST_OWN_DISK"
"""The folder that a process has its images in, as if it were on a machine of its own."""
WITHOUT_DEVICE = "TEST_WITHOUT_DEVICE"
"""The sentence of a process that has no device."""


WITHOUT_MEMORY_AT = "TEST_WITHOUT_MEMORY_AT"
"""The step in which a process has no memory; 0 for none."""


def no_device(_recipe: Recipe) -> Device:
    raise BadInput(os.environ[WITHOUT_DEVICE])


if __name__ == "__main__":
    for name, value in json.loads(os.environ.get(SMALL_CIFAR10, "{}")).items():
        setattr(CIFAR10, name, value)
    if OWN_DISK in os.environ:
        load_anywhere = torchvision_data.load_named

        def load_here(data_set: NamedDataSet, _folder: Path, *rest: Any) -> object:
            return load_anywhere(data_set, Path(os.environ[OWN_DISK]), *rest)

        vars(torchvision_data)["load_named"] = load_here
    if WITHOUT_DEVICE in os.environ:
        vars(follow)["choose_device"] = no_device
    if int(os.environ.get(WITHOUT_MEMORY_AT, "0")):
        clear, steps = SharedSums.clear, itertools.count(1)

        def clear_or_fail(sums: SharedSums) -> None:
            if next(steps) == int(os.environ[WITHOUT_MEMORY_AT]):
                raise MemoryError
            clear(sums)

        SharedSums.clear = clear_or_fail  # type: ignore[assignment, method-assign]
    main()
