import base64
import dataclasses
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from cifar_tui.checkpoint_events import ComparedImage, ComparedPair, ComparisonDone, EvaluationFailed
from cifar_tui.control import CancelEvaluation
from cifar_tui.events import Progressed, RunFinished
from cifar_tui.report.comparison_text import comparison_lines, comparison_record
from cifar_tui.report.mcnemar import mcnemar_p, significance
from cifar_tui.runs.checkpoints.listing import ListedCheckpoint
from cifar_tui.runs.folder import RunFolder
from cifar_tui.tui.browser.run_checkpoints import RunCheckpoints, marks_caption
from tests import scripted
from tests.scripted import CLASSES, ScriptedConnection, ScriptedJobs
from tests.tui.charts.test_overlay import followers, put_run, say
from tests.tui.drive import AT_EVERY_SIZE, screen, screen_text, settle

DONE = ComparisonDone(
    checkpoints=("one/net_001.pth", "one/net_003.pth"),
    images="CIFAR-10",
    classes=CLASSES,
    class_images=(100,) * 10,
    losses=(0.9, 0.65),
    hits=((70,) * 10, (80, *(70,) * 8, 65)),
    pairs=(ComparedPair(0, 1, 900, 40, 35, 260),),
    changed=tuple(
        ComparedImage(
            index=place,
            label=place % 10,
            predicted=((place + 1) % 10, place % 10) if place < 40 else (place % 10, (place + 1) % 10),
            pixels=base64.b64encode(scripted.picture(place)).decode(),
        )
        for place in range(75)
    ),
)


def browsing(folder: Path, *, live: bool) -> ScriptedJobs:
    folder.mkdir(exist_ok=True)
    for number in (1, 2, 3):
        scripted.put_checkpoint(folder, number)
    end = [] if live else [RunFinished(150, 0.7)]
    connection = ScriptedConnection([*scripted.opening(folder), *scripted.epochs(3), *end])
    connection.ended = not live
    return ScriptedJobs(connection)


@pytest.mark.slow
async def test_marked_checkpoints_are_compared_beside_a_run_that_has_ended(tmp_path: Path) -> None:
    jobs = browsing(tmp_path, live=False)
    async with screen(jobs, (80, 24)) as pilot:
        await pilot.press("c", "space")
        await settle(pilot)
        assert "3 ★✓" in screen_text(pilot)
        await pilot.press("down", "space", "space", "down", "space", "C")
        await settle(pilot)
        assert jobs.compared == [[f"{tmp_path.name}/net_001.pth", f"{tmp_path.name}/net_003.pth"]]
        assert jobs.compared_beside is False
        jobs.comparison.emit(Progressed("Measuring one/net_001.pth", 400, 1_000, "images", 1.0))
        await settle(pilot)
        assert "Measuring one/net_001.pth: 400 of 1,000 images" in screen_text(pilot)
        jobs.comparison.emit(DONE)
        await settle(pilot)
        seen = screen_text(pilot)
        for text in ("70.50 %    +0.50 ━", "-0.2500", "airplane", "automobile"):
            assert text in seen
        assert "both wrong" in seen
        await pilot.resize_terminal(60, 20)
        await settle(pilot)
        await pilot.press("pagedown")
        await settle(pilot)
        assert "65.00 %    -5.00" in screen_text(pilot)
        assert "both wrong" in screen_text(pilot)
        await pilot.press("escape")
        await settle(pilot)
        assert "3 checkpoints" in screen_text(pilot)
        assert jobs.comparison.requests == [CancelEvaluation()]
        await pilot.press("C")
        jobs.comparison.emit(EvaluationFailed("", "net_002.pth is damaged.", damaged=False))
        await settle(pilot)
        assert "Not compared." in screen_text(pilot)
        assert "net_002.pth is damaged." in screen_text(pilot)
        await pilot.press("escape", "space", "C")
        await settle(pilot)
        assert "Mark 2 to 8 checkpoints" in screen_text(pilot)


