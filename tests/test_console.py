import itertools
import sys
import time

import pytest

from cifar_tui import console
from cifar_tui.checkpoint_events import CheckpointFailed
from cifar_tui.events import DataMissing, Event, Noted, Progressed, RunFailed, RunFinished, RunStopped
from cifar_tui.history.run_history import RunHistory
from tests import scripted
from tests.scripted import ScriptedConnection


def printed(capsys: pytest.CaptureFixture[str], *events: Event) -> tuple[int, str, str]:
    connection = ScriptedConnection(events)
    connection.ended = True
    code = console.follow(connection)
    out, err = capsys.readouterr()
    return code, out, err


def test_a_run_in_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = printed(
        capsys,
        *scripted.opening(epochs=2),
        *scripted.epochs(2),
        Noted("bf16 has no hardware here."),
        CheckpointFailed("net_009.pth", "net_009.pth could not be saved."),
        RunFinished(100, 0.6),
    )
    assert (code, err) == (0, "")
    for line in (
        "Run one in /runs/one",
        "Training quick on CIFAR-10, 50,000 + 10,000 images",
        "ResNet-18, 11,173,962 parameters, on CPU, 2 threads, fp32",
        "accuracy 53.27 %  best so far; 00:55",
        "saved net_002.pth",
        "bf16 has no hardware here.",
        "net_009.pth could not be saved.",
        "Finished 100 steps in 01:50: test accuracy 60.00 %",
        "The run is in /runs/one.",
    ):
        assert line in out


def test_what_is_waited_for_is_a_line_until_the_first_step(capsys: pytest.CaptureFixture[str]) -> None:
    shown = console.Console(RunHistory(), sys.stdout)

    def lines(*events: Event) -> list[str]:
        shown.show(events)
        shown.show_waiting()
        return capsys.readouterr().out.splitlines()

    assert lines() == ["Loading PyTorch…"]
    first, *rest = scripted.opening()
    assert lines(first) == ["Run one in /runs/one"]
    assert lines(*rest)[-1] == "Waiting for the first step…"
    assert lines() == []
    (line,) = lines(scripted.step(1))
    assert line.startswith("epoch 1/26  step 1/")


def test_a_wait_says_how_long_it_is(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    shown = console.Console(RunHistory(), sys.stdout)
    now = itertools.count(100.0, console.LINE_SECONDS)
    monkeypatch.setattr(time, "monotonic", lambda: next(now))
    for _ in range(2):
        shown.show_waiting()
    assert capsys.readouterr().out.splitlines() == ["Loading PyTorch…", "Loading PyTorch… 00:10"]


def test_steps_are_not_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    out = printed(capsys, *scripted.opening(), *scripted.epochs(20), RunFinished(1, 0.5))[1]
    assert out.count("epoch 1/26  step") == 1
    assert len(out.splitlines()) < 50


def test_progress_says_bytes_rate_and_time_left(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progressed("Downloading CIFAR-10", 85_000_000, 170_000_000, "bytes", 20.0)
    out = printed(capsys, scripted.started(), progress, RunFinished(1, 0.5))[1]
    assert "Downloading CIFAR-10: 85.0 MB of 170.0 MB, 50 %, 4.2 MB/s, 20 s left" in out


@pytest.mark.parametrize(
    ("ending", "code", "text"),
    [
        (RunFailed("ValueError: broke", "/runs/one/failure.txt", 1), 1, "Details are in /runs/one/failure.txt."),
        (RunFailed("There is no CUDA device here.", "", 2), 2, "There is no CUDA device here."),
        (DataMissing("CIFAR-10 could not be downloaded."), 2, "CIFAR-10 could not be downloaded."),
    ],
)
def test_trouble_goes_to_stderr_with_its_exit_code(
    capsys: pytest.CaptureFixture[str], ending: Event, code: int, text: str
) -> None:
    returned, out, err = printed(capsys, scripted.started(), ending)
    assert returned == code
    assert text in err
    assert text not in out


def test_a_stop_says_what_was_saved(capsys: pytest.CaptureFixture[str]) -> None:
    out = printed(capsys, *scripted.opening(), scripted.step(7), RunStopped(7, "net_001_step_00007.pth"))[1]
    assert "Stopped after step 7 of 1,300, saved as net_001_step_00007.pth." in out
    out = printed(capsys, scripted.started(), RunStopped(0, ""))[1]
    assert "nothing to save" in out


def test_the_best_epoch_is_called_chosen_on_the_test_set(capsys: pytest.CaptureFixture[str]) -> None:
    events = [*scripted.opening(), scripted.epoch(1, 0.9), scripted.epoch(2, 0.8), RunFinished(100, 0.8)]
    assert "best 90.00 % after epoch 1, chosen on the test images" in printed(capsys, *events)[1]


@pytest.mark.parametrize(("classes", "columns", "whole"), [(10, 80, True), (10, 48, False), (20, 120, True)])
def test_a_matrix_is_printed_where_the_terminal_is_wide_enough(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, classes: int, columns: int, whole: bool
) -> None:
    done, _ = scripted.evaluation_of("net_001.pth", scripted.class_list(classes), 2_000)
    monkeypatch.setenv("COLUMNS", str(columns))
    for terminal in (True, False):
        monkeypatch.setattr(sys.stdout, "isatty", lambda terminal=terminal: terminal)
        connection = ScriptedConnection([done])
        connection.ended = True
        assert console.report_evaluation(connection, as_json=False) == 0
        out = capsys.readouterr().out
        assert ("predicted class (columns)" in out) == (whole or not terminal)
        assert ("wider than this terminal" in out) == (terminal and not whole)
        if terminal and whole:
            assert max(map(len, out.splitlines())) <= columns
