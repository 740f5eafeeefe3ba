"""Draws the pictures of the documentation: the real program in an emulated terminal, attached to a real run.

python docs/screenshot.py --data DIR               # train a small run first (two minutes), then draw all of docs/*.svg
python docs/screenshot.py runs/NAME --until STEP   # all of docs/*.svg from a run of your own, as it was after a step
python docs/screenshot.py runs/NAME --example digits   # one picture of docs/data.md or docs/networks.md
python docs/screenshot.py runs/NAME --png FOLDER   # every view in all themes and sizes, to be looked at one by one
python docs/screenshot.py runs/NAME --png FOLDER --view help --size 80x24 --theme day
python docs/screenshot.py runs/NAME --svg FILE --view results    # one picture, as docs/sweep.sh makes it

The run shown must have evaluated its newest checkpoint. Every picture's title names the run it is of.
"""

import argparse
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from terminal_pictures import Row, rows_of, svg
from terminal_png import png

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

from pseudo_terminal import PseudoTerminal

from cifar_tui.files.run_files import LOCK_NAME, journal_path
from cifar_tui.runs.checkpoints.sidecars import delete_checkpoint, list_sidecars
from cifar_tui.runs.folder import RunFolder, read_recipe
from cifar_tui.runs.records.journal import from_line
from cifar_tui.runs.remote.server import ControlServer

DOCS = Path(__file__).parent
THEMES = ("night", "day", "clear", "sixteen")
NO_COLOR = "no-color"
"""Instead of a theme: the standard variable NO_COLOR is set."""
SIZES = ("200x50", "120x40", "80x24", "60x20")
VIEWS: dict[str, tuple[str, ...]] = {
    "dashboard": (),
    "cursor": ("x", "x", "k", "g", "+", "left", "shift+left", "shift+left"),
    "checkpoints": ("c",),
    "confusion": ("c", "enter"),
    "wrong-images": ("c", "enter", "i"),
    "class-rows": ("c", "enter", "v"),
    "compare": ("c", "space", "down", "space", "C"),
    "runs": ("u",),
    "results": ("u", "S"),
    "health": ("L",),
    "help": ("?",),
    "rate": ("l",),
}
"""Keys that lead from the dashboard to each view."""
PICTURES: dict[str, tuple[str, str, str]] = {
    **{f"screen-{theme}": ("dashboard", "120x40", theme) for theme in THEMES},
    **{f"screen-{size}": ("dashboard", size, "night") for size in SIZES if size != "120x40"},
    "screen-cursor": ("cursor", "120x40", "night"),
    **{
        view: (view, "120x40", "night")
        for view in ("checkpoints", "confusion", "wrong-images", "compare", "runs", "health")
    },
    "confusion-80x24": ("confusion", "80x24", "night"),
    "checkpoints-80x24": ("checkpoints", "80x24", "night"),
}
"""View, size and theme of every picture in docs/."""
EXAMPLES: dict[str, tuple[str, str, str]] = {
    "three-classes": ("dashboard", "120x40", "night"),
    "hundred-classes": ("confusion", "120x40", "night"),
    "hundred-classes-rows": ("class-rows", "120x40", "night"),
    "digits": ("wrong-images", "120x40", "night"),
    "own-network": ("dashboard", "120x40", "night"),
}
"""The same of the pictures of other runs; docs/data.md and docs/networks.md say how each was trained."""
KEYS = {
    "left": "\x1b[D", "right": "\x1b[C", "up": "\x1b[A", "down": "\x1b[B", "shift+left": "\x1b[1;2D",
    "enter": "\r", "escape": "\x1b", "space": " ",
}  # fmt: skip
"""Characters that a terminal sends for keys with a name."""
SLOW_VIEWS = ("compare",)
"""Views that load and measure something first."""
QUIET_SECONDS, SLOW_SECONDS = 0.5, 25.0
FEW_ROWS = 5
"""A key that changes fewer rows leads nowhere; the panel of the device changes by itself."""
TRAINING = ["--headless", "--preset", "short", "--width", "16", "--batch-size", "100"]
TRAINING += ["--train-images", "5000", "--test-images", "1000"]

