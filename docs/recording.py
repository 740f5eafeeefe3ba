"""Records the program: docs/first-minute.cast or another one (asciinema, version 2), and the same as .svg.

python docs/recording.py --data DIR                   # records, which takes two minutes, and draws
python docs/recording.py                              # draws the recording that is there
python docs/recording.py --data DIR --name several    # two processes, one of which is killed
python docs/recording.py --data DIR --name night      # a queue trains a sweep, and one run is killed

The program is real, and so is the training. A start is played four times as fast, and where nothing changes for longer
than `PAUSE_SECONDS`, the rest is cut.
"""

import argparse
import codecs
import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyte
from terminal_pictures import Frame, Row, animated_svg, rows_of

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

from pseudo_terminal import PseudoTerminal

DOCS = Path(__file__).parent
SIZE = (100, 30)
FRAMES_PER_SECOND = 4
PAUSE_SECONDS = 1.5
"""The longest time without a change that is played."""
TYPING_SECONDS = 0.04
"""Between two characters of a command."""
WAIT_SECONDS = 90.0
LAST_SECONDS = 3.0
"""Time for which the last screen stands, before all begins anew."""
SECOND_SCREEN = re.compile(r"\x1b\[\?1049([hl])")
"""The sequence that turns to the second screen, and back."""
KEYBOARD_MODES = re.compile(r"\x1b\[[<>=?]\d*u")
"""Sequences of newer terminals, which pyte would print."""
TRAIN = "cifar-tui train --data images --preset smoke --width 16 --epochs 12 --run-name first"
TRAIN_BEFORE = "cifar-tui train --headless --data images --preset smoke --width 8 --epochs 12 --run-name first"
ADD = "cifar-tui queue add --data images --preset smoke --width 8 --epochs 12 --lr 0.02,0.05 --seed 0..1 --sweep night"
KILL = r"kill -9 $(grep -oP 'process \K\d+' runs/night-lr0.02-seed1/run.lock)    # one of the four"
TRAIN_BOTH = "cifar-tui train --processes 2 --data images --preset smoke --width 16 --epochs 90 --run-name first"


@dataclass(frozen=True, slots=True)
class Type:
    """A command is typed at the shell's prompt."""

    command: str


@dataclass(frozen=True, slots=True)
class Press:
    """A key is pressed, and the screen looked at for a while."""

    key: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Await:
    """Something comes on the screen, and is looked at for a while; `pace` times as fast until then."""

    text: str
    """A regular expression."""
    seconds: float
    pace: float = 1.0


Scene = Type | Press | Await
SCENES: tuple[Scene, ...] = (
    Type(TRAIN),
    Await(" step 1", 0.0, pace=4),
    Await("epoch 2/", 6.0),
    Press("m", 3.0),
    Press("c", 2.5),
    Press("e", 1.0),
    Await("top-3", 4.0),
    Press("\x1b", 2.0),
    Press("d", 0.0),
    Await("attach first", 3.0),
    Type("cifar-tui runs"),
    Await("first", 3.0),
    Type("cifar-tui attach first"),
    Await("images/s", 6.0),
    Press("q", 3.0),
)  # fmt: skip
"""The scenes of the first minute, in order."""
SEVERAL: tuple[Scene, ...] = (
    Type(TRAIN_BOTH),
    Await("epoch 1/", 0.0, pace=4),
    Await("epoch 2/", 4.0),
    Press("d", 0.0),
    Await("attach first", 2.0),
    Type("pkill -9 --newest --full 'cifar_tui train'    # one of the two"),
    Type("cifar-tui attach first"),
    Await("was lost", 1.0),
    Await("Resumed after", 6.0, pace=2),
    Press("d", 3.0),
)
"""The scenes of two processes, one of which is killed."""
NIGHT: tuple[Scene, ...] = (
    Type(ADD),
    Await("y/N", 4.0),
    Press("y\r", 2.0),
    Type("cifar-tui queue run --detach"),
    Await("To see how far it is", 8.0),
    Type("cifar-tui attach night-lr0.02-seed0"),
    Await("images/s", 3.0, pace=2),
    Press("u", 4.0),
    Await("0.02-seed1 +● Training +[2-9]/12", 1.0, pace=4),
    Press("q", 1.0),
    Type(KILL),
    Press("", 3.0),
    Type("tail -n 2 runs/.queue/log.txt"),
    Await("was killed", 2.0),
    Type("cifar-tui attach night-lr0.02-seed1"),
    Await("images/s", 4.0, pace=2),
    Press("u", 1.0),
    Await("0.02-seed1 +✓ Finished", 0.0, pace=8),
    Await("0.05-seed0 +✓ Finished", 0.0, pace=8),
    Await("0.05-seed1 +✓ Finished", 2.0, pace=8),
    Press("q", 2.0),
    Type("cifar-tui queue list"),
    Await("4 ended", 4.0),
    Type("cifar-tui results night"),
    Await("standard deviation", 5.0),
)
"""The scenes of a night's queue, one run of which is killed."""


