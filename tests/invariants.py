"""What must hold of a run after anything that went wrong, in one function."""

import hashlib
import itertools
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from cifar_tui.checkpoint_events import CheckpointDeleted, CheckpointSaved, StateSaved
from cifar_tui.events import EpochDone, RolledBack, RunResumed, StepDone
from cifar_tui.files.run_files import ADDRESS_NAME, journal_path
from cifar_tui.runs.checkpoints.sidecars import list_sidecars
from cifar_tui.runs.checkpoints.states import list_states, state_path
from cifar_tui.runs.lock import is_being_trained
from cifar_tui.runs.records.journal import read_events

UI_GAP_SECONDS = 0.25
LEAVES_SCREEN, ENTERS_SCREEN = b"\x1b[?1049l", b"\x1b[?1049h"


@dataclass(slots=True, kw_only=True)
class Evidence:
    """What is known besides the run's folder."""

    foreign: Mapping[Path, bytes] = field(default_factory=dict)
    """Files that are not ours, as they were before."""
    canary: Path | None = None
    """A file that code in a checkpoint would make."""
    terminal: bytes | None = None
    """All that a terminal was sent, by a program that has ended and was not killed."""
    redraw_gaps: list[float] = field(default_factory=list)
    """Seconds a screen took to answer."""
    restarted: bool = False
    """Whether the run was opened again since, or ended by itself."""
    whole: Mapping[str, str] | None = None
    """SHA-256 of the unbroken run's epochs, by name, for a run that was resumed to its end."""


def check(run: Path, evidence: Evidence) -> None:
    """Raises AssertionError, naming the invariant, unless all of them hold of the run."""
    saved, states, best = _acknowledged(run)
    verified = {
        sidecar.checkpoint for sidecar in list_sidecars(run) if _digest(run / sidecar.checkpoint) == sidecar.sha256
    }
    good_states = {record.step for record in list_states(run) if _digest(state_path(run, record.step)) == record.sha256}
    if saved:
        assert verified, "I1: a verified checkpoint exists once a save was acknowledged"
        assert saved[-1] in verified, "I2: the newest acknowledged checkpoint is never lost"
    if states:
        assert max(good_states) >= states[-1], "I2: the newest acknowledged state is never lost"
    if best is not None:
        assert best in verified, "I3: the best is never lost"
    for path, content in evidence.foreign.items():
        assert path.read_bytes() == content, f"I4: {path} is not ours and has changed"
    assert evidence.canary is None or not evidence.canary.exists(), "I5: code from a file ran"
    if evidence.terminal is not None and ENTERS_SCREEN in evidence.terminal:
        restored = evidence.terminal.rindex(LEAVES_SCREEN) > evidence.terminal.rindex(ENTERS_SCREEN)
        assert restored, "I6: the terminal has its own screen back"
    assert max(evidence.redraw_gaps, default=0.0) <= UI_GAP_SECONDS, "I7: no gap in what a person sees"
    if evidence.restarted:
        _nothing_left(run)
    if evidence.whole is not None:
        ended = {
            sidecar.checkpoint: sidecar.sha256 for sidecar in list_sidecars(run) if "step" not in sidecar.checkpoint
        }
        assert ended == evidence.whole, "I9: a resumed run ends with the very same weights"
    _records_are_in_order(run)


def _acknowledged(run: Path) -> tuple[list[str], list[int], str | None]:
    """Checkpoints and states said to be saved and not deleted since, oldest first, and the best epoch's among them."""
    saved: dict[str, int] = {}
    states: list[int] = []
    epochs: dict[int, float] = {}
    for event in read_events(journal_path(run)):
        match event:
            case CheckpointSaved():
                saved[event.checkpoint] = event.step
            case CheckpointDeleted():
                saved.pop(event.checkpoint, None)
            case StateSaved():
                states.append(event.step)
            case EpochDone():
                epochs[event.step] = event.choosing_accuracy
            case RunResumed() | RolledBack():
                to_step = event.at_step if isinstance(event, RunResumed) else event.to_step
                saved = {name: step for name, step in saved.items() if step <= to_step}
                states = [step for step in states if step <= to_step]
                epochs = {step: accuracy for step, accuracy in epochs.items() if step <= to_step}
    whole_epochs = {step: name for name, step in saved.items() if "step" not in name}
    scored = {step: epochs[step] for step in sorted(whole_epochs) if math.isfinite(epochs.get(step, math.nan))}
    return list(saved), states, whole_epochs[max(scored, key=lambda step: scored[step])] if scored else None


def _nothing_left(run: Path) -> None:
    assert not list(run.glob(".writing-*")), "I8: no temporary file is left"
    assert not list(run.glob(".deleting-*")), "I8: nothing is left half deleted"
    assert not (run / ADDRESS_NAME).exists(), "I8: no socket is left"
    assert not is_being_trained(run), "I8: no lock is left"
    assert not processes_of(run), "I8: no process is left"


def processes_of(run: Path) -> list[int]:
    """Processes, other than this one, that were started for this run (Linux)."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            words = (place / "cmdline").read_bytes()
            state = (place / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if os.fsencode(run) in words and b"cifar_tui" in words and state != "Z" and int(place.name) != os.getpid():
            found.append(int(place.name))
    return found


def _records_are_in_order(run: Path) -> None:
    steps = [event.step for event in read_events(journal_path(run)) if isinstance(event, StepDone)]
    assert steps == list(range(1, len(steps) + 1)), "no step is written down twice, and none is missing"
    seconds = [event.seconds for event in read_events(journal_path(run)) if isinstance(event, StepDone)]
    assert all(after >= before for before, after in itertools.pairwise(seconds)), "training time never goes back"


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def journal_lines(run: Path) -> list[dict[str, object]]:
    """The whole lines of a run's journal."""
    lines = (journal_path(run)).read_bytes().rpartition(b"\n")[0].splitlines()
    return [orjson.loads(line) for line in lines]
