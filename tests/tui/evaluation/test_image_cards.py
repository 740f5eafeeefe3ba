from pathlib import Path

import numpy as np
import pytest
from rich.color import ColorSystem

from cifar_tui.recipe import SIDE
from cifar_tui.report.half_blocks import LINES, image_line
from cifar_tui.tui.evaluation.image_cards import ImageCards
from tests import scripted
from tests.tui.evaluation.test_evaluation_screen import browser, press, resize


def test_every_pixel_of_a_known_image_is_in_its_cell() -> None:
    pixels = scripted.picture(200)
    assert sum(len(image_line(pixels, line)) for line in range(LINES)) == 16 * 32
    for line in range(LINES):
        for column, segment in enumerate(image_line(pixels, line)):
            assert segment.text == "▀"
            assert segment.style is not None
            assert segment.style.color is not None
            assert segment.style.bgcolor is not None
            assert segment.style.color.get_truecolor() == (200, 16 * line, 8 * column)
            assert segment.style.bgcolor.get_truecolor() == (200, 16 * line + 8, 8 * column)


def test_256_colours_are_near_enough() -> None:
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, SIDE * SIDE * 3, dtype=np.uint8).tobytes()
    gaps = []
    for segment in image_line(pixels, 0):
        assert segment.style is not None
        assert segment.style.color is not None
        near = segment.style.color.downgrade(ColorSystem.EIGHT_BIT).get_truecolor()
        gaps.append(np.abs(np.subtract(near, segment.style.color.get_truecolor())).mean())
        assert "38;5;" in segment.style.render("▀", color_system=ColorSystem.EIGHT_BIT)
    assert np.mean(gaps) < 20


async def test_as_many_images_as_fit_are_shown_and_where_none_fits_their_text(tmp_path: Path) -> None:
    scripted.put_verdict(tmp_path, 3)
    async with browser(tmp_path) as (pilot, _):
        await press(pilot, "o", "i")
        for size, shown in {(200, 50): "1–6", (120, 40): "1–4", (80, 24): "1", (60, 20): "1"}.items():
            seen = await resize(pilot, size)
            for text in (f"Wrongest pictures   {shown} of 90", "✓ true airplane", "✗ taken for automobile"):
                assert text in seen
            assert "✗ automobile" in seen
            assert "90.0 %" in seen
            widget = pilot.app.screen.query_one(ImageCards)
            for y in range(LINES):
                cells = [segment for segment in widget.render_line(y) if "▀" in segment.text][:SIDE]
                assert cells == image_line(scripted.picture(0), y)
        seen = await resize(pilot, (50, 14))
        assert "Wrongest pictures   1 of 90   need 60 × 20" in seen
        assert "✗ taken for automobile" in seen
        assert "▀" not in seen


async def test_images_are_paged_through_and_chosen_by_class(tmp_path: Path) -> None:
    scripted.put_verdict(tmp_path, 3)
    async with browser(tmp_path, (80, 24)) as (pilot, _):
        await press(pilot, "o", "i")
        assert "   2 of 90" in await press(pilot, "right")
        seen = await press(pilot, "down", "down")
        assert "true automobile   taken for any" in seen
        assert "   1 of 9 " in seen
        assert "   9 of 9 " in await press(pilot, *["right"] * 9)
        assert "   8 of 9 " in await press(pilot, "left")
        seen = await press(pilot, "right_square_bracket")
        assert "true automobile   taken for airplane   6 images in all" in seen
        assert "1 of 1 " in seen
        assert "Only pictures that were taken for another class" in await press(pilot, "right_square_bracket")
        assert "true any   taken for automobile" in await press(pilot, "up", "up")
        assert "true any   taken for any" in await press(pilot, "a")
        assert "true truck   taken for truck" in await press(pilot, "up", "left_square_bracket")
        assert "true ↓ predicted →" in await press(pilot, "i")
        seen = await press(pilot, "enter")
        assert "true truck   taken for airplane   102 images in all" in seen
        assert seen.count("✓ true") == 1
        assert "test image 181" in seen


async def test_without_colour_a_sentence_is_in_the_place_of_an_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    scripted.put_verdict(tmp_path, 3)
    async with browser(tmp_path, (60, 20)) as (pilot, _):
        seen = await press(pilot, "o", "i")
        assert "A picture needs colours, and" in seen
        assert "▀" not in seen
        assert "✗ automobile" in seen