SHOWN_STEPS = 270
"""Of its 300, so that it is seen at work."""


def cifar_tui(*words: str) -> list[str]:
    """Return the command line of the program."""
    return [sys.executable, "-m", "cifar_tui", *words]


def train_runs(folder: Path, data: str) -> Path:
    """Train a run to draw, and one that branches off it. Returns the first."""
    for words in (
        ["train", *TRAINING, "--data", data, "--epochs", "6", "--run-name", "first"],
        ["evaluate", "first:5"],
        ["train", "--headless", "--from", "first:4", "--epochs", "2", "--lr", "0.02", "--run-name", "branched"],
    ):
        print(" ".join(["cifar-tui", *words]), flush=True)
        subprocess.run(cifar_tui(*words), cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return folder / "runs" / "first"


def copy_runs(run: Path, place: Path, until: int | None) -> Path:
    """Copy a run and those beside it; the run as it was after a step. Returns its copy."""
    for one in run.parent.iterdir():
        if journal_path(one).is_file():
            copy_run(one, place / "runs" / one.name, until if one == run else None)
    return place / "runs" / run.name


def copy_run(run: Path, copy: Path, until: int | None) -> None:
    """Copy a run as it was after a step, its weights as hard links where that can be: links are refused."""
    copy.mkdir(parents=True)
    for path in run.iterdir():
        if not path.is_file() or path.name in (LOCK_NAME, "control.json"):
            continue
        if path.suffix in (".pth", ".pt"):
            with contextlib.suppress(OSError):
                os.link(path, copy / path.name)
                continue
        shutil.copy2(path, copy)
    if until is not None:
        for one in list_sidecars(copy):
            if one.step > until:
                delete_checkpoint(copy, one.checkpoint)
        with journal_path(run).open("rb") as file:
            kept = list(lines_until(file, until))
        journal_path(copy).write_bytes(b"".join(kept))


def lines_until(lines: Iterator[bytes], step: int) -> Iterator[bytes]:
    """Yield the lines of a journal up to a step."""
    for line in lines:
        if getattr(from_line(line)[1], "step", 0) > step:
            return
        yield line


@contextlib.contextmanager
def living(run: Path) -> Iterator[None]:
    """Hold a run's lock and answer on its socket meanwhile, so that it looks as if it was training."""
    folder = RunFolder.reopen(run)
    server = ControlServer(run, lambda _request: None)
    yield
    server.close()
    folder.close()


def draw(run: Path, view: str, size: str, theme: str) -> tuple[Row, ...]:
    """Return the rows of a view of the run. Raises LookupError if its last key leads nowhere."""
    columns, rows = (int(part) for part in size.split("x"))
    place = run.parents[1]
    preferences = tempfile.mkdtemp(dir=place)  # what the keys of another picture chose is remembered elsewhere
    environment = {**os.environ, "COLORTERM": "truecolor", "XDG_CONFIG_HOME": preferences}
    words = ["attach", run.name]
    if theme == NO_COLOR:
        environment["NO_COLOR"] = "1"
    else:
        words += ["--theme", theme]
    with PseudoTerminal(cifar_tui(*words), size=(columns, rows), folder=place, environment=environment) as terminal:
        terminal.wait_for("Loss")
        terminal.wait_for(" step ")
        terminal.settle(QUIET_SECONDS, 3.0)
        before = terminal.screen.display
        for key in VIEWS[view]:
            before = terminal.screen.display
            terminal.press(KEYS.get(key, key))
            terminal.settle(QUIET_SECONDS, 2.0)
        if VIEWS[view] and sum(old != new for old, new in zip(before, terminal.screen.display, strict=True)) < FEW_ROWS:
            raise LookupError(f"key {VIEWS[view][-1]!r} does not lead to {view}")
        if view in SLOW_VIEWS:
            terminal.settle(5.0, SLOW_SECONDS)
        return rows_of(terminal.screen)


def matrix(view: str | None, size: str | None, theme: str | None) -> Iterator[tuple[str, str, str]]:
    """Yield the views, sizes and themes to look at: every theme at 120x40, and every size in the first."""
    for one in [view] if view else VIEWS:
        if size or theme:
            yield one, size or "120x40", theme or THEMES[0]
            continue
        for name in (*THEMES, NO_COLOR):
            yield one, "120x40", name
        for other in SIZES:
            if other != "120x40":
                yield one, other, THEMES[0]


def title_of(run: Path, view: str) -> str:
    """Return what a picture shows, and the run it is of."""
    recipe = read_recipe(run)
    images = f"{recipe.train_images:,} images" if recipe.train_images else "all images"
    network = recipe.model.name if recipe.model is not None else f"width {recipe.width}"
    return f"cifar-tui, {view}: run {run.name}, preset {recipe.preset}, {network}, {images}"


def write_pngs(run: Path, folder: Path, wanted: Iterator[tuple[str, str, str]]) -> None:
    """Put pictures into a folder, to be looked at."""
    folder.mkdir(parents=True, exist_ok=True)
    for view, size, theme in wanted:
        path = folder / f"{view}-{size}-{theme}.png"
        try:
            png(draw(run, view, size, theme)).save(path)
            print(path, flush=True)
        except LookupError as error:
            print(f"{path}: left out, {error}", flush=True)


def write_svgs(run: Path, pictures: Mapping[str, tuple[str, str, str]]) -> None:
    """Draw pictures of docs/."""
    for name, (view, size, theme) in pictures.items():
        try:
            content = svg(draw(run, view, size, theme), title_of(run, view))
        except LookupError as error:
            print(f"docs/{name}.svg: left as it is, {error}", flush=True)
            continue
        (DOCS / f"{name}.svg").write_text(content, encoding="utf-8")
        print(f"docs/{name}.svg: {len(content.encode()):,} bytes", flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the options, train if need be, draw, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, nargs="?", help="the run's folder")
    parser.add_argument("--data", help="train a run first, on this data")
    parser.add_argument("--until", type=int, metavar="STEP", help="show the run as it was after this step")
    parser.add_argument("--png", type=Path, metavar="FOLDER", help="write PNGs there instead of docs/*.svg")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="write one view there instead")
    parser.add_argument("--example", choices=list(EXAMPLES), help="draw this picture alone, from a run like its own")
    parser.add_argument("--view", choices=list(VIEWS))
    parser.add_argument("--size", choices=SIZES)
    parser.add_argument("--theme", choices=[*THEMES, NO_COLOR])
    options = parser.parse_args(arguments)
    if (options.run is None) == (options.data is None):
        parser.error("name a run's folder, or --data to train one")
    with tempfile.TemporaryDirectory(prefix="pictures-") as folder:
        data = options.data if options.data in (None, "synthetic", "cifar10") else str(Path(options.data).absolute())
        run, until = options.run, options.until
        if run is None:
            run, until = train_runs(Path(folder), data), until or SHOWN_STEPS
        if not journal_path(run).is_file():
            parser.error(f"{run} holds no run")
        copy = copy_runs(run.absolute(), Path(folder) / "copy", until)
        with living(copy):
            if options.png:
                write_pngs(copy, options.png, matrix(options.view, options.size, options.theme))
            elif options.svg:
                view = options.view or "dashboard"
                drawn = draw(copy, view, options.size or "120x40", options.theme or THEMES[0])
                options.svg.write_text(svg(drawn, title_of(run, view)), encoding="utf-8")
            else:
                write_svgs(copy, {options.example: EXAMPLES[options.example]} if options.example else PICTURES)


if __name__ == "__main__":
    main()
