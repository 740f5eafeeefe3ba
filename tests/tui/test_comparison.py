from pathlib import Path

from cifar_tui.comparison_words import comparison_lines, comparison_record
from cifar_tui.control import CancelEvaluation
from cifar_tui.events import ComparedPair, ComparisonDone, EvaluationFailed, Progressed, RunFinished
from tests import scripted
from tests.scripted import CLASSES, ScriptedJobs, ScriptedLink
from tests.tui.drive import screen, settle, words

DONE = ComparisonDone(
    checkpoints=("one/net_001.pth", "one/net_003.pth"),
    images="CIFAR-10",
    classes=CLASSES,
    class_images=(100,) * 10,
    losses=(0.9, 0.65),
    hits=((70,) * 10, (80, *(70,) * 8, 65)),
    pairs=(ComparedPair(0, 1, 900, 40, 35, 260),),
)


def browsing(folder: Path, *, live: bool) -> ScriptedJobs:
    for number in (1, 2, 3):
        scripted.put_checkpoint(folder, number)
    end = [] if live else [RunFinished(150, 0.7)]
    link = ScriptedLink([*scripted.opening(folder), *scripted.epochs(3), *end])
    link.ended = not live
    return ScriptedJobs(link)


async def test_marked_checkpoints_are_compared_beside_a_run_that_has_ended(tmp_path: Path) -> None:
    jobs = browsing(tmp_path, live=False)
    async with screen(jobs, (80, 24)) as pilot:
        await pilot.press("c", "space")
        await settle(pilot)
        assert "3 ★✓" in words(pilot)
        await pilot.press("down", "space", "space", "down", "space", "m")
        await settle(pilot)
        assert jobs.compared == [["net_001.pth", "net_003.pth"]]
        jobs.comparison.say(Progressed("Measuring one/net_001.pth", 400, 1_000, "images", 1.0))
        await settle(pilot)
        assert "Measuring one/net_001.pth 400 of 1,000 images" in words(pilot)
        jobs.comparison.say(DONE)
        await settle(pilot)
        seen = words(pilot)
        for text in ("70.00 %   70.50 %    +0.50", "-0.2500", "airplane", "automobile"):
            assert text in seen
        assert "both wrong" in seen
        await pilot.resize_terminal(60, 20)
        await pilot.press("pagedown")
        await settle(pilot)
        assert "65.00 %    -5.00" in words(pilot)
        assert "both wrong" in words(pilot)
        await pilot.press("m")
        await settle(pilot)
        assert "3 checkpoints" in words(pilot)
        assert jobs.comparison.asked == [CancelEvaluation()]
        await pilot.press("m")
        jobs.comparison.say(EvaluationFailed("", "net_002.pth is damaged.", damaged=False))
        await settle(pilot)
        assert "Not compared." in words(pilot)
        assert "net_002.pth is damaged." in words(pilot)
        await pilot.press("m", "space", "m")
        await settle(pilot)
        assert "Mark 2 to 8 checkpoints" in words(pilot)


async def test_beside_a_run_that_trains_the_commands_are_named(tmp_path: Path) -> None:
    jobs = browsing(tmp_path, live=True)
    async with screen(jobs) as pilot:
        await pilot.press("c", "space", "down", "space", "m", "b")
        await settle(pilot)
        assert "stop or detach it first" in words(pilot)
        assert "cifar-tui compare" in words(pilot)
        assert "cifar-tui train --from" in words(pilot)
        assert not jobs.compared
        assert not jobs.branched


def test_the_table_holds_the_differences_and_the_record_the_shares() -> None:
    lines = comparison_lines(DONE)
    assert "A → B     90.00 %          40          35         260" in lines
    record = comparison_record(DONE)
    assert isinstance(record["pairs"], list)
    assert record["pairs"][0]["agreement"] == 0.9
