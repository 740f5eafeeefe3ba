import math
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from cifar_tui import text


@given(st.text(max_size=600))
def test_safe_text_lets_nothing_through_that_steers_a_terminal(outside: str) -> None:
    safe = text.safe_text(outside)
    assert len(safe) <= 256
    assert not any(unicodedata.category(character) in text.UNSEEN for character in safe)


@pytest.mark.fault(21)
@pytest.mark.parametrize(
    "hostile", ["\x1b]52;c;aGk=\x07", "\x1b[2J", "a\nb", "\u202eexe.gpj", "\x9b31m", "\u200b", "\ue000", "\x00"]
)
def test_hostile_words_are_made_visible(hostile: str) -> None:
    assert "�" in text.safe_text(hostile)


def test_letters_of_every_language_stay() -> None:
    assert text.safe_text("飞机 самолёт ✈") == "飞机 самолёт ✈"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.04, "0.0 s"), (4.23, "4.2 s"), (9.97, "00:10"), (75, "01:15"), (3_661, "1:01:01"), (100_000, "1 d 03:46")],
)
def test_durations(seconds: float, words: str) -> None:
    assert text.duration(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-3, " 0 s"),
        (8.6, " 9 s"),
        (59.4, "59 s"),
        (59.6, " 1 min"),
        (2_290, "38 min"),
        (3_599, "1 h 00 min"),
        (7_500, "2 h 05 min"),
        (86_399, "1 d 0 h"),
        (198_000, "2 d 7 h"),
    ],
)
def test_estimates(seconds: float, words: str) -> None:
    assert text.rough_duration(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(60, "12:01"), (12 * 3_600, "Thu 00:00"), (7 * 86_400, "22 Nov 12:00"), (-13 * 3_600, "14 Nov 23:00")],
)
def test_the_hour_has_its_day_where_that_is_another(
    seconds: float, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    noon = 1_700_049_600.0
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    try:
        assert text.hour(noon + seconds, noon) == words
    finally:
        monkeypatch.undo()
        time.tzset()


@given(st.text(max_size=60), st.integers(1, 50))
def test_a_name_is_cut_in_its_middle(name: str, limit: int) -> None:
    short = text.shortened(name, limit)
    assert len(short) <= limit
    assert short == name or "…" in short
    assert name.startswith(short.split("…")[0])
    assert name.endswith(short.rpartition("…")[2])


@given(st.floats(0, 1e13))
def test_a_size_has_at_most_three_digits_before_its_point(bytes_: float) -> None:
    number, unit = text.size(bytes_).split()
    assert float(number) < 1_000 or unit == "GB"
    assert ("." in number) == (unit in ("MB", "GB"))


def test_numbers_in_words() -> None:
    assert text.percent(0.93412) == "93.41 %"
    assert text.percent(math.nan) == "–"
    assert text.percent_number(0.5) == "50.00"
    assert text.clock(math.nan) == text.duration(math.inf) == "–"
    assert text.loss(math.nan) == "NaN"
    assert text.loss(math.inf) == "infinite"
    assert text.loss(0.43121) == "0.4312"
    assert text.size(44_791_234) == "44.8 MB"
    assert text.size(746_400) == "746 kB"
    assert text.size(999_600) == "1.0 MB"
    assert text.size(17) == "17 B"
    assert text.percent(0.613, 0) == "61 %"
    assert text.rate(0.000390612) == "0.0003906"
    assert text.short_count(12_400) == "12.4k"
    assert text.short_count(950) == "950"
    assert text.short_count(1_200_000) == "1.2M"
    assert text.throughput(163.2) == "163 images/s"
    assert text.throughput(math.nan) == "–"
    assert text.counted(1, "step") == "1 step"
    assert text.counted(2_600, "step") == "2,600 steps"
    assert text.age(30) == "just now"
    assert text.age(7_300) == "2 h ago"


WIDE_NAMES = ("飞机", "🐱", "👨\u200d👩\u200d👧", "שלום", "cafe\u0301", "❤\ufe0f", "हिन्दी", "한국", "plain")
"""Class names that take other numbers of cells than they have characters."""


@pytest.mark.parametrize("name", WIDE_NAMES)
def test_cells_are_those_that_the_screen_counts(name: str) -> None:
    shown = text.safe_text(name)
    assert text.cells(shown) == cell_len(shown)
    for right in (False, True):
        padded = text.padded(shown, 10, right=right)
        assert cell_len(padded) == 10
        assert padded.endswith(shown) if right else padded.startswith(shown)
    assert text.padded(shown, 0) == shown
