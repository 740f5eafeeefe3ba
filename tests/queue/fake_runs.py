"""Runs that a test starts, finishes and kills by hand, in folders as an engine leaves them."""

from collections.abc import Collection, Mapping
from pathlib import Path

from cifar_tui.errors import BadInput
from cifar_tui.events import Noted, RunFailed, RunFinished, RunResumed, RunStopped
from cifar_tui.files.run_files import recipe_path
from cifar_tui.presets import preset
from cifar_tui.queue.changes import Change, QueueState
from cifar_tui.queue.devices import Devices
from cifar_tui.queue.job import Job
from cifar_tui.queue.runner import Runner
from cifar_tui.queue.store import QueueStore
from cifar_tui.runs.folder import RunFolder
from tests import scripted
from tests.run_folders import put_live_run, write_events

KILLED = -9


class FakeProcess:
    """A run's process, as far as a runner sees it."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.code: int | None = None
        self.said = ""

    def poll(self) -> int | None:
        return self.code

    def trouble(self) -> str:
        return self.said


class FakeRuns:
    """Starts runs in a folder, for a runner."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.started: list[str] = []
        self.environments: dict[str, Mapping[str, str]] = {}
        self.refused: dict[str, str] = {}
        self.processes: dict[str, FakeProcess] = {}
        self._folders: dict[str, RunFolder] = {}

    def start(self, job: Job, environment: Mapping[str, str]) -> FakeProcess:
        if job.run in self.refused:
            raise BadInput(self.refused[job.run])
        assert job.run not in self._folders, "it is trained twice"
        self.started.append(job.run)
        self.environments[job.run] = environment
        folder = self.place / job.run
        if recipe_path(folder).is_file():
            self._folders[job.run] = RunFolder.reopen(folder)
            write_events(folder, [RunResumed(scripted.STEPS_PER_EPOCH, preset("quick"), (), "", 0.0, "1")])
        else:
            self._folders[job.run] = put_live_run(self.place, job.run, [*scripted.opening()[1:], *scripted.epochs(1)])
        self.processes[job.run] = FakeProcess(4_000_000 + len(self.started))
        return self.processes[job.run]

    @property
    def live(self) -> Collection[str]:
        return set(self._folders)

    def finish(self, run: str) -> None:
        self._end(run, 0, RunFinished(scripted.STEPS_PER_EPOCH, scripted.epoch(1).test_accuracy))

    def fail(self, run: str, reason: str = "It broke.") -> None:
        self._end(run, 1, RunFailed(reason, "", 1))

    def stop(self, run: str, by: str = "", code: int = 0) -> None:
        self._end(run, code, *([Noted(f"Stopped by {by}.")] if by else []), RunStopped(scripted.STEPS_PER_EPOCH, "x"))

    def ask(self, run: str) -> bool:
        if run in self._folders:
            self.stop(run, code=143)
        return True

    def kill(self, run: str) -> None:
        self._end(run, KILLED)

    def _end(self, run: str, code: int, *events: object) -> None:
        folder = self._folders.pop(run)
        write_events(folder.path, events)  # type: ignore[arg-type]
        folder.close()
        self.processes[run].code = code


class Bench:
    """A queue, its runs, and a runner that can be killed."""

    def __init__(self, place: Path, gpus: Collection[str] = (), per_gpu: int = 1, keep_going: bool = False) -> None:
        self.store = QueueStore(place)
        self.runs = FakeRuns(place)
        self.lines: list[str] = []
        self.told: list[tuple[str, Mapping[str, object]]] = []
        self.others: dict[str, Collection[int]] = {}
        self._keep_going = keep_going
        self._devices = Devices(tuple(gpus), None, per_gpu, lambda uuid: self.others.get(uuid, ()))
        self.restart()

    def restart(self) -> None:
        """Kill the runner, and start another one, which knows nothing of it."""
        store = QueueStore(self.store.place)
        self.runner = Runner(
            store,
            self._devices,
            self.runs.start,
            self.lines.append,
            keep_going=self._keep_going,
            stop=lambda folder, _process: self.runs.ask(folder.name),
            notify=lambda event, facts: self.told.append((event, facts)),
        )

    def add(self, *names: str, **fields: object) -> None:
        def decide(state: QueueState) -> list[Change]:
            numbers = range(state.next_number, state.next_number + len(names))
            jobs = [Job(number=number, run=name, **fields) for number, name in zip(numbers, names, strict=True)]  # type: ignore[arg-type]
            return [Change(change="add", jobs=tuple(jobs), to=-1)]

        self.store.change(decide)

    def outcomes(self) -> dict[str, str]:
        return {entry.job.run: entry.outcome or entry.state for entry in self.store.read().in_order()}
