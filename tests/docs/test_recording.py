"""The recording in docs/ is one that asciinema plays, and its picture is drawn from it."""

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from recording import FRAMES_PER_SECOND, PAUSE_SECONDS, SIZE, Recording, cast, draw, frames_of

DOCS = Path(__file__).parents[2] / "docs"


def recorded(*events: tuple[float, str]) -> str:
    return cast(Recording([(at, "o", text) for at, text in events]), (20, 3), "A recording")


def lines_of(rows: object) -> str:
    return "".join(text for row in rows for text, _ in row).strip()  # type: ignore[attr-defined]


def check_cast(content: str) -> None:
    header, *events = (json.loads(line) for line in content.splitlines())
    assert header["version"] == 2
    assert header["width"] > 0
    assert header["height"] > 0
    times = [event[0] for event in events]
    assert times == sorted(times)
    assert all(len(event) == 3 and event[1] in ("o", "i") and isinstance(event[2], str) for event in events)


def test_a_recording_is_written_as_asciinema_reads_it() -> None:
    content = cast(Recording([(0.0, "o", "$ "), (0.5, "i", "é"), (0.6, "o", "é\r\n")]), SIZE, "A recording")
    check_cast(content)
    assert json.loads(content.splitlines()[2]) == [0.5, "i", "é"]


def test_a_character_that_comes_in_two_parts_is_recorded_whole() -> None:
    recording = Recording()
    for part in (b"a\xe2", b"\x97", b"\x8f"):
        recording.take("o", part)
    assert [text for _, _, text in recording.events] == ["a", "●"]


def test_frames_are_at_most_four_a_second_and_differ() -> None:
    content = recorded(*((number / 50, f"\r{number // 10}") for number in range(100)))
    frames = list(frames_of(content))
    assert [frame.at * FRAMES_PER_SECOND for frame in frames] == list(range(8))
    assert [lines_of(frame.rows) for frame in frames] == ["1", "2", "3", "4", "6", "7", "8", "9"]


def test_a_long_wait_is_cut() -> None:
    frames = list(frames_of(recorded((0.0, "one"), (60.0, "\rtwo"), (60.5, "\rsix"))))
    assert [frame.at for frame in frames] == [0.0, PAUSE_SECONDS, PAUSE_SECONDS + 0.5]
    assert [lines_of(frame.rows) for frame in frames] == ["one", "two", "six"]


def test_keys_are_no_part_of_the_picture() -> None:
    content = cast(Recording([(0.0, "o", "here"), (1.0, "i", "q"), (2.0, "o", "!")]), (20, 3), "A recording")
    assert [lines_of(frame.rows) for frame in frames_of(content)] == ["here", "here!"]


def test_what_is_typed_one_character_at_a_time_is_shown() -> None:
    *_, last = frames_of(recorded(*((number / 10, letter) for number, letter in enumerate("$ hello, l"))))
    assert lines_of(last.rows) == "$ hello, l"


def test_the_shell_comes_back_after_a_full_screen_program() -> None:
    program = "\x1b[?1049h\x1b[>1u\x1b[2J\x1b[Hdashboard"
    frames = list(frames_of(recorded((0.0, "$ run"), (1.0, program), (2.0, "\x1b[<u\x1b[?1049l\r\n$ "))))
    assert [lines_of(frame.rows).split() for frame in frames] == [["$", "run"], ["dashboard"], ["$", "run", "$"]]


def test_a_screen_that_is_still_empty_is_not_shown() -> None:
    frames = list(frames_of(recorded((0.0, "$ run"), (1.0, "\x1b[?1049h"), (1.5, "dashboard"))))
    assert [lines_of(frame.rows) for frame in frames] == ["$ run", "dashboard"]


SEEN = {
    "first-minute": ("cifar-tui train", "Training", "Evaluation", "cifar-tui runs", "cifar-tui attach"),
    "several": ("--processes 2", "Training", "pkill", "was lost", "Resumed after step", "bit-exact"),
    "night": ("queue add", "[y/N] y", "--detach", "1 running", "kill -9", "was killed", "4 ended", "results night"),
}


@pytest.fixture(scope="module", params=SEEN)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def kept(name: str) -> str:
    return (DOCS / f"{name}.cast").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_kept_recording_plays(name: str, kept: str) -> None:
    check_cast(kept)
    frames = list(frames_of(kept))
    assert len(frames) > 50
    assert frames[-1].at <= 75
    assert not re.search(r"Traceback|/work|/home/|/root", kept)
    shown = [lines_of(frame.rows) for frame in frames]
    for seen in SEEN[name]:
        assert any(seen in text for text in shown), seen


@pytest.mark.slow
def test_the_kept_picture_is_of_the_kept_recording(name: str, kept: str) -> None:
    picture = (DOCS / f"{name}.svg").read_text(encoding="utf-8")
    assert picture == draw(kept)
    ElementTree.fromstring(picture)
    assert len(picture.encode()) <= 600_000
