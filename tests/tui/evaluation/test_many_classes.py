"""The screens of an evaluation and of a comparison with 2, 10, 20, 37, 100 and 1,000 classes."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.cells import cell_len
from textual.pilot import Pilot

from cifar_tui.checkpoint_events import ComparedImage, ComparedPair, ComparisonDone
from cifar_tui.report.class_names import class_names
from cifar_tui.report.confusion import Confusion
from cifar_tui.tui.evaluation.class_lists import ClassList, PairList, class_order, class_rows, pair_rows
from cifar_tui.tui.evaluation.confusion_matrix import ConfusionMatrix
from cifar_tui.tui.evaluation.evaluation_finder import FoundEvaluation
from cifar_tui.tui.evaluation.evaluation_rows import evaluation_rows
from cifar_tui.tui.evaluation.image_pages import after
from cifar_tui.tui.evaluation.shown_evaluation import shown_evaluation
from tests import scripted
from tests.tui.drive import SIZES, screen, screen_text, settle
from tests.tui.evaluation.test_comparison_screen import browsing
from tests.tui.evaluation.test_evaluation_screen import browser, press, resize, store
from tests.tui.pilot_internals import exception_in

FEW_IMAGES = 2_000


def fits(seen: str, size: tuple[int, int]) -> bool:
    return max(map(cell_len, seen.splitlines())) <= size[0] and len(seen.splitlines()) <= size[1]


async def type_words(pilot: Pilot[int], words: str) -> str:
    return await press(pilot, "slash", *("space" if sign == " " else sign for sign in words), "enter")


@pytest.mark.slow
@pytest.mark.parametrize("classes", [37, *(pytest.param(count, marks=pytest.mark.slow) for count in (2, 10, 20, 100))])
async def test_every_view_shows_its_classes_at_every_size(tmp_path: Path, classes: int) -> None:
    done = scripted.put_evaluation(tmp_path, 3, scripted.class_list(classes), FEW_IMAGES)
    confusion, names = Confusion(done), class_names(done.classes)
    first = confusion.pairs[0]
    pair = f"{names[first.label]} predicted as {names[first.predicted]}"
    worst, best = confusion.extremes(1)
    async with browser(tmp_path) as (pilot, _):
        for size in SIZES:
            seen = await resize(pilot, size)
            assert names[worst[0]] in seen
            assert names[best[0]] in seen
            assert ("top-3" in seen) == (classes > 3)
        seen = await press(pilot, "enter")
        assert ("true ↓ predicted →" in seen) == (classes <= 20)
        assert ("Confused pairs" in seen) == (classes > 20)
        for _ in range(3):
            await resize(pilot, (120, 40))
            for size in SIZES:
                seen = await resize(pilot, size)
                assert fits(seen, size)
                assert ("worst  " in seen and "best  " in seen) == (classes > 20)
                if "Accuracy" in seen:
                    assert f"predicted as   {names[first.predicted]}" in seen
                elif size != (60, 20):
                    assert pair in seen
            seen = await press(pilot, "v")
            if "true ↓ predicted →" in seen:
                assert f"{names[first.label]} predicted correctly" in seen, "from the list of classes"
                await press(pilot, "less_than_sign", "greater_than_sign")
        assert pair.split(" predicted")[0] in await press(pilot, "V")


async def test_a_matrix_of_many_classes_shows_the_part_around_the_cursor(tmp_path: Path) -> None:
    done = scripted.put_evaluation(tmp_path, 3, scripted.class_list(100), FEW_IMAGES)
    first = Confusion(done).pairs[0]
    async with browser(tmp_path, (80, 24)) as (pilot, _):
        await press(pilot, "enter", "V")
        matrix = pilot.app.screen.query_one(ConfusionMatrix)
        assert matrix.cell == (first.label, first.predicted)
        for keys, cell in ((("down", "right"), (first.label + 1, first.predicted + 1)), (("up", "left"), matrix.cell)):
            seen = await press(pilot, *keys)
            assert matrix.cell == cell
            assert " of 100" in seen
        matrix.move_to((0, 99))
        await settle(pilot)
        assert "rows 1–13, columns 86–100 of 100" in screen_text(pilot)
        await pilot.click(ConfusionMatrix, offset=(2 + 16 + 1, 1 + 1))
        await settle(pilot)
        assert matrix.cell == (0, 85)
        assert "per cent" in await press(pilot, "percent_sign")


@pytest.mark.slow
async def test_pairs_are_found_by_name_and_sorted_and_open_their_images(tmp_path: Path) -> None:
    names = scripted.class_list(100)
    done = scripted.put_evaluation(tmp_path, 3, names, FEW_IMAGES)
    confusion = Confusion(done)
    rows = pair_rows(shown_evaluation(FoundEvaluation(done, (), "", tmp_path)))
    async with browser(tmp_path) as (pilot, _):
        seen = await press(pilot, "enter")
        assert f"Confused pairs, {len(confusion.pairs):,} " in seen
        seen = await type_words(pilot, "ship 18")
        matching = [one for one in rows if "ship" in one.words and "18" in one.words]
        assert f"{len(matching)} of {len(rows):,}" in seen
        listed = pilot.app.screen.query_one(PairList)
        assert listed.selected == matching[0]
        await press(pilot, "greater_than_sign", "less_than_sign", "less_than_sign")
        assert listed.selected == matching[-1]
        await press(pilot, "n", "N")
        assert listed.selected == matching[-1], "the cursor stays on its pair"
        assert "▲Share" in screen_text(pilot)
        label, predicted = matching[-1].names
        seen = await press(pilot, "enter")
        assert f"true class {label}   predicted as {predicted}" in seen
        assert "1 image " in seen or "images" in seen
        await press(pilot, "escape")
        assert f"{len(matching)} of" in screen_text(pilot)
        assert f"Confused pairs, {len(rows):,} " in await press(pilot, "escape")
        seen = await type_words(pilot, "no such name")
        assert f"Confused pairs, 0 of {len(rows):,}" in seen
        assert "No name matches. Escape shows all." in seen, seen
        assert "No name matches" in await press(pilot, "enter", "greater_than_sign")
        await press(pilot, "escape")
        assert "checkpoints" in await press(pilot, "escape")


async def test_classes_are_sorted_and_open_their_wrong_images(tmp_path: Path) -> None:
    done = scripted.put_evaluation(tmp_path, 3, scripted.class_list(100), FEW_IMAGES)
    confusion, names = Confusion(done), class_names(done.classes)
    async with browser(tmp_path) as (pilot, _):
        await press(pilot, "enter", "v")
        listed = pilot.app.screen.query_one(ClassList)
        await press(pilot, "home")
        assert listed.selected is not None
        assert listed.selected.label == confusion.extremes(1)[0][0]
        await press(pilot, "N", "home")
        assert listed.selected.score.recall == max(score.recall for score in confusion.scores)
        await press(pilot, "n", "home")
        assert listed.selected.images == max(confusion.images)
        await type_words(pilot, "ship 78")
        seen = await press(pilot, "home")
        assert "1 of 100 classes" in seen
        assert listed.selected.shown_name == "ship 78"
        seen = await press(pilot, "enter")
        wrong = confusion.wrong(78, None)
        assert "true class ship 78   predicted as all" in seen
        assert f"of {wrong}" in seen
        assert names[confusion.predicted_as(78)[0].predicted] in names


@pytest.mark.slow
async def test_the_class_keys_of_images_pass_over_classes_without_any(tmp_path: Path) -> None:
    done = scripted.put_evaluation(tmp_path, 3, scripted.class_list(100), FEW_IMAGES)
    confusion, names = Confusion(done), class_names(done.classes)
    async with browser(tmp_path) as (pilot, _):
        await press(pilot, "enter", "i")
        wrong = [label for label in range(100) if confusion.wrong(label, None)]
        assert f"true class {names[wrong[0]]} " in await press(pilot, "down")
        predicted = sorted({one.predicted for one in confusion.predicted_as(wrong[0])} | {wrong[0]})
        for one in predicted:
            assert f"true class {names[wrong[0]]}   predicted as {names[one]} " in await press(
                pilot, "right_square_bracket"
            )
        assert "predicted as all" in await press(pilot, "right_square_bracket")
        await press(pilot, "0")
        seen = await type_words(pilot, "שלום")
        matching = sum(pair.images for pair in confusion.pairs if 98 in (pair.label, pair.predicted))
        assert f"{matching} of {confusion.wrong(None, None)} match" in seen
        seen = await type_words(pilot, "zebra")
        assert "No image is of a class with this name" in seen
        assert "match" not in (await press(pilot, "escape")).splitlines()[1]
        assert "Confused pairs" in await press(pilot, "escape")


@pytest.mark.slow
def test_a_chosen_class_that_is_no_choice_any_more_leads_to_its_neighbours() -> None:
    assert [after(5, by, (2, 4, 8)) for by in (1, -1)] == [8, 4]
    assert [after(9, by, (2, 4, 8)) for by in (1, -1)] == [None, 8]
    assert [after(1, by, (2, 4, 8)) for by in (1, -1)] == [2, None]
    assert [after(5, by, ()) for by in (1, -1)] == [None, None]


@pytest.mark.slow
def test_a_thousand_classes_are_listed_without_a_thousand_squared_rows(tmp_path: Path) -> None:
    done, _ = scripted.evaluation_of("net_003.pth", scripted.class_list(1_000), FEW_IMAGES)
    shown = shown_evaluation(FoundEvaluation(done, (), "", tmp_path))
    assert len(pair_rows(shown)) == len(shown.confusion.pairs) < FEW_IMAGES
    classes = class_order().arranged(class_rows(shown))
    recalls = [one.score.recall for one in classes]
    assert len(classes) == 1_000
    assert recalls == sorted(recalls)
    for height in (5, 8, 20, 60):
        assert len(evaluation_rows(FoundEvaluation(done, (), "", tmp_path), 40, height, shown)) <= height


@pytest.mark.slow
async def test_two_classes_that_are_never_confused_leave_no_list_without_a_word(tmp_path: Path) -> None:
    done, _ = scripted.evaluation_of("net_003.pth", ("yes", "no"), 200)
    perfect = dataclasses.replace(done, confusion=((100, 0), (0, 100)), accuracy=1.0, wrongest=())
    store(tmp_path, perfect)
    async with browser(tmp_path, (80, 24)) as (pilot, _):
        assert "No image was predicted as another class." in await press(pilot, "enter")
        assert "No image was predicted as another class." in await press(pilot, "v", "greater_than_sign", "enter")
        seen = await press(pilot, "v")
        assert "2 classes" in seen
        assert "predicted as   none" in seen


@pytest.mark.slow
@pytest.mark.parametrize("classes", [2, 37])
@pytest.mark.parametrize("views", [0, 1, 2])
async def test_no_key_takes_a_view_down(
    tmp_path: Path, classes: int, views: int, press_all: Callable[[], list[str]]
) -> None:
    scripted.put_evaluation(tmp_path, 3, scripted.class_list(classes), 500)
    async with browser(tmp_path, (60, 20)) as (pilot, _):
        await press(pilot, "enter", *["v"] * views)
        for key in press_all():
            await pilot.press(key)
            if not pilot.app.is_running:
                break
        for size in ((20, 6), (40, 12), (200, 50)):
            if pilot.app.is_running:
                await resize(pilot, size)
    assert exception_in(pilot) is None


@pytest.mark.slow
@pytest.mark.parametrize("size", [(20, 6), (30, 10), (45, 13), (70, 16), (99, 60), (100, 20), (240, 70)])
@pytest.mark.parametrize("classes", [2, 13, 100])
async def test_every_view_can_be_shown_at_odd_sizes(tmp_path: Path, size: tuple[int, int], classes: int) -> None:
    scripted.put_evaluation(tmp_path, 3, scripted.class_list(classes), 500)
    async with browser(tmp_path) as (pilot, _):
        await press(pilot, "enter")
        await resize(pilot, size)
        for _view in range(3):
            assert fits(await press(pilot, "v"), size)
    assert exception_in(pilot) is None


def compared(classes: int) -> ComparisonDone:
    names = scripted.class_list(classes)
    hits = tuple((label * 7) % 11 for label in range(classes))
    return ComparisonDone(
        checkpoints=("one/net_001.pth", "one/net_003.pth"),
        images="my images",
        classes=names,
        class_images=(20,) * classes,
        losses=(0.9, 0.65),
        hits=((10,) * classes, hits),
        pairs=(ComparedPair(0, 1, classes, 40, 35, 60),),
        changed=(ComparedImage(3, 1, (1, 0), ""), ComparedImage(4, classes - 1, (0, classes - 1), "")),
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "classes", [37, *(pytest.param(count, marks=pytest.mark.slow) for count in (2, 10, 100, 1_000))]
)
async def test_a_comparison_of_many_classes_begins_with_those_that_became_worse(tmp_path: Path, classes: int) -> None:
    jobs = browsing(tmp_path, live=False)
    async with screen(jobs) as pilot:
        await press(pilot, "c", "space", "down", "space", "C")
        jobs.comparison.emit(compared(classes))
        await settle(pilot)
        for size in SIZES:
            seen = await resize(pilot, size)
            assert fits(seen, size)
            assert "one/net_003.pth" in seen
        seen = await resize(pilot, (80, 24))
        assert f"Comparison, classes by {'change' if classes > 20 else 'order'} ▲" in seen
        if classes > 20:
            assert "both wrong" in screen_text(pilot)
            assert "-50.00" in screen_text(pilot)
            seen = await type_words(pilot, "שלום")
            assert "שלום עולם" in seen
            assert "truck 9" not in seen
            assert "classes by accuracy" in await press(pilot, "n")
            await press(pilot, "escape")
            seen = await press(pilot, "i", "down")
            assert "true class automobile 1 " in seen
            assert "true class n0208562…ays-dog " in await press(pilot, "down")
            assert "true class all" in await press(pilot, "down")
