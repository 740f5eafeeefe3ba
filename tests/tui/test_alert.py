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
        ("osc9", ["\x1b]9;cifar-tui: Finished 50 steps in 00:55: test accuracy 53.27 %.\a"]),
        ("osc777", ["\x1b]777;notify;cifar-tui;Finished 50 steps in 00:55: test accuracy 53.27 %.\a"]),
    ],
)
def test_the_end_of_a_run_alerts_the_way_a_person_chose(alert: Alert, sent: list[str]) -> None:
    history, sent_sequences = RunHistory(), list[str]()
    alerter = Alerter(alert, sent_sequences.append)
    for event in [*scripted.opening(), *scripted.epochs(1)]:
        history.apply(event)
        alerter.show(history)
    assert sent_sequences == [], "a run that goes on calls nobody"
    history.apply(RunFinished(50, 0.5327))
    alerter.show(history)
    assert sent_sequences == sent


@pytest.mark.fault(21)
def test_a_nonfinite_loss_alerts_and_hostile_text_stays_text() -> None:
    history, sent_sequences = RunHistory(), list[str]()
    alerter = Alerter("osc9", sent_sequences.append)
    for event in [*scripted.opening(), scripted.step(1), LossNotFinite(2, math.nan, waiting=True)]:
        history.apply(event)
    alerter.show(history)
    assert "step 2 is NaN" in sent_sequences[0]
    history.apply(RolledBack(2, 1, 0.05, ((2, 0.5),)))
    alerter.show(history)
    assert len(sent_sequences) == 1
    history.apply(RunFailed("\x1b]52;c;aGk=\a boom", "", 1))
    alerter.show(history)
    assert sent_sequences[1].count("\x1b") == sent_sequences[1].count("\a") == 1
