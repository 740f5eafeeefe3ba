"""Trains a narrow network on a few easy pictures, with a person who asks what a script says."""

import dataclasses
import threading
from pathlib import Path
from typing import TypeVar

import numpy as np

from cifar_tui.control import Request, RequestQueue
from cifar_tui.engine.checkpoints.run_context import Intervals
from cifar_tui.engine.data.dataset import DataSet, Split
from cifar_tui.engine.data.load import LoadData
from cifar_tui.engine.training import train as train_module
from cifar_tui.events import Event
from cifar_tui.presets import preset
from cifar_tui.recipe import Recipe
from cifar_tui.runs.folder import RunFolder
from cifar_tui.runs.records.recorder import Recorder

Kind = TypeVar("Kind")
BATCH, STEPS = 10, 5
TRAIN_IMAGES, TEST_IMAGES = BATCH * STEPS, 300
SELDOM = Intervals()
ALWAYS = Intervals(state_seconds=0.0, state_cost=1e9)
"""A state after every step."""
Script = dict[type[Event], list[Request]]


def easy_images(*_: object) -> DataSet:
    """Ten classes that differ by brightness."""
    random = np.random.default_rng(0)

    def split(count: int) -> Split:
        labels = np.arange(count, dtype=np.int64) % 10
        pixels = random.integers(0, 60, (count, 32, 32, 3)) + 19 * labels[:, None, None, None]
        return Split(pixels.astype(np.uint8), labels)

    names = tuple(f"class{label}" for label in range(10))
    return DataSet("bright pictures", False, names, split(TRAIN_IMAGES), split(TEST_IMAGES))


class Person:
    """Hears every event and asks what a script says, each time an event of its kind comes; all is recorded too."""

    def __init__(self, requests: RequestQueue, script: dict[type[Event], list[Request]], recorder: Recorder) -> None:
        self.said: list[Event] = []
        self._requests = requests
        self._script = dict(script)
        self._recorder = recorder
        self._one_by_one = threading.RLock()

    def __call__(self, event: Event) -> None:
        with self._one_by_one:
            self._take(event)

    def _take(self, event: Event) -> None:
        self._recorder.append_event(event)
        self.said.append(event)
        for request in self._script.pop(type(event), []):
            self._requests.enqueue(request)

    def heard(self, kind: type[Kind]) -> list[Kind]:
        return [event for event in self.said if isinstance(event, kind)]


def tiny_recipe(**changes: object) -> Recipe:
    choices: dict[str, object] = {"epochs": 2, "batch_size": BATCH, "learning_rate": 0.05, "width": 8, "device": "cpu"}
    return dataclasses.replace(preset("quick"), **{**choices, **changes})  # type: ignore[arg-type]


def run(folder: Path, script: Script | None = None, intervals: Intervals = SELDOM, **changes: object) -> Person:
    recipe = tiny_recipe(**changes)
    return train(recipe, RunFolder.create(folder, "one", recipe), script, None, intervals)


def resume(folder: Path, script: Script | None = None, load_data: LoadData = easy_images, **changes: object) -> Person:
    place = RunFolder.reopen(folder)
    named = tuple(f"{name} → {value}" for name, value in changes.items())
    recipe = dataclasses.replace(place.recipe(), **changes)  # type: ignore[arg-type]
    return train(recipe, place, script, named, load_data=load_data)


def train(
    recipe: Recipe,
    place: RunFolder,
    script: Script | None,
    changes: tuple[str, ...] | None,
    intervals: Intervals = SELDOM,
    load_data: LoadData = easy_images,
) -> Person:
    requests, recorder = RequestQueue(), Recorder(place)
    person = Person(requests, script or {}, recorder)
    try:
        options = {"load_data": load_data, "intervals": intervals}
        train_module.train(recipe, place, person, requests, changes, flush_records=lambda: None, **options)  # type: ignore[arg-type]
    finally:
        recorder.close()
        place.close()
    return person
