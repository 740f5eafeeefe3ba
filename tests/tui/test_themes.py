import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cifar_tui.errors import BadInput
from cifar_tui.tui.themes import DEFAULT_THEME, find_themes, read_theme
from tests import scripted
from tests.scripted import ScriptedJobs, ScriptedLink
from tests.tui.drive import SHIPPED_THEMES, screen, settle, words


def test_the_shipped_themes_are_a_dark_a_light_a_colour_blind_safe_and_a_16_colour_one() -> None:
    themes = find_themes(SHIPPED_THEMES)
    assert list(themes.usable) == ["night", "clear", "day", "sixteen"]
    assert themes.broken == ()
    assert themes.usable["night"].dark
    assert not themes.usable["day"].dark
    assert themes.usable["sixteen"].ansi
    colours = [themes.usable["sixteen"].primary, *themes.usable["sixteen"].variables.values()]
    assert all(colour.startswith("ansi_") for colour in colours)


def test_a_theme_of_ones_own_takes_the_place_of_a_shipped_one(tmp_path: Path) -> None:
    own = (SHIPPED_THEMES[0] / "day.toml").read_text()
    (tmp_path / "night.toml").write_text(own)
    (tmp_path / "mine.toml").write_text(own)
    themes = find_themes([*SHIPPED_THEMES, tmp_path])
    assert not themes.usable["night"].dark
    assert themes.chosen("mine") == "mine"
    assert themes.chosen(None) == DEFAULT_THEME


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (('primary = "#7aa2f7"', 'primary = "blurple"'), "primary is no colour"),
        (('primary = "#7aa2f7"', ""), "no primary"),
        (('raw = "#4a5f96"', "raw = 7"), "raw is no colour"),
        (("dark = true", 'dark = "yes"'), "dark must be true or false"),
        (("[chart]", "[chart"), "Expected"),
        (("[colours]", '[colours]\nshine = "red"'), "unknown shine"),
    ],
)
async def test_a_broken_theme_is_named_and_the_default_used(tmp_path: Path, change: tuple[str, str], word: str) -> None:
    (tmp_path / "mine.toml").write_text((SHIPPED_THEMES[0] / "night.toml").read_text().replace(*change))
    themes = find_themes([*SHIPPED_THEMES, tmp_path])
    assert "mine" not in themes.usable
    assert "mine.toml" in themes.broken[0]
    with pytest.raises(BadInput, match="mine"):
        themes.chosen("mine")
    with pytest.raises(ValueError, match=word):
        read_theme(tmp_path / "mine.toml")


async def test_a_broken_theme_is_said_on_the_screen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.toml").write_text("nonsense")
    monkeypatch.setattr("tests.tui.drive.SHIPPED_THEMES", [*SHIPPED_THEMES, tmp_path])
    async with screen(ScriptedJobs(ScriptedLink(scripted.opening()))) as pilot:
        await settle(pilot)
        assert "mine.toml" in words(pilot).replace("\n", "") or "cannot be used" in words(pilot)


@given(st.binary(max_size=300) | st.text(max_size=200).map(lambda text: text.encode()))
def test_any_bytes_are_a_theme_or_one_named_error(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mine.toml"
        path.write_bytes(content)
        with pytest.raises(ValueError):
            read_theme(path)
