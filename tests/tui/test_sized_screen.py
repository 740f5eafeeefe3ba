from collections import Counter

import pytest
from textual.css.stylesheet import Stylesheet
from textual.dom import DOMNode

from tests.scripted import ScriptedConnection, ScriptedJobs, epochs, opening
from tests.tui.drive import screen, screen_text, settle


@pytest.fixture
def styled(monkeypatch: pytest.MonkeyPatch) -> Counter[DOMNode]:
    """How often each widget has been styled."""
    count: Counter[DOMNode] = Counter()
    apply = Stylesheet.apply

    def counted(sheet: Stylesheet, node: DOMNode, **options: object) -> None:
        count[node] += 1
        apply(sheet, node, **options)  # type: ignore[arg-type] # as it came

    monkeypatch.setattr(Stylesheet, "apply", counted)
    return count


@pytest.mark.parametrize("size", [(120, 40), (60, 20)])
async def test_the_panels_are_styled_once_before_they_are_seen(size: tuple[int, int], styled: Counter[DOMNode]) -> None:
    async with screen(ScriptedJobs(ScriptedConnection([*opening(), *epochs(2)])), size) as pilot:
        assert {
            name: styled[pilot.app.screen.query_one(name)] for name in ("#loss", "#rate", "#device", "#health")
        } == {
            "#loss": 1,
            "#rate": 1,
            "#device": 1,
            "#health": 1,
        }


async def test_another_layout_styles_each_panel_once(styled: Counter[DOMNode]) -> None:
    async with screen(ScriptedJobs(ScriptedConnection([*opening(), *epochs(2)]))) as pilot:
        for key in ("v", "V"):
            styled.clear()
            await pilot.press(key)
            await settle(pilot)
            panels = [pilot.app.screen.query_one(name) for name in ("#panels", "#loss", "#rate", "#health")]
            assert [styled[panel] for panel in panels] == [1] * 4


async def test_a_question_is_styled_for_the_size_that_the_terminal_has_when_it_opens(styled: Counter[DOMNode]) -> None:
    async with screen(ScriptedJobs(ScriptedConnection([*opening(), *epochs(2)]))) as pilot:
        assert pilot.app.screen.classes >= {"-wide", "-high"}
        await pilot.resize_terminal(60, 20)
        await settle(pilot)
        assert pilot.app.screen.classes >= {"-narrow", "-low"}
        assert not pilot.app.screen.classes & {"-wide", "-high"}
        await pilot.press("question_mark")
        await settle(pilot)
        assert pilot.app.screen.classes >= {"-narrow", "-low"}
        assert styled[pilot.app.screen.query_one("#help")] == 1


@pytest.mark.slow
async def test_another_theme_reaches_a_screen_that_was_behind(styled: Counter[DOMNode]) -> None:
    async with screen(ScriptedJobs(ScriptedConnection([*opening(), *epochs(2)]))) as pilot:
        dashboard = pilot.app.screen
        before = dashboard.query_one("#loss").styles.background
        await pilot.press("c")
        await settle(pilot)
        pilot.app.theme = "day"
        await settle(pilot)
        await pilot.press("escape")
        await settle(pilot)
        assert pilot.app.screen is dashboard
        assert dashboard.query_one("#loss").styles.background != before
        assert "Loss" in screen_text(pilot)
