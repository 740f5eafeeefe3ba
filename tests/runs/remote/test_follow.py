"""A run is read about from its journal: the whole of it at once, then what is still said."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cifar_tui.events import Event, RunFailed, RunFinished, RunStarted, StepDone
from cifar_tui.files.append_file import LineFile
from cifar_tui.files.run_files import journal_path
from cifar_tui.history.curves import StepColumns
from cifar_tui.history.run_history import FeedItem, RunHistory
from cifar_tui.presets import preset
from cifar_tui.runs.find import all_runs
from cifar_tui.runs.folder import RunFolder
from cifar_tui.runs.lock import is_being_trained
from cifar_tui.runs.records.journal import BLOCK_BYTES, LONGEST_LINE, append_event, read_events, read_feed
from cifar_tui.runs.remote.follow import RemoteRun
from tests import scripted
from tests.waiting import eventually


def written(folder: Path, events: list[Event]) -> None:
    file = LineFile(journal_path(folder))
    for event in events:
        append_event(file, event)
    file.close()


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder.create(tmp_path / "one", "one", preset("quick"))


def drained(connection: RemoteRun) -> list[FeedItem]:
    said: list[FeedItem] = []

    def more() -> bool:
        said.extend(connection.poll())
        return connection.ended

    eventually(more)
    return [*said, *connection.poll()]


def first_words(connection: RemoteRun) -> list[FeedItem]:
    said: list[FeedItem] = []

    def more() -> bool:
        said.extend(connection.poll())
        return bool(said)

    eventually(more)
    return said


def after(said: list[FeedItem]) -> RunHistory:
    history = RunHistory()
    for one in said:
        history.apply(one)
    return history


def test_steps_in_a_row_come_as_columns_and_say_the_same(run: RunFolder) -> None:
    nan = StepDone(151, 4, float("nan"), 0.5, 1_000, 0.1, 151.0)
    written(run.path, [*scripted.opening(run.path), *scripted.epochs(3), nan, RunFinished(151, 0.5)])
    with (journal_path(run.path)).open("rb") as file:
        said = list(read_feed(file))
    assert sum(isinstance(one, StepColumns) for one in said) == 3
    ours, theirs = after(said), after(list(read_events(journal_path(run.path))))
    assert ours.step == theirs.step == 151
    assert ours.curves.train_loss.marks == theirs.curves.train_loss.marks == [151]
    assert (
        ours.curves.train_loss.thinned(50, 0, 151).y.tolist() == theirs.curves.train_loss.thinned(50, 0, 151).y.tolist()
    )
    assert ours.curves.loss_now.value == theirs.curves.loss_now.value
    assert ours.images_per_second == theirs.images_per_second
    assert [epoch.epoch for epoch in ours.epochs] == [1, 2, 3]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from([b"{}", b"[1]", b'{"event":"StepDone"}', b"\xff\x00", b"null", b'"x', b""]), max_size=9)
)
def test_unreadable_lines_are_passed_over(tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]) -> None:
    folder = tmp_path_factory.mktemp("journal")
    written(folder, scripted.epochs(1))
    with (journal_path(folder)).open("ab") as file:
        file.write(b"\n".join(lines))
    with (journal_path(folder)).open("rb") as file:
        said = list(read_feed(file))
    assert after(said).step == 50


def test_a_torn_last_line_is_read_once_it_is_whole(run: RunFolder) -> None:
    written(run.path, scripted.opening(run.path))
    path = journal_path(run.path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-10])
    with path.open("rb") as file:
        assert len(list(read_feed(file))) == 2
        path.write_bytes(whole)
        assert len(list(read_feed(file))) == 1


def test_a_live_run_is_followed_until_it_ends(run: RunFolder) -> None:
    assert is_being_trained(run.path)
    written(run.path, [*scripted.opening(run.path), *scripted.epochs(1)])
    connection = RemoteRun(run.path)
    said = first_words(connection)
    assert after(said).step == 50
    assert not connection.ended
    written(run.path, [scripted.step(51), RunFinished(51, 0.5)])
    run.close()
    said += drained(connection)
    history = after(said)
    assert history.step == 51
    assert history.state == "finished"


def test_a_killed_run_is_said_to_have_ended(run: RunFolder) -> None:
    written(run.path, [*scripted.opening(run.path), *scripted.epochs(1)])
    run.close()
    said = drained(RemoteRun(run.path))
    assert isinstance(said[-1], RunFailed)
    assert "Nothing of it was saved" in said[-1].reason
    assert after(said).step == 50


def test_a_verdict_after_the_end_is_no_sign_of_life(run: RunFolder) -> None:
    end: list[Event] = [RunFinished(50, 0.5), scripted.verdict("net_001.pth")]
    written(run.path, [*scripted.opening(run.path), *scripted.epochs(1), *end])
    run.close()
    assert after(drained(RemoteRun(run.path))).state == "finished"


def test_a_journal_that_goes_back_is_said_from_the_start(run: RunFolder) -> None:
    written(run.path, [*scripted.opening(run.path), *scripted.epochs(2)])
    connection = RemoteRun(run.path)
    first_words(connection)
    shorter = run.path / "shorter"
    shorter.mkdir()
    written(shorter, [*scripted.opening(run.path), *scripted.epochs(1), RunFinished(50, 0.5)])
    (journal_path(shorter)).replace(journal_path(run.path))
    said: list[FeedItem] = []

    def said_again() -> bool:
        said.extend(connection.poll())
        return any(isinstance(one, RunFinished) for one in said)

    eventually(said_again)
    assert isinstance(said[0], RunStarted)
    assert after(said).step == 50
    run.close()
    drained(connection)


def test_a_run_that_was_moved_is_followed_where_it_is(run: RunFolder) -> None:
    written(run.path, [*scripted.opening(Path("/somewhere/else")), RunFinished(50, 0.5)])
    run.close()
    history = after(drained(RemoteRun(run.path)))
    assert history.started is not None
    assert history.started.folder == str(run.path)


def test_a_missing_journal_is_a_sentence(run: RunFolder) -> None:
    said = drained(RemoteRun(run.path))
    assert isinstance(said[-1], RunFailed)
    assert "Cannot read" in said[-1].reason


def test_looking_at_a_run_never_keeps_a_trainer_out(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    run.close()
    assert not is_being_trained(run.path)
    monkeypatch.chdir(run.path.parent)
    assert all_runs() == []
    RunFolder.reopen(run.path).close()


def test_an_evaluation_longer_than_what_is_read_at_a_time_is_read_whole(run: RunFolder) -> None:
    names = tuple(f"{label} {'a long name ' * 40}" for label in range(1_000))
    done, _ = scripted.evaluation_of("net_001.pth", names, 2_000)
    events: list[Event] = [*scripted.opening(run.path), *scripted.epochs(1)]
    written(run.path, [*events, done, *(scripted.step(number) for number in range(51, 71))])
    path = journal_path(run.path)
    content = path.read_bytes()
    assert max(map(len, content.splitlines())) > BLOCK_BYTES
    with path.open("rb") as file:
        history = after(list(read_feed(file)))
    assert history.step == 70
    assert history.verdicts == {"net_001.pth": done}
    place = content.index(b"EvaluationDone") + BLOCK_BYTES + 50
    path.write_bytes(content[:place])  # it is still being written
    with path.open("rb") as file:
        history = after(list(read_feed(file)))
        assert (history.step, history.verdicts) == (50, {})
        path.write_bytes(content)
        for one in read_feed(file):
            history.apply(one)
    assert (history.step, list(history.verdicts)) == (70, ["net_001.pth"])


def test_a_line_that_never_ends_is_passed_over(run: RunFolder) -> None:
    written(run.path, scripted.opening(run.path))
    with journal_path(run.path).open("ab") as file:
        file.write(b" " * (LONGEST_LINE + BLOCK_BYTES) + b"\n")
    written(run.path, [scripted.step(1)])
    with journal_path(run.path).open("rb") as file:
        assert after(list(read_feed(file))).step == 1
