import re
import shlex
from pathlib import Path

import pytest

from cifar_tui.cli.commands import COMMANDS, load_all
from cifar_tui.presets import PRESETS
from cifar_tui.tui.browser.browser import CheckpointBrowser
from cifar_tui.tui.dashboard.dashboard import Dashboard
from cifar_tui.tui.dialogs.questions import with_tooltips
from cifar_tui.tui.evaluation.compared_images import ComparedImagesScreen
from cifar_tui.tui.evaluation.comparison_screen import ComparisonScreen
from cifar_tui.tui.evaluation.evaluation_screen import EvaluationScreen
from cifar_tui.tui.evaluation.misclassified import MisclassifiedScreen
from cifar_tui.tui.results.screen import ResultsScreen

SCREENS = (
    Dashboard,
    CheckpointBrowser,
    EvaluationScreen,
    MisclassifiedScreen,
    ComparisonScreen,
    ComparedImagesScreen,
    ResultsScreen,
)
ROOT = Path(__file__).parents[1]
COMMANDS_PAGE = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
ALL = dict(load_all())
KEYS_PAGE = (ROOT / "docs" / "keys.md").read_text(encoding="utf-8")


def test_the_page_of_commands_names_every_option() -> None:
    for name, command in load_all():
        assert f"`cifar-tui {name}" in COMMANDS_PAGE
        for parameter in command.params:
            if parameter.param_type_name == "option":
                assert f"`{parameter.opts[0]}`" in COMMANDS_PAGE, parameter.opts[0]


def test_the_page_of_keys_names_every_key() -> None:
    for binding in with_tooltips(binding for screen in SCREENS for binding in screen.BINDINGS):
        assert f"`{binding.key_display or binding.key}`" in KEYS_PAGE


PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_page_and_picture_that_is_linked_is_there(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
        assert target.startswith("http") or (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_on_a_page_is_one(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    lines = re.findall(r"(?:^ {4}(?:\S.*? )?|`)cifar-tui (\w[^`\n#]*)", text, re.MULTILINE)
    for line in lines:
        name, *words = shlex.split(line)
        assert name in COMMANDS, line
        inner = f"{name} {words[0]}" if name == "queue" and words and words[0].isalpha() else name
        options = {option for parameter in ALL[inner].params for option in parameter.opts}
        assert {word for word in words if re.fullmatch(r"--[\w-]+", word)} <= options | {"--help"}, line


def test_every_make_on_a_page_and_in_ci_is_a_target() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {
        name
        for page in [*PAGES, ROOT / ".ci" / "run"]
        for names in re.findall(r"(?:^ {4}|`|exec )make ((?:[a-z-]+ ?)+)", page.read_text("utf-8"), re.MULTILINE)
        for name in names.split()
    }
    assert {"train", "test", "test-all", "slowest", "faults", "check"} <= named <= targets


def test_readme_shows_the_presets_there_are_with_their_epochs() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\d+)", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert {(name, int(epochs)) for name, epochs in rows} == {
        (name, one.recipe.epochs) for name, one in PRESETS.items()
    }


def test_every_promise_names_a_test_that_is_there() -> None:
    page = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(test_\w+)`", page))
    there = {
        name
        for path in (ROOT / "tests").rglob("*.py")
        for name in re.findall(r"def (test_\w+)", path.read_text("utf-8"))
    }
    assert len(named) > 30
    assert named <= there, named - there