@dataclass(frozen=True, slots=True)
class Story:
    """A recording that can be made."""

    title: str
    scenes: Sequence[Scene]
    before: str = ""
    """A command that is run unseen before it begins."""


STORIES = {
    "first-minute": Story("The first minute with cifar-tui", SCENES),
    "several": Story("Two processes train one run, and one of them is killed", SEVERAL),
    "night": Story("A queue trains a sweep, and one of its runs is killed", NIGHT, TRAIN_BEFORE),
}
"""By the name of their files."""


@dataclass
class Recording:
    """Bytes of a terminal with the times at which they are played."""

    events: list[tuple[float, str, str]] = field(default_factory=list)
    """Seconds, `o` for output or `i` for a key, and the characters."""
    pace: float = 1.0
    """Seconds of the world in one of the recording."""
    _played: float = 0.0
    _at: float = field(default_factory=time.monotonic)
    _decoder: codecs.IncrementalDecoder = field(default_factory=codecs.getincrementaldecoder("utf-8"))

    def take(self, kind: str, content: bytes) -> None:
        """Add what came, or was typed, just now."""
        now = time.monotonic()
        self._played += (now - self._at) / self.pace
        self._at = now
        text = self._decoder.decode(content) if kind == "o" else content.decode()
        if text:
            self.events.append((round(self._played, 3), kind, text))


def record(data: Path, story: Story) -> Recording:
    """Play a story's scenes in a shell, and record them."""
    with tempfile.TemporaryDirectory(prefix="recording-") as folder:
        (Path(folder) / "images").symlink_to(data.absolute())
        environment = {
            "HOME": folder, "PS1": "$ ", "COLORTERM": "truecolor", "LANG": "C.UTF-8", "SHELL": "/bin/bash",
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "XDG_RUNTIME_DIR": folder,
        }  # fmt: skip
        shell = ["bash", "--noprofile", "--norc"]
        subprocess.run([*shell, "-c", story.before], cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
        with PseudoTerminal(shell, size=SIZE, folder=Path(folder), environment=environment) as terminal:
            stage = Stage(terminal, Recording())
            stage.look(0.5)
            for scene in story.scenes:
                stage.play(scene)
            stage.end()
            return stage.recording


class Stage:
    """A terminal in which scenes are played while everything is recorded."""

    def __init__(self, terminal: PseudoTerminal, recording: Recording) -> None:
        """Record `terminal`."""
        self.recording = recording
        self._terminal = terminal
        self._taken = 0

    def look(self, seconds: float) -> None:
        """Record for a while."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._read(min(left, 0.05))

    def play(self, scene: Scene) -> None:
        """Play one scene."""
        match scene:
            case Type(command):
                for character in command:
                    self._press(character)
                    self.look(TYPING_SECONDS)
                self.look(0.5)
                self._press("\r")
            case Press(key, seconds):
                self._press(key)
                self.look(seconds)
            case Await(text, seconds, pace):
                self.recording.pace = pace
                until = time.monotonic() + WAIT_SECONDS
                while not re.search(text, self._terminal.text):
                    if time.monotonic() > until:
                        raise SystemExit(f"{text!r} did not come:\n{self._terminal.text}")
                    self._read(0.05)
                self.recording.pace = 1.0
                self.look(seconds)

    def end(self) -> None:
        """Stop the run that trains on, unseen."""
        self._terminal.press("\rcifar-tui stop first\r")
        self._terminal.read_for(5.0)

    def _press(self, keys: str) -> None:
        self.recording.take("i", keys.encode())
        self._terminal.press(keys)

    def _read(self, seconds: float) -> None:
        if self._terminal.read(seconds):
            self.recording.take("o", bytes(self._terminal.raw[self._taken :]))
            self._taken = len(self._terminal.raw)


def cast(recording: Recording, size: tuple[int, int], title: str) -> str:
    """Return a recording in asciinema's format, version 2."""
    header = {
        "version": 2, "width": size[0], "height": size[1], "timestamp": int(time.time()),
        "idle_time_limit": PAUSE_SECONDS, "title": title, "env": {"TERM": "xterm-256color", "SHELL": "/bin/bash"},
    }  # fmt: skip
    return "".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in (header, *recording.events))