@pytest.mark.slow
async def test_beside_a_run_that_trains_it_is_compared_and_a_new_run_is_not_started(tmp_path: Path) -> None:
    jobs = browsing(tmp_path, live=True)
    async with screen(jobs) as pilot:
        await pilot.press("c", "space", "down", "space", "b")
        await settle(pilot)
        assert "stop or detach it first" in screen_text(pilot)
        assert "cifar-tui train --from" in screen_text(pilot)
        assert not jobs.branched
        await pilot.press("C")
        await settle(pilot)
        assert jobs.compared == [[f"{tmp_path.name}/net_002.pth", f"{tmp_path.name}/net_003.pth"]]
        assert jobs.compared_beside
        assert "Reading the checkpoints" in screen_text(pilot)
        assert "Cancel the comparison" not in screen_text(pilot)
        jobs.comparison.emit(Progressed("Measuring one/net_002.pth", 400, 1_000, "images", 1.0))
        await settle(pilot)
        assert "Cancel the comparison" in screen_text(pilot)


@pytest.mark.slow
@pytest.mark.parametrize(("size", "live"), [((120, 40), True), ((80, 24), False), ((60, 20), True)])
async def test_checkpoints_of_several_runs_are_marked_and_compared(
    tmp_path: Path, size: tuple[int, int], live: bool
) -> None:
    jobs = browsing(tmp_path / "one", live=live)
    put_run(tmp_path / "[two]", epochs=2)
    for number in (1, 2):
        scripted.put_checkpoint(tmp_path / "[two]", number)
    async with screen(jobs, size) as pilot:
        await pilot.press("c")
        await settle(pilot)
        await pilot.press("space", "a")
        await settle(pilot)
        seen = " ".join(screen_text(pilot).split())
        assert "Choose a run" in seen
        assert "This is the run on the screen." in seen
        await pilot.press("down")
        await settle(pilot)
        assert "Differs: epochs 26 → 30, lr 0.2 → 0.05." in " ".join(screen_text(pilot).split())
        await pilot.press("enter")
        await settle(pilot)
        seen = screen_text(pilot)
        assert "[two], read only · 2 checkpoints" in seen
        assert "✓ one 3" in seen
        assert "net_003.pth" not in seen
        assert "2 ★" in seen, "its own best"
        assert "This is another run." in " ".join(seen.split())
        for key in ("e", "P", "D", "b", "enter"):
            await pilot.press(key)
        await settle(pilot)
        assert "[two] is read-only here." in screen_text(pilot)
        assert [*jobs.managed, *jobs.evaluated, *jobs.branched] == []
        pilot.app.clear_notifications()
        await pilot.press("down", "space", "up", "space")
        await settle(pilot)
        assert "✓ one 3 · [two] 1, 2" in screen_text(pilot)
        await pilot.press("C")
        await settle(pilot)
        assert jobs.compared == [["one/net_003.pth", "[two]/net_001.pth", "[two]/net_002.pth"]]
        assert jobs.compared_beside is live
        await pilot.press("escape", "space", "a", "up", "enter")
        await settle(pilot)
        assert "3 ★✓" in screen_text(pilot)
        assert "read only" not in screen_text(pilot)
        assert "✓ one 3 · [two] 1 " in screen_text(pilot)
        await pilot.press("a", "down", "enter")
        await settle(pilot)
        assert "1  ✓" in screen_text(pilot), "marks stay"


@pytest.mark.slow
async def test_another_run_that_trains_is_followed_in_the_browser(tmp_path: Path) -> None:
    jobs = browsing(tmp_path / "one", live=True)
    put_run(tmp_path / "two", epochs=1)
    scripted.put_checkpoint(tmp_path / "two", 1)
    trainer = RunFolder.reopen(tmp_path / "two")
    async with screen(jobs) as pilot:
        await pilot.press("c", "a", "down", "enter")
        await settle(pilot)
        assert "two, read only · 1 checkpoint," in screen_text(pilot)
        scripted.put_checkpoint(tmp_path / "two", 2)
        say(tmp_path / "two", *scripted.epochs(2)[52:])
        await settle(pilot)
        assert "two, read only · 2 checkpoints," in screen_text(pilot)
        assert "2 ★" in screen_text(pilot)
        await pilot.press("a", "up", "enter")
        await settle(pilot)
        assert "3 checkpoints," in screen_text(pilot)
        assert followers() == [], "what is not shown is not followed"
    trainer.close()


async def test_without_another_run_a_notification_appears(tmp_path: Path) -> None:
    async with screen(browsing(tmp_path / "one", live=True)) as pilot:
        await pilot.press("c", "a")
        await settle(pilot)
        assert "There is no other run in this folder." in screen_text(pilot)


