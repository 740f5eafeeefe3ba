"""The devices that runs are started on: which, how many, and what somebody else computes on."""

from collections.abc import Collection
from types import SimpleNamespace

import pynvml
import pytest

from cifar_tui.errors import BadInput
from cifar_tui.queue.devices import CPU, DeviceMissing, Devices, Place, chosen_gpus, machine_devices, visible_gpus
from cifar_tui.queue.job import Job
from tests.system.test_nvidia import Driver

GPUS = ("GPU-a", "GPU-b", "GPU-c")


def job(device: str = "auto", gpus: str = "", processes: int = 0) -> Job:
    return Job(number=1, run="one", options={"device": device}, gpus=gpus, processes=processes)


def test_without_a_gpu_one_run_at_a_time() -> None:
    devices = Devices(())
    for name in ("auto", "cpu", "cuda", "cuda:1", "mps"):
        assert devices.place_for(job(name), []) == Place((CPU,))
        assert devices.place_for(job(name), [CPU]) is None
    assert Place((CPU,)).environment == {}


def test_every_gpu_gets_a_run_and_is_shown_no_other() -> None:
    devices, busy = Devices(GPUS), list[str]()
    for gpu in GPUS:
        place = devices.place_for(job(), busy)
        assert place is not None
        assert place.environment == {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": gpu}
        busy += place.devices
    assert devices.place_for(job(), busy) is None
    assert devices.place_for(job("cpu"), busy) == Place((CPU,))
    assert not devices.any_room([*busy, CPU])


def test_two_runs_share_a_gpu_once_all_have_one() -> None:
    devices, busy = Devices(GPUS[:2], per_gpu=2), list[str]()
    while (place := devices.place_for(job("cuda"), busy)) is not None:
        busy += place.devices
    assert busy == ["GPU-a", "GPU-b", "GPU-a", "GPU-b"]


def test_a_run_on_several_gpus_waits_until_they_are_free() -> None:
    devices = Devices(GPUS)
    assert devices.place_for(job(gpus="2"), ["GPU-a"]) == Place(("GPU-b", "GPU-c"))
    assert devices.place_for(job(gpus="2"), ["GPU-a", "GPU-c"]) is None
    place = devices.place_for(job(gpus="all"), [])
    assert place is not None
    assert place.environment["CUDA_VISIBLE_DEVICES"] == "GPU-a,GPU-b,GPU-c"
    with pytest.raises(DeviceMissing, match="wants 4 GPUs, and this queue is run on 3"):
        devices.place_for(job(gpus="4"), [])
    assert devices.place_for(job(processes=2), []) == Place((CPU,))


def test_a_gpu_that_a_job_names_is_the_one_it_gets() -> None:
    devices = Devices(GPUS[1:], visible=GPUS)
    place = devices.place_for(job("cuda:2"), ["GPU-b"])
    assert place is not None
    assert place.devices == ("GPU-c",)
    assert "CUDA_VISIBLE_DEVICES" not in place.environment  # its number would mean another one then
    assert devices.place_for(job("cuda:2"), ["GPU-c"]) is None
    for missing in ("cuda:0", "cuda:7"):
        with pytest.raises(DeviceMissing, match=f"wants {missing}"):
            devices.place_for(job(missing), [])
    assert devices.name("GPU-c") == "GPU 2"


@pytest.mark.parametrize(
    ("found", "ours", "others"),
    [
        ([], [], 0),
        ([7], [], 1),
        ([7, 8], [[7]], 1),
        ([7, 71], [[7, 71]], 0),
        ([1007], [[7]], 0),  # in a container: the host's number
        ([1007, 1008], [[7]], 1),
        ([7, 1008], [[7], [8]], 0),
    ],
)
def test_what_somebody_else_computes_on_is_told_from_our_own(
    found: list[int], ours: list[Collection[int]], others: int
) -> None:
    devices = Devices(("GPU-a",), processes=lambda _uuid: found)
    assert devices.others_on({"GPU-a": ours}) == ({"GPU-a": others} if others else {})


def test_a_driver_that_does_not_tell_its_processes_keeps_no_gpu_back() -> None:
    assert Devices(("GPU-a",), processes=lambda _uuid: None).others_on({}) == {}


@pytest.mark.parametrize(
    ("variable", "visible"),
    [
        (None, list(GPUS)),
        ("", []),
        ("-1", []),
        ("2,0", ["GPU-c", "GPU-a"]),
        ("1,9,0", ["GPU-b"]),
        ("GPU-c", ["GPU-c"]),
        ("GPU", []),
        ("MIG-5,0", ["MIG-5", "GPU-a"]),
    ],
)
def test_what_cuda_would_not_show_is_not_used(variable: str | None, visible: list[str]) -> None:
    assert visible_gpus(GPUS, variable) == visible


def test_a_person_names_devices_by_their_numbers() -> None:
    assert chosen_gpus(GPUS, None) == chosen_gpus(GPUS, "all") == list(GPUS)
    assert chosen_gpus(GPUS, "2,0,0") == ["GPU-a", "GPU-c"]
    assert chosen_gpus(GPUS, "cpu") == []
    for typed, sentence in (("3", "There are 3 GPUs here"), ("first", "numbers of GPUs"), ("0,", "numbers of GPUs")):
        with pytest.raises(BadInput, match=sentence):
            chosen_gpus(GPUS, typed)


def test_the_machine_is_asked_by_its_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    Driver(monkeypatch, ["GPU-a", "GPU-b"])
    running = {"GPU-a": [SimpleNamespace(pid=4_000_000)], "GPU-b": []}
    monkeypatch.setattr(pynvml, "nvmlDeviceGetUUID", lambda handle: handle)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetComputeRunningProcesses", lambda handle: running[handle])
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    devices = machine_devices(None, 1)
    assert devices.gpus == ("GPU-a", "GPU-b")
    assert devices.others_on({}) == {"GPU-a": 1}
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    assert machine_devices(None, 1).gpus == ("GPU-b",)


def test_a_machine_without_a_driver_has_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    Driver(monkeypatch, [])
    assert machine_devices(None, 1).gpus == ()
