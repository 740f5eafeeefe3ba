"""What holds for the package as a whole."""

import subprocess
import sys
import zipfile
from pathlib import Path
from typing import get_args

import pytest

from cifar_tui.recipe import OptimizerName

ROOT = Path(__file__).parents[1]


def test_the_whole_screen_runs_without_torch() -> None:
    program = """
import asyncio, sys
from tests.scripted import ScriptedJobs, ScriptedConnection, epochs, opening
from tests.tui.drive import screen, screen_text

async def main():
    async with screen(ScriptedJobs(ScriptedConnection([*opening(), *epochs(2)]))) as pilot:
        await pilot.press("c")
        assert "Checkpoints" in screen_text(pilot)

asyncio.run(main())
print(sorted({"torch", "torchvision"} & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout.strip() == "[]", done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", get_args(OptimizerName))
def test_a_whole_run_loads_no_screen_and_not_torchs_compiler(tmp_path: Path, optimizer: OptimizerName) -> None:
    program = f"""
import sys
from pathlib import Path
from cifar_tui import console
from cifar_tui.jobs.local import LocalJobs
from tests.engine.trained import easy_images, tiny_recipe

recipe = tiny_recipe().with_optimizer({optimizer!r})
jobs = LocalJobs(recipe, "one", Path({str(tmp_path)!r}) / "one", load_data=easy_images)
assert console.follow(jobs.train()) == 0
print(sorted({{"textual", "plotext", "typer", "torch._dynamo", "sympy"}} & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout.strip().splitlines()[-1] == "[]", done.stderr


def test_the_wheel_holds_the_themes_and_the_layout(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        timeout=120,
        check=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    themes = {f"cifar_tui/themes/{path.name}" for path in (ROOT / "themes").glob("*.toml")}
    assert themes
    assert names >= themes | {"cifar_tui/py.typed", "cifar_tui/tui/app.tcss", "cifar_tui/cli/train.py"}
    assert not any(name.startswith(("tests/", "docs/")) for name in names)
