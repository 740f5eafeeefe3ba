import string

from hypothesis import given
from hypothesis import strategies as st

from cifar_tui import text
from cifar_tui.report.class_names import class_names, fitted_name, short_names

NAMES = st.text(st.sampled_from(string.ascii_letters + " _-.飞机שלום\u0301\u202e\x1b🐱"), max_size=110)


def test_a_name_that_fits_is_kept_and_a_longer_one_keeps_both_ends() -> None:
    assert class_names(["airplane", "n02085620-Chihuahua"]) == ["airplane", "n0208562…ihuahua"]
    assert class_names(["x" * 100, "y"]) == ["xxxxxxxx…xxxxxxx", "y"]
    assert fitted_name("飞机飞机飞机", 7) == "飞机…机"


def test_names_that_are_alike_are_numbered_by_their_class() -> None:
    names = [f"the_same_beginning_{word}_the_same_ending" for word in ("one", "two")]
    assert class_names([*names, "other"]) == ["the_sam…ending·0", "the_sam…ending·1", "other"]
    assert class_names(["cat", "dog", "cat"]) == ["cat·0", "dog", "cat·2"]
    assert class_names(["cat", "cat", "cat·0"]) == ["cat··0", "cat·1", "cat·0"]


@given(st.lists(NAMES, min_size=1, max_size=40), st.integers(6, 40))
def test_no_two_classes_have_the_same_name_and_none_is_too_long(names: list[str], most: int) -> None:
    shown = class_names(names, most)
    assert len(set(shown)) == len(names)
    assert max(map(text.cells, shown)) <= most
    assert all(one == text.safe_text(one, 200) for one in shown)
    assert class_names(names, most) == shown
    kept = [(name, one) for name, one in zip(names, shown, strict=True) if names.count(name) == 1]
    assert all(one == name for name, one in kept if text.safe_text(name) == name and "·" not in one and "…" not in one)


@given(st.lists(NAMES, min_size=1, max_size=20, unique=True), st.integers(3, 8), st.integers(0, 900))
def test_short_names_are_names_or_numbers_and_all_differ(names: list[str], length: int, first: int) -> None:
    distinct = class_names(names)
    short = short_names(distinct, length, first)
    assert len(set(short)) == len(names)
    assert max(map(text.cells, short)) <= length
