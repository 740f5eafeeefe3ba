from pathlib import Path

import numpy as np
import pytest
from rich.color import ColorSystem

from cifar_tui.recipe import SIDE
from cifar_tui.report.half_blocks import LINES, image_line, shrunk
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


@pytest.mark.slow
async def test_as_many_images_as_fit_are_shown_and_where_none_fits_their_text(tmp_path: Path) -> None:
    scripted.put_verdict(tmp_path, 3)
    async with browser(tmp_path) as (pilot, _):
        await press(pilot, "enter", "i")
        for size, shown in {(200, 50): "1–10", (120, 40): "1–9", (80, 24): "1–2", (60, 20): "1"}.items():
            seen = await resize(pilot, size)
            assert f"Most confident mistakes   {shown} of 90" in seen
            assert "90 of 1,450 stored" in seen
            for text in ("✓ airplane", "✗ automobile", "90.0 %", "test image 100"):
                assert text in seen
            widget = pilot.app.screen.query_one(ImageCards)
            side = widget.card_size.side
            for y in range(side // 2):
                cells = [segment for segment in widget.render_line(y) if "▀" in segment.text][:side]
                assert cells == image_line(shrunk(scripted.picture(0), side), y, side)
        seen = await resize(pilot, (38, 14))
        assert "1 of 90" in seen
        assert "✗ automobile" in seen
        assert "▀" not in seen


async def test_images_are_paged_through_and_chosen_by_class(tmp_path: Path) -> None:
    scripted.put_verdict(tmp_path, 3)
    async with browser(tmp_path, (60, 20)) as (pilot, _):
        await press(pilot, "enter", "i")
        assert "   2 of 90" in await press(pilot, "right")
        seen = await press(pilot, "down", "down")
        assert "true class automobile   predicted as all" in seen
        assert "   1 of 9\n" in seen
        assert "   9 of 9" in await press(pilot, *["right"] * 9)
        assert "   8 of 9" in await press(pilot, "left")
        assert "   9 of 9" in await press(pilot, "end")
        assert "   1 of 9" in await press(pilot, "home")
        seen = await press(pilot, "right_square_bracket")
        assert "true class automobile   predicted as airplane" in seen
        assert "1 of 1" in seen
        assert "were not stored" in await press(pilot, "right_square_bracket")
        assert "true class all   predicted as automobile" in await press(pilot, "up", "up")
        assert "true class all   predicted as all" in await press(pilot, "0")
        assert "true class truck   predicted as truck" in await press(pilot, "up", "left_square_bracket")
        assert "true ↓ predicted →" in await press(pilot, "escape")
        seen = await press(pilot, "enter")
        assert "true class truck   predicted as airplane" in seen
        assert "test image 181" in seen


@pytest.mark.slow
async def test_all_images_of_a_cell_and_all_wrong_ones_are_paged_to_the_end(tmp_path: Path) -> None:
    stored = scripted.put_all_images(tmp_path, 3)
    async with browser(tmp_path) as (pilot, _):
        seen = await press(pilot, "enter", "enter")
        assert "true class truck   predicted as airplane   102 images" in seen
        assert "1–9 of 102" in seen
        assert "100–102 of 102" in await press(pilot, "end")
        assert "91–99 of 102" in await press(pilot, "left")
        seen = await press(pilot, "0")
        assert "Most confident mistakes   1–9 of 1,450" in seen
        assert "1,450 of 1,450" in await press(pilot, "end")
        seen = await press(pilot, "0", "down", "right_square_bracket")
        assert "Predicted correctly, least confident first   1–9 of 900" in seen
        widget = pilot.app.screen.query_one(ImageCards)
        cells = [segment for segment in widget.render_line(0) if "▀" in segment.text][:22]
        shown = min(stored, key=lambda index: (stored[index] != (0, 0), index))
        assert cells == image_line(shrunk(scripted.picture(shown % 256), 22), 0, 22)
        (tmp_path / f"test_images_{scripted.CHECKSUM}.rgb").write_bytes(b"cut off")
        assert "The pixels of this" in await press(pilot, "right")


def test_a_shrunk_image_keeps_its_colours() -> None:
    assert shrunk(scripted.picture(7), 32) == scripted.picture(7)
    small = np.frombuffer(shrunk(scripted.picture(7), 22), np.uint8).reshape(22, 22, 3)
    assert (small[:, :, 0] == 7).all()
    assert np.abs(small.mean((0, 1)) - np.frombuffer(scripted.picture(7), np.uint8).reshape(-1, 3).mean(0)).max() < 1
    assert (np.diff(small[:, 0, 1].astype(int)) > 0).all(), "from the top to the bottom"


async def test_without_colour_a_sentence_is_in_the_place_of_an_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    scripted.put_verdict(tmp_path, 3)
    async with browser(tmp_path, (60, 20)) as (pilot, _):
        seen = await press(pilot, "enter", "i")
        assert "NO_COLOR is set, and an image" in seen
        assert "▀" not in seen
        assert "✗ automobile" in seen
