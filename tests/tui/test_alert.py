"""A person who looks elsewhere is called once for every end and every trouble."""

import math

import pytest

from cifar_tui.events import LossNotFinite, RolledBack, RunFailed, RunFinished
from cifar_tui.history.run_history import RunHistory
from cifar_tui.tui.alert import Alert, Alerter
from tests import scripted


@pytest.mark.parametrize(
    ("alert", "sent"),
    [
        ("none", []),
        ("bell", ["\a"]),
        ("osc9", ["\x1b]9;cifar-tui: Finished 50 steps: test accuracy 53.27 %.\a"]),
        ("osc777", ["\x1b]777;notify;cifar-tui;Finished 50 steps: test accuracy 53.27 %.\a"]),
    ],
)
def test_the_end_of_a_run_calls_the_way_a_person_chose(alert: Alert, sent: list[str]) -> None:
    history, accepting = RunHistory(), list[str]()
    alarm = Alerter(alert, accepting.append)
    for event in [*scripted.opening(), *scripted.epochs(1)]:
        history.apply(event)
        alarm.show(history)
    assert accepting == [], "a run that goes on calls nobody"
    history.apply(RunFinished(50, 0.5327))
    alarm.show(history)
    assert accepting == sent


@pytest.mark.fault(21)
def test_a_loss_without_a_number_calls_and_hostile_words_stay_words() -> None:
    history, accepting = RunHistory(), list[str]()
    alarm = Alerter("osc9", accepting.append)
    for event in [*scripted.opening(), scripted.step(1), LossNotFinite(2, math.nan, waiting=True)]:
        history.apply(event)
    alarm.show(history)
    assert "step 2 is no number" in accepting[0]
    history.apply(RolledBack(2, 1, 0.05, ((2, 0.5),)))
    alarm.show(history)
    assert len(accepting) == 1
    history.apply(RunFailed("\x1b]52;c;aGk=\a boom", "", 1))
    alarm.show(history)
    assert accepting[1].count("\x1b") == accepting[1].count("\a") == 1