class Emulator:
    """A terminal with the second screen that full-screen programs draw on, which pyte alone does not have."""

    def __init__(self, columns: int, rows: int) -> None:
        """Start with empty screens of such a size."""
        self._screens = {mode: pyte.Screen(columns, rows) for mode in "lh"}
        self._streams = {mode: pyte.Stream(screen) for mode, screen in self._screens.items()}
        self._mode = "l"

    def feed(self, text: str) -> None:
        """Take in what a program wrote."""
        first, *switched = re.split(SECOND_SCREEN, re.sub(KEYBOARD_MODES, "", text))
        self._streams[self._mode].feed(first)
        for mode, part in zip(switched[::2], switched[1::2], strict=True):
            self._mode = mode
            self._screens["h"].reset()
            self._streams[mode].feed(part)

    def rows(self) -> tuple[Row, ...]:
        """Return the rows of the screen in view."""
        return rows_of(self._screens[self._mode])


def frames_of(content: str) -> Iterator[Frame]:
    """Yield the screens of a recording that differ from the ones before; long waits are cut."""
    header, *lines = (json.loads(line) for line in content.splitlines())
    emulator = Emulator(header["width"], header["height"])
    before: tuple[Row, ...] = ()
    cut = shown_at = 0.0
    outputs = ((seconds, text) for seconds, kind, text in lines if kind == "o")
    for turn, group in itertools.groupby(outputs, key=lambda event: int(event[0] * FRAMES_PER_SECOND)):
        for _, text in group:
            emulator.feed(text)
        rows = emulator.rows()
        if rows == before or (before and not any(text.strip() for row in rows for text, _ in row)):
            continue  # nothing new, or nothing yet on a screen just opened
        at = turn / FRAMES_PER_SECOND - cut
        cut += max(at - shown_at - PAUSE_SECONDS, 0.0)
        before, shown_at = rows, min(at, shown_at + PAUSE_SECONDS)
        yield Frame(shown_at, rows)


def draw(content: str) -> str:
    """Return a recording as an animated SVG."""
    frames = list(frames_of(content))
    return animated_svg(frames, frames[-1].at + LAST_SECONDS, json.loads(content.partition("\n")[0])["title"])


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the options, record, draw, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="a folder of images to train on")
    parser.add_argument("--name", choices=STORIES, default="first-minute", help="what is recorded")
    parser.add_argument("--output", type=Path, default=DOCS, help="the folder of both files")
    parser.add_argument("--png", type=Path, metavar="FOLDER", help="write every frame there as well, to be looked at")
    options = parser.parse_args(arguments)
    file = options.output / f"{options.name}.cast"
    if options.data is not None:
        story = STORIES[options.name]
        file.write_text(cast(record(options.data, story), SIZE, story.title), encoding="utf-8")
    content = file.read_text(encoding="utf-8")
    picture = draw(content)
    (options.output / f"{options.name}.svg").write_text(picture, encoding="utf-8")
    frames = list(frames_of(content))
    if options.png:
        from terminal_png import png

        options.png.mkdir(parents=True, exist_ok=True)
        for frame in frames:
            png(frame.rows).save(options.png / f"{frame.at:07.2f}.png")
    print(f"{len(frames)} frames, {frames[-1].at:.0f} s; {len(content.encode()):,} and {len(picture.encode()):,} bytes")


if __name__ == "__main__":
    main()