def test_marks_are_named_as_far_as_there_is_room(tmp_path: Path) -> None:
    runs = [RunCheckpoints(lambda _: None, tmp_path / name) for name in ("short-run", "another-run")]
    for run, numbers in zip(runs, ((1, 2), (3,)), strict=True):
        for number in numbers:
            sidecar = scripted.sidecar_of(number)
            run.view.listed[sidecar.checkpoint] = ListedCheckpoint(sidecar, 7)
            run.view.marked |= {sidecar.checkpoint}
    assert marks_caption(runs, 60) == "✓ short-run 1, 2 · another-run 3"
    assert marks_caption(runs, 31) == "✓ 2 of short-run, 1 of another…"
    assert marks_caption([], 60) == ""


def test_the_table_holds_the_differences_and_the_record_the_shares() -> None:
    lines = comparison_lines(DONE)
    assert "A → B    90.00 %      40      35         260" in lines
    assert "40 fixed, 35 broken: may be chance (p = 0.57)" in lines
    record = comparison_record(DONE)
    assert isinstance(record["pairs"], list)
    pair = record["pairs"][0]
    assert pair["agreement"] == 0.9
    assert pair["p"] == pytest.approx(0.566, abs=0.001)
    assert (pair["fixed_images"], pair["broken_images"]) == (list(range(40)), list(range(40, 75)))


@AT_EVERY_SIZE
async def test_images_fixed_and_broken_are_shown_with_both_predictions(tmp_path: Path, size: tuple[int, int]) -> None:
    jobs = browsing(tmp_path, live=False)
    jobs.comparison.emit(DONE)
    async with screen(jobs, size) as pilot:
        await pilot.press("c", "space", "down", "space", "C")
        await settle(pilot)
        assert "40 fixed, 35 broken: may be chance (p = 0.57)" in screen_text(pilot)
        assert ("━" in screen_text(pilot)) == (size != (60, 20)), "bars where there is room"
        await pilot.press("i")
        await settle(pilot)
        seen = screen_text(pilot)
        for text in ("A → B: fixed and broken", "of 75", "A predicted", "✗ automobile", "B predicted", "✓ airplane"):
            assert text in seen
        await pilot.press("right_square_bracket", "right_square_bracket", "end")
        await settle(pilot)
        seen = screen_text(pilot)
        for text in ("A → B: broken", "35 of 35", "test image 74"):
            assert text in seen
        await pilot.press("down")
        await settle(pilot)
        assert "true class airplane" in screen_text(pilot)
        assert "test image 40" in screen_text(pilot)
        await pilot.press("0")
        await settle(pilot)
        assert "of 75" in screen_text(pilot)
        await pilot.press("escape")
        await settle(pilot)
        assert "Comparison" in screen_text(pilot)


def by_definition(fixed: int, broken: int) -> float:
    """The mid-p value summed up: all outcomes less likely than this one, and half of those as likely."""
    changed = fixed + broken
    chances = [math.comb(changed, one) / 2**changed for one in range(changed + 1)]
    observed = min(fixed, broken)
    tails = sum(chances[:observed]) + sum(chances[changed - observed + 1 :])
    return float(tails + chances[observed] / 2 + chances[changed - observed] / 2)


@given(st.integers(0, 60), st.integers(0, 60))
def test_p_is_the_mid_p_value_of_mcnemars_test(fixed: int, broken: int) -> None:
    assert mcnemar_p(fixed, broken) == pytest.approx(by_definition(fixed, broken))
    assert mcnemar_p(fixed, broken) == mcnemar_p(broken, fixed)


def test_changes_are_called_chance_or_more() -> None:
    assert significance(43, 122) == "more than chance (p < 0.001)"
    assert significance(3, 2) == "may be chance (p = 0.69)"
    assert significance(0, 0) == "no image changed"
    assert significance(3_000, 5_000) == "more than chance (p < 0.001)"
    assert significance(4, 14) == "more than chance (p = 0.019)"


def test_wide_class_names_push_no_column_of_a_comparison_away() -> None:
    lines = comparison_lines(dataclasses.replace(DONE, classes=scripted.WIDE_CLASSES))
    first = next(place for place, line in enumerate(lines) if line.startswith("accuracy"))
    assert len({cell_len(line) for line in [lines[first], *lines[first + 2 : first + 12]]}) == 1
