"""`evaluate --svg`: an image of the confusion matrix beside the result."""

from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from cifar_tui.cli import app
from cifar_tui.errors import BadInput
from cifar_tui.runs.folder import RunFolder
from tests.engine import trained


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on synthetic images."""
    folder = tmp_path_factory.mktemp("runs") / "one"
    recipe = trained.tiny_recipe(epochs=1, data="synthetic", test_images=50)
    trained.train(recipe, RunFolder.create(folder, "one", recipe), None, None)
    return folder


def test_the_matrix_is_drawn_beside_the_result(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.svg"
    done = CliRunner().invoke(app, ["evaluate", str(run), "--json", "--svg", str(out)])
    assert done.exit_code == 0, done.output
    record = orjson.loads(done.stdout)
    drawn = out.read_text(encoding="utf-8")
    assert f"test accuracy {100 * record['accuracy']:.2f} % on 50 images" in drawn
    assert ">triangle</text>" in drawn


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("there.svg", "there.svg exists already. Choose another file."),
        ("out.png", "choose a FILE that ends in .svg, not out.png"),
        ("nowhere/out.svg", "There is no folder"),
    ],
)
def test_a_file_that_cannot_be_written_is_told_before_anything_is_measured(
    run: Path, tmp_path: Path, name: str, told: str
) -> None:
    (tmp_path / "there.svg").write_text("kept")
    done = CliRunner().invoke(app, ["evaluate", str(run), "--svg", str(tmp_path / name)])
    assert isinstance(done.exception, BadInput)
    assert told in str(done.exception)
    assert (tmp_path / "there.svg").read_text() == "kept"
