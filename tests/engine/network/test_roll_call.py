"""Processes that wait for each other at the start, in a store: for as long as it takes, and no longer."""

import threading
from pathlib import Path

import pytest
import torch
from torch.distributed import HashStore, PrefixStore  # type: ignore[attr-defined] # of its C part

from cifar_tui.engine.network.device import Device
from cifar_tui.engine.network.ranks import EndOrdered, RankLost, Ranks
from cifar_tui.engine.network.roll_call import (
    ENDED,
    RankFailed,
    Stage,
    arrive,
    await_all,
    await_rank,
    ended_on_purpose,
    folder_here,
    has_ended,
    name_folder,
    tell_failure,
)
from cifar_tui.engine.training.lead import on_all_devices
from cifar_tui.errors import BadInput, StopRequested
from cifar_tui.files.lock_owner import describe_this_process

ELSEWHERE = "process 1 on another-machine\n"
ENDED_HERE = f"process {2**22 + 1} on {describe_this_process().decode().partition(' on ')[2]}"


def ranks(count: int = 2, processes: str = "") -> list[Ranks]:
    """So many processes with one store, all of them this one, or `processes`."""
    store = PrefixStore("attempt0", HashStore())
    for rank in range(count):
        store.set(f"process{rank}", processes or describe_this_process().decode())
    return [Ranks(rank, count, store=store) for rank in range(count)]


def never() -> bool:
    return False


def test_all_are_waited_for_and_what_they_tell_is_known() -> None:
    leader, first, second = ranks(3)
    arrive(first, Stage.DEVICE, "cpu")
    late = threading.Timer(0.3, arrive, (second, Stage.DEVICE, "cuda"))
    late.start()
    assert await_all(leader, Stage.DEVICE, never) == {1: "cpu", 2: "cuda"}
    late.join()


def test_one_alone_waits_for_nobody() -> None:
    assert await_all(Ranks(), Stage.READY, never) == {}


def test_a_wait_can_be_stopped() -> None:
    with pytest.raises(StopRequested):
        await_all(ranks()[0], Stage.IMAGES, lambda: True)


def test_one_that_has_failed_is_not_waited_for() -> None:
    leader, follower = ranks()
    tell_failure(follower, "There is no GPU cuda:1 here.", 2)
    with pytest.raises(RankFailed, match=r"^Process 1 of this run failed: There is no GPU cuda:1 here\.$") as failed:
        await_all(leader, Stage.DEVICE, never)
    assert failed.value.exit_code == 2


def test_a_bug_is_a_loss_after_which_all_are_started_again() -> None:
    leader, follower = ranks()
    tell_failure(follower, "KeyError: 'weight'", 0)
    with pytest.raises(RankLost, match=r"^Process 1 of this run was lost during the start: KeyError: 'weight'$"):
        await_all(leader, Stage.DEVICE, never)
    assert not ended_on_purpose(follower)


def test_one_that_was_killed_is_not_waited_for() -> None:
    with pytest.raises(RankLost, match=r"^Processes 1, 2 of this run were lost"):
        await_all(ranks(3, ENDED_HERE)[0], Stage.READY, never)


def test_one_on_another_machine_is_waited_for() -> None:
    leader, follower = ranks(2, ELSEWHERE)
    late = threading.Timer(0.3, arrive, (follower, Stage.READY))
    late.start()
    assert await_all(leader, Stage.READY, never) == {1: ""}
    late.join()


def test_a_follower_waits_no_longer_than_the_run_lasts() -> None:
    leader, follower = ranks()
    assert leader.store is not None
    assert not has_ended(follower)
    leader.store.set(ENDED, "")
    assert has_ended(follower)
    assert ended_on_purpose(follower)
    with pytest.raises(EndOrdered):
        await_rank(follower, Stage.IMAGES, 0)


def test_an_error_that_stays_ends_the_others_for_good() -> None:
    _, first, second = ranks(3)
    tell_failure(first, "CPU ran out of memory.", 1)
    assert ended_on_purpose(second)


def test_the_folder_is_known_on_the_machine_that_has_it(tmp_path: Path) -> None:
    leader, follower = ranks()
    assert folder_here(follower) is None
    name_folder(leader, tmp_path)
    assert folder_here(follower) == tmp_path
    leader, follower = ranks(2, ELSEWHERE)
    name_folder(leader, tmp_path)
    assert folder_here(follower) is None


def test_processes_on_devices_of_two_kinds_are_refused() -> None:
    leader, follower = ranks()
    arrive(follower, Stage.DEVICE, "cuda")
    device = Device(torch.device("cpu"), "CPU", "", "fp32", channels_last=True)
    with pytest.raises(BadInput, match="Process 1 would train on cuda, and process 0 on cpu: name one with --device"):
        on_all_devices(leader, device, never)
