"""What holds for every test: one thread, a person's preferences left alone, slow tests, and the table of faults.

Small networks on few images run fastest on one thread, and two test runs beside each other then cost no more.
"""

import gc
import os
import shutil
import sys
import tempfile
from collections import defaultdict
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("noisy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("noisy")  # no test asserts a time: the first draw alone may take a second on a busy machine

os.environ.setdefault("OMP_NUM_THREADS", "1")
# Hints then name the program without its path.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
OWN_FOLDER = Path(tempfile.mkdtemp(prefix="cifar-tui-tests-"))
"""The folder of this process; sockets of runs that a test has killed are nobody else's to collect."""
for variable in ("XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"):
    os.environ[variable] = str(OWN_FOLDER / variable)
    (OWN_FOLDER / variable).mkdir(mode=0o700)

FAULTS = {
    1: "the trainer is killed, at random moments and at every point of a save",
    2: "an attached screen is killed",
    3: "the terminal is closed, hung up, or its link stands still",
    4: "SIGTERM in mid-step, mid-save, mid-evaluation",
    5: "Ctrl-C once, twice, three times",
    6: "the process is suspended and goes on",
    7: "a storm of resizes",
    8: "the disk is full, and then is not",
    9: "the folder is read-only, is deleted; the disk fails",
    10: "a checkpoint or state is flipped, cut, empty, of another network",
    12: "a checkpoint is deleted or replaced while it is evaluated",
    14: "two trainers on one run; a stale socket",
    15: "two screens, one that never reads, junk, a ninth client",
    16: "another user, any umask, an unsafe folder",
    17: "a loss that is no number",
    18: "the memory is not enough",
    19: "the data set is cut, flipped, labelled wrongly, its download broken off",
    20: "the clock is set a day forth and back",
    21: "hostile names and lines",
    22: "libraries print to the terminal",
    23: "an exception in the screen, or in a save",
    24: "resumed elsewhere: another batch size, torch, number of threads",
    25: "one of several processes is lost, or asked at any moment",
    26: "whoever is notified hangs, drips, floods, refuses, is somebody else, or is gone",
    27: "a run is preempted again and again",
}
"""What can go wrong, by its number."""

LEFT_OUT = pytest.StashKey[int]()
"""How many slow tests are not run."""


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for no garbage while tests are collected, and never again through what all of them share."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_unconfigure() -> None:
    shutil.rmtree(OWN_FOLDER, ignore_errors=True)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-goldens", action="store_true", help="write the screens of tests/tui/goldens again")
    parser.addoption("--all", action="store_true", help="the slow tests, too; one that is named runs without it")
    parser.addoption(
        "--faults", action="store_true", help="only what can go wrong, each often, with a table at the end"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        item.user_properties += [("fault", mark.args[0]) for mark in item.iter_markers("fault")]
    for item in items:
        if not config.getoption("--faults") and any(mark.kwargs.get("often") for mark in item.iter_markers("fault")):
            item.add_marker(pytest.mark.skip(reason="another like it is tried; all of them with --faults"))
    if config.getoption("--faults"):
        items[:] = [item for item in items if item.get_closest_marker("fault") is not None]
    elif not any(config.getoption(option, False) for option in ("all", "keyword", "lf")):
        leave_out_slow(config, items)


def leave_out_slow(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the slow tests, except in a file that was named, or if slow ones were asked for."""
    if "slow" in config.getoption("markexpr"):
        return
    named = {config.invocation_params.dir / argument.partition("::")[0] for argument in config.args}
    slow = {item for item in items if item.get_closest_marker("slow") and item.path not in named}
    config.stash[LEFT_OUT] = len(slow)
    if slow:
        config.hook.pytest_deselected(items=[*slow])
        items[:] = [item for item in items if item not in slow]


def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["left_out"] = session.config.stash.get(LEFT_OUT, 0)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Every process of xdist has left out the same tests."""
    node.config.stash[LEFT_OUT] = getattr(node, "workeroutput", {}).get("left_out", 0)


@pytest.fixture
def often(request: pytest.FixtureRequest) -> bool:
    """Whether there is time to try everything often."""
    return bool(request.config.getoption("--faults"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if count := config.stash.get(LEFT_OUT, 0):
        terminalreporter.write_line(f"{count} slow tests are left out; --all, their file or -k runs them.")
    if not config.getoption("--faults"):
        return
    tries, lost, verdicts = defaultdict(int), defaultdict(int), defaultdict(set)  # type: ignore[var-annotated]
    for outcome in ("passed", "failed", "skipped", "error"):
        for report in terminalreporter.stats.get(outcome, []):
            said = dict(report.user_properties)
            for row in {number for name, number in report.user_properties if name == "fault"}:
                tries[row] += said.get("tries", 1) if outcome == "passed" else 0
                lost[row] += outcome in ("failed", "error")
                verdicts[row].add(outcome)
    terminalreporter.write_line("\nrow   tries  lost  verdict  fault")
    for row, fault in FAULTS.items():
        bad = verdicts[row] & {"failed", "error"}
        verdict = "FAILED" if bad else "holds" if "passed" in verdicts[row] else "untried"
        terminalreporter.write_line(f"{row:>3}  {tries[row]:>6}  {lost[row]:>4}  {verdict:<7}  {fault}")
