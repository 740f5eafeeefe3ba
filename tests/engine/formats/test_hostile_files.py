"""No file makes us run, hang, or allocate: it is a network of ours, or it gets one sentence in our own words."""

import hashlib
import random
import re
import resource
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from cifar_tui.checkpoint_events import EvaluationFailed
from cifar_tui.control import RequestQueue
from cifar_tui.engine.checkpoints.checkpoint import load_network, plain_tensors, read_network, save_tensors
from cifar_tui.engine.checkpoints.training_state import newest_state
from cifar_tui.engine.formats.pickle_scan import scan
from cifar_tui.engine.network.model import fresh_network
from cifar_tui.errors import CheckpointDamaged
from cifar_tui.events import Event
from cifar_tui.jobs.evaluate import EvaluateJob
from cifar_tui.presets import preset
from cifar_tui.runs.checkpoints.states import StateRecord, commit_state, state_path
from tests.engine.formats.hostile_files import CORPUS
from tests.engine.formats.hostile_parts import Hostile, saved, saved_pickle, touch, weights
from tests.engine.trained import tiny_recipe

MOST_CALLS = 1_000_000
"""Function calls that a refusal may take, whatever the machine; how long they take is for benchmarks/hostile.py."""
KILOBYTES = 100_000
"""How much memory a refusal may take."""
THEIR_WORDS = ("weights_only", "Traceback", "UnpicklingError", "torch.load(file")


def built(hostile: Hostile, folder: Path) -> Path:
    path = folder / hostile.name
    return hostile.build(path, folder / "canary") or path


def sentence_for(path: Path) -> str:
    with pytest.raises(CheckpointDamaged) as refusal:
        read_network(path)
    return str(refusal.value)


def counting_calls(ask: Callable[[], str]) -> tuple[str, int]:
    calls = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        sentence = ask()
    finally:
        sys.setprofile(before)
    return sentence, calls


@pytest.mark.parametrize("hostile", CORPUS, ids=[hostile.tries for hostile in CORPUS])
def test_a_hostile_file_is_refused_at_once_in_our_own_words(tmp_path: Path, hostile: Hostile) -> None:
    path = built(hostile, tmp_path)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    sentence, calls = counting_calls(lambda: sentence_for(path))
    assert calls < MOST_CALLS
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < KILOBYTES
    assert re.search(hostile.expected, sentence), sentence
    assert sentence.isprintable()
    assert sentence.endswith((".", "'")), "a sentence, or a command"
    if "old format" not in sentence:
        assert not any(words in sentence for words in THEIR_WORDS)
    assert not (tmp_path / "canary").exists()


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("small") / "net.pth"
    save_tensors(plain_tensors(fresh_network(1, 0)), path)
    return path.read_bytes()


def test_a_file_cut_anywhere_is_refused(tmp_path: Path, small: bytes) -> None:
    places = {*range(64), *range(len(small) - 200, len(small)), *random.Random(0).sample(range(len(small)), 150)}
    for length in places:
        (tmp_path / "cut.pth").write_bytes(small[:length])
        assert "damaged" in sentence_for(tmp_path / "cut.pth")


@pytest.mark.slow
def test_a_flipped_bit_is_noticed_or_changes_nothing(tmp_path: Path, small: bytes) -> None:
    """Nothing is known of these files; their archive's checksums are what notices. torch itself looks at none."""
    expected = fresh_network(1, 0).state_dict()
    refused = 0
    for place in random.Random(1).sample(range(len(small)), 120):
        content = bytearray(small)
        content[place] ^= 1 << place % 8
        (tmp_path / "flipped.pth").write_bytes(content)
        try:
            found = read_network(tmp_path / "flipped.pth").network.state_dict()
        except CheckpointDamaged:
            refused += 1
            continue
        assert all(torch.equal(found[name], tensor) for name, tensor in expected.items()), place
    assert refused >= 40


