import math
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

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


def test_numbers_in_words() -> None:
    assert text.percent(0.93412) == "93.41 %"
    assert text.percent(math.nan) == "–"
    assert text.percent_number(0.5) == "50.00"
    assert text.loss(math.nan) == "NaN"
    assert text.loss(math.inf) == "infinite"
    assert text.loss(0.43121) == "0.4312"
    assert text.size(44_791_234) == "44.8 MB"
    assert text.size(17) == "17 B"
    assert text.short_count(12_400) == "12.4k"
    assert text.short_count(950) == "950"
    assert text.short_count(1_200_000) == "1.2M"
    assert text.throughput(163.2) == "163 images/s"
    assert text.throughput(math.nan) == "–"
    assert text.counted(1, "step") == "1 step"
    assert text.counted(2_600, "step") == "2,600 steps"
    assert text.age(30) == "just now"
    assert text.age(7_300) == "2 h ago"
