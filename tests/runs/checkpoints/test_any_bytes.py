"""Whatever is in a run's files, reading them gives a record or one named error; never an exception, never a hang."""

from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cifar_tui.errors import BadInput
from cifar_tui.files.append_file import LineFile
from cifar_tui.files.run_files import journal_path, recipe_path
from cifar_tui.presets import preset
from cifar_tui.runs.checkpoints.states import list_states
from cifar_tui.runs.folder import RunFolder, read_recipe
from cifar_tui.runs.overview import read_overview
from cifar_tui.runs.records.journal import append_event
from cifar_tui.serialization import to_record
from tests import scripted

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=12,
)


def as_json(value: object) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:  # an integer larger than JSON's readers take
        return b"{}"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("any") / "one"
    RunFolder.create(folder, "one", preset("quick")).close()
    return folder


FIELDS = sorted(to_record(preset("quick")))


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200) | JSON.map(as_json) | st.tuples(st.sampled_from(FIELDS), JSON))
def test_any_bytes_are_a_recipe_or_one_sentence(run: Path, content: bytes | tuple[str, object]) -> None:
    before = (recipe_path(run)).read_bytes()
    if isinstance(content, tuple):
        name, value = content
        content = as_json({**to_record(preset("quick")), name: value})
    try:
        (recipe_path(run)).write_bytes(content)
        read_recipe(run)
    except BadInput as error:
        assert "\x1b" not in str(error)
    finally:
        (recipe_path(run)).write_bytes(before)


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200) | JSON.map(as_json))
def test_any_bytes_are_a_states_record_or_none(run: Path, content: bytes) -> None:
    (run / "state_0000007.json").write_bytes(content)
    assert list_states(run) == []
    (run / "state_0000007.json").unlink()


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(st.lists(st.binary(max_size=60) | JSON.map(as_json), max_size=5), st.integers(0, 3))
def test_any_journal_is_an_overview(run: Path, junk: list[bytes], epochs: int) -> None:
    path = journal_path(run)
    path.unlink(missing_ok=True)
    file = LineFile(path)
    for event in [*scripted.opening(run), *scripted.epochs(epochs)]:
        append_event(file, event)
        for line in junk:
            file.append(line + b"\n")
    file.close()
    overview = read_overview(run)
    assert overview.step == epochs * scripted.STEPS_PER_EPOCH
    assert overview.state == "killed"
    assert (overview.last_accuracy is None) == (epochs == 0)