@pytest.mark.slow
def test_flipped_numbers_are_damaged(tmp_path: Path, small: bytes) -> None:
    numbers = fresh_network(1, 0).state_dict()["layer4.1.left.0.weight"].numpy().tobytes()
    place = small.index(numbers)
    for offset in random.Random(2).sample(range(len(numbers)), 20):
        content = bytearray(small)
        content[place + offset] ^= 1
        (tmp_path / "flipped.pth").write_bytes(content)
        assert sentence_for(tmp_path / "flipped.pth") == "flipped.pth is damaged: its weights cannot be read."


def test_a_file_that_is_replaced_while_it_is_read_is_the_opened_one_or_refused(tmp_path: Path, small: bytes) -> None:
    from cifar_tui.engine.formats.detect import detect
    from cifar_tui.engine.formats.open_file import open_external

    path = tmp_path / "net.pth"
    path.write_bytes(small)
    with open_external(path) as file:
        described = detect(file, path.name)
        path.unlink()
        path.write_bytes(b"another")
        assert isinstance(described.load(), dict)
    path.write_bytes(small)
    with open_external(path) as file:
        described = detect(file, path.name)
        path.write_bytes(bytes(len(small)))
        with pytest.raises(CheckpointDamaged, match="is damaged"):
            described.load()


@pytest.mark.parametrize("hostile", [CORPUS[0], CORPUS[-3]], ids=["code", "words"])
def test_an_evaluation_of_a_hostile_file_ends_as_an_event(tmp_path: Path, hostile: Hostile) -> None:
    path = built(hostile, tmp_path)
    said: list[Event] = []
    EvaluateJob(preset("smoke"), tmp_path, path.name).run(said.append, RequestQueue())
    (failed,) = said
    assert isinstance(failed, EvaluationFailed)
    assert failed.damaged
    assert (failed.reason + failed.checkpoint).isprintable()


def test_a_runs_own_checkpoint_is_held_to_its_sidecar(tmp_path: Path, small: bytes) -> None:
    (tmp_path / "net_001.pth").write_bytes(small)
    assert read_network(tmp_path / "net_001.pth").network.width == 1
    (tmp_path / "recipe.json").write_text("{}")
    with pytest.raises(CheckpointDamaged, match="never completely saved"):
        read_network(tmp_path / "net_001.pth")
    (tmp_path / "net_001.json").write_text("{}")
    with pytest.raises(CheckpointDamaged, match=r"its \.json file is damaged"):
        load_network(tmp_path, "net_001.pth")


@pytest.mark.slow
def test_any_pickle_is_followed_to_its_end_or_refused() -> None:
    """Pickles with some bytes replaced, in an archive whose checksums fit: only what is no pickle of ours may raise."""
    chance = random.Random(3)
    intact = saved_pickle({"net": weights(), "acc": 1.0, "steps": [1, (2, 3)]})
    bytes_of = {str(key): tensor.nbytes for key, tensor in enumerate(weights().values())}
    content, complete = scan(intact, bytes_of)
    assert isinstance(content, dict)
    assert complete
    refused = 0
    for _ in range(300):
        changed = bytearray(intact)
        for _ in range(chance.choice((1, 2, 9))):
            changed[chance.randrange(len(changed))] = chance.choice((chance.randrange(256), *b"}](NtRQ.sueabh0"))
        try:
            scan(bytes(changed), bytes_of)
        except CheckpointDamaged:
            refused += 1
    assert refused > 100


def test_a_training_state_takes_the_same_road(tmp_path: Path) -> None:
    path, canary = state_path(tmp_path, 7), tmp_path / "canary"
    content = saved({"step": 7, "network": touch(canary), "momentum": {}, "scaler": {}})
    path.write_bytes(content)
    record = StateRecord(
        step=7, size=len(content), sha256=hashlib.sha256(content).hexdigest(), images="", environment={}, saved_at=1.0
    )
    commit_state(tmp_path, record)
    said: list[str] = []
    assert newest_state(tmp_path, tiny_recipe(), said.append) is None
    assert said == ["Refused: the file wants to run posix.system. Nothing was executed. The one before it is used."]
    assert not canary.exists()
