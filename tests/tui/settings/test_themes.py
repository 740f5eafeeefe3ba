import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.color import Color
from textual.pilot import Pilot

from cifar_tui.errors import BadInput
from cifar_tui.events import Paused
from cifar_tui.tui.settings.heat_map_colours import SHARES, contrast, heat_variables
from cifar_tui.tui.settings.themes import DEFAULT_THEME, find_themes, read_theme
from tests import scripted
from tests.scripted import ScriptedConnection, ScriptedJobs
from tests.tui import drive
from tests.tui.drive import SHIPPED_THEMES, screen, screen_text, settle

EARLIER_THEMES = Path(__file__).parents[2] / "earlier_version" / "themes"
TEXT_CONTRAST, SIGN_CONTRAST = 4.5, 3.0
"""Least contrasts in WCAG 2.2 AA of text (1.4.3), and of lines and signs (1.4.11)."""


@pytest.mark.parametrize("name", ["night", "day", "clear"])  # a 16-colour theme's colours are the terminal's own
def test_every_text_of_a_theme_can_be_read(name: str) -> None:
    theme = find_themes(SHIPPED_THEMES).usable[name]

    def colour(words: str | None) -> Color:
        return Color.parse(words or "")

    foreground = colour(theme.foreground)
    low = []
    for ground_name in ("background", "surface"):
        ground = colour(getattr(theme, ground_name))
        texts = {part: colour(getattr(theme, part)) for part in ("primary", "accent", "success", "warning", "error")}
        # The shares of the foreground that app.tcss writes text with.
        texts |= {f"foreground {share} %": ground.blend(foreground, share / 100) for share in (70, 75, 80, 85, 100)}
        texts |= {f"chart {part}": colour(theme.variables[f"chart-{part}"]) for part in ("smooth", "test", "axis")}
        texts |= {f"chart {part}": colour(theme.variables[f"chart-{part}"]) for part in ("rate", "mark")}
        low += [(ground_name, part, contrast(ground, one)) for part, one in texts.items()]
    ground = colour(theme.background)
    # Badges: the background's colour on a state's.
    badges = {part: colour(getattr(theme, part)) for part in ("primary", "secondary", "warning", "success", "error")}
    low += [("badge", part, contrast(ground, one)) for part, one in badges.items()]
    assert [entry for entry in low if entry[2] < TEXT_CONTRAST] == []
    assert contrast(ground, colour(theme.variables["chart-raw"])) >= SIGN_CONTRAST


@pytest.mark.parametrize("name", ["night", "day", "clear"])
def test_every_number_of_the_heat_map_can_be_read(name: str) -> None:
    variables = find_themes(SHIPPED_THEMES).usable[name].variables
    grounds = [f"heat-{kind}-{level}" for kind in ("right", "wrong") for level in range(1, len(SHARES) + 1)]
    for ground in (*grounds, "heat-cursor"):
        assert contrast(Color.parse(variables[ground]), Color.parse(variables[f"{ground}-text"])) >= TEXT_CONTRAST
    strongest = [Color.parse(variables[f"heat-{kind}-4"]) for kind in ("right", "wrong")]
    assert contrast(strongest[0], Color.parse(variables["heat-right-1"])) >= SIGN_CONTRAST


@given(*[st.integers(0, 0xFFFFFF)] * 4)
def test_the_heat_map_of_any_theme_can_be_read(background: int, foreground: int, success: int, error: int) -> None:
    named = {"background": background, "foreground": foreground, "success": success, "error": error}
    variables = heat_variables({name: f"#{colour:06x}" for name, colour in named.items()}, ansi=False)
    for name in variables:
        if f"{name}-text" in variables and name != "heat-cursor":  # which is the theme's own text, turned around
            ground, words = Color.parse(variables[name]), Color.parse(variables[f"{name}-text"])
            assert contrast(ground, words) >= TEXT_CONTRAST


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


def test_a_theme_written_for_an_earlier_version_can_be_used() -> None:
    themes = find_themes([*SHIPPED_THEMES, EARLIER_THEMES])
    assert themes.broken == ()
    assert themes.usable["own"].background == "#101010"
    assert themes.usable["own"].variables["chart-mark"] == "#f7768e"


def test_a_missing_chart_colour_is_the_default_themes_and_an_unknown_one_does_no_harm(tmp_path: Path) -> None:
    own = (SHIPPED_THEMES[0] / "day.toml").read_text()
    (tmp_path / "lacking.toml").write_text(own.replace('mark = "#b91c1c"', ""))
    (tmp_path / "later.toml").write_text(own.replace("[chart]", '[chart]\ngradient = "#123456"'))
    (tmp_path / "wrong.toml").write_text(own.replace("[chart]", '[chart]\ngradient = "blurple"'))
    themes = find_themes([*SHIPPED_THEMES, tmp_path])
    night, day, lacking = (themes.usable[name].variables for name in ("night", "day", "lacking"))
    assert lacking["chart-mark"] == night["chart-mark"] != day["chart-mark"]
    assert lacking["chart-raw"] == day["chart-raw"] != night["chart-raw"]
    assert themes.usable["later"].variables["chart-mark"] == day["chart-mark"]
    (sentence,) = themes.broken
    assert "wrong.toml" in sentence
    assert "chart.gradient is no colour" in sentence


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (('primary = "#7aa2f7"', 'primary = "blurple"'), "primary is no colour"),
        (('primary = "#7aa2f7"', ""), "no primary"),
        (('raw = "#566ca6"', "raw = 7"), "raw is no colour"),
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


async def test_what_is_on_the_screen_takes_another_themes_colours_at_once() -> None:
    themes = find_themes(SHIPPED_THEMES).usable
    async with screen(ScriptedJobs(ScriptedConnection([*scripted.opening(), *scripted.epochs(2)]))) as pilot:
        for name, other in (("night", "day"), ("day", "night")):
            pilot.app.theme = name
            await settle(pilot)
            drawn = pilot.app.export_screenshot().lower()
            for part in ("chart-smooth", "chart-test", "chart-rate"):
                assert themes[name].variables[part].lower() in drawn
                assert themes[other].variables[part].lower() not in drawn


async def test_the_states_badge_has_its_states_colour() -> None:
    theme = find_themes(SHIPPED_THEMES).usable["night"]
    connection = ScriptedConnection([*scripted.opening(), *scripted.epochs(1)])
    async with screen(ScriptedJobs(connection)) as pilot:
        await settle(pilot)
        assert has_ground(pilot, theme.primary)
        assert not has_ground(pilot, theme.warning)
        connection.emit(Paused(100))
        await settle(pilot)
        assert not has_ground(pilot, theme.primary)
        assert has_ground(pilot, theme.warning)


def has_ground(pilot: Pilot[int], colour: str | None) -> bool:
    """True where this colour, but for rounding, is behind text."""
    wanted = Color.parse(colour or "").rgb
    found = re.findall(r'<rect fill="(#\w+)"', pilot.app.export_screenshot())
    return any(max(abs(a - b) for a, b in zip(Color.parse(one).rgb, wanted, strict=True)) <= 1 for one in found)


async def test_a_broken_theme_is_named_on_the_screen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.toml").write_text("nonsense")
    monkeypatch.setattr(drive, "SHIPPED_THEMES", [*SHIPPED_THEMES, tmp_path])
    async with screen(ScriptedJobs(ScriptedConnection(scripted.opening()))) as pilot:
        await settle(pilot)
        assert "mine.toml" in screen_text(pilot).replace("\n", "") or "cannot be used" in screen_text(pilot)


@given(st.binary(max_size=300) | st.text(max_size=200).map(lambda text: text.encode()))
def test_any_bytes_are_a_theme_or_one_named_error(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mine.toml"
        path.write_bytes(content)
        with pytest.raises(ValueError):
            read_theme(path)
