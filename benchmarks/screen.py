"""Cost of watching: bytes, CPU, staleness and answers to keys, measured on the real screen in a pseudo-terminal.

python benchmarks/screen.py [--size 120x40] [--seconds 20]

A scripted run of 100 steps a second is followed; a terminal emulator reads the screen. The same is then sent the way
Textual sends it, as the baseline. Keys and the thread that draws are measured again on a run that trains for real on
every core (`real_…`). The last line is one JSON object; what the words mean is in `FIGURES`.
"""

import argparse
import json
import os
import re
import statistics
import sys
import tempfile
import time
from pathlib import Path

import throughput
from chart_staleness import CHART_FIGURES, chart_staleness, quantile
from made_up_runs import STEPS_PER_SECOND, ScriptedRun, show
from pseudo_terminal import PseudoTerminal, RunConnection
from screen_options import parser_with_size, use_a_persons_environment

from cifar_tui.files.atomic_write import TEMPORARY_PREFIX

KEYS = ("v", "g", "x", "m", "k", "+", "-", "[", "]", "0", "1", "1", "\x1b[D", "\x1b[C", "V")
"""Keys that change what is in view: panels, scales, axes, zoom, curves, the cursor."""
OPENING_KEYS = ("?", "\x1b", "c", "\x1b", "h", "\x1b", "l", "\x1b")
KEY_PRESSES = 30
THIN_LINK = RunConnection(bytes_per_second=125_000, delay_seconds=0.1)
"""1 Mbit/s, 200 ms there and back."""
TINY_SECONDS = 6.0
TINY_ROUNDS = 5
QUIET_SECONDS = 0.06
"""A screen that was quiet for so long has settled; less than the time between two drains of the screen."""
SAVES = 10
"""Saves in which a key is pressed."""
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")

FIGURES = {
    "bytes_per_second": "written to the terminal while following 100 steps a second",
    "bytes_per_second_paused": "the same, while the run is paused",
    "screen_cpu_percent": "of one core, used by the thread that draws, while following",
    "staleness_p95_seconds": "from a step's end until its number is on the emulated screen",
    **CHART_FIGURES,
    "key_p95_ms": "from a key until the screen has settled, 30 presses of every kind, while paused",
    "open_p95_ms": "the same for keys that open or close a screen (escape waits 25 ms to be told from an arrow)",
    "real_key_p95_ms": "keys again, while a run trains for real on every core",
    "real_open_p95_ms": "screens again, likewise",
    "save_key_p95_ms": "from ? until the keys are on the screen, while weights or a training state are written",
    "no_save_key_p95_ms": "the same beside the same training, while nothing is written (the baseline)",
    "real_screen_cpu_percent": "of one core, used by the thread that draws, likewise",
    "slowdown_percent": "of the real training loop by the screen, median of pairs in turn",
    "tiny_slowdown_percent": "of a loop of tiny torch operations, the worst case, likewise",
    "link_staleness_p95_seconds": "staleness over 1 Mbit/s and 200 ms",
    "first_paint_bytes": "of the first whole screen",
    "panel_change_bytes": "of a change to another panel, median",
    "textual_bytes_per_second": "what following costs when Textual sends what changed (the baseline)",
    "textual_ratio": "the baseline over ours",
}


def main() -> None:
    """Read the options, measure, print."""
    parser = parser_with_size(__doc__)
    parser.add_argument("--seconds", type=float, default=20.0, help="how long to follow")
    parser.add_argument("--data", default="synthetic", help="what is trained on for real: a folder of pictures, say")
    parser.add_argument("--worker", choices=["ours", "textual", "tiny", "tiny-bare"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker in ("tiny", "tiny-bare"):
        tiny_operations(watched=options.worker == "tiny")
        return
    if options.worker:
        follow_scripted_run(thin=options.worker == "ours")
        return
    use_a_persons_environment()
    os.environ.setdefault("ESCDELAY", "25")  # as the command line sets it
    figures = following(options.size, options.seconds, "ours")
    figures |= chart_staleness(options.size, options.seconds)
    figures |= over_a_thin_link(options.size, options.seconds)
    figures |= training_for_real(options.size, options.data)
    figures |= slowdowns(options.data)
    baseline = following(options.size, options.seconds, "textual")["bytes_per_second"]
    figures["textual_bytes_per_second"] = baseline
    figures["textual_ratio"] = baseline / figures["bytes_per_second"]
    found = [name for name in FIGURES if name in figures]  # a small screen has not every chart
    print("\n".join(f"{name:<38} {figures[name]:>10,.1f}  {FIGURES[name]}" for name in found))
    print(json.dumps({name: round(figures[name], 2) for name in found}))


def following(size: tuple[int, int], seconds: float, worker: str) -> dict[str, float]:
    """Figures from one scripted run."""
    with PseudoTerminal([sys.executable, __file__, "--worker", worker], size=size) as terminal:
        return followed(terminal, seconds)


def followed(terminal: PseudoTerminal, seconds: float) -> dict[str, float]:
    """Figures from the scripted run in a terminal."""
    terminal.wait_for("step 1")
    terminal.settle(QUIET_SECONDS, 1.0)
    figures: dict[str, float] = {"first_paint_bytes": len(terminal.raw)}
    terminal.read_for(3.0)
    bytes_before, cpu_before, began = len(terminal.raw), cpu_seconds(terminal.drawing_pid), time.monotonic()
    # A number is oldest just before the next one takes its place.
    age = staleness(terminal, seconds)
    taken = time.monotonic() - began
    figures["bytes_per_second"] = (len(terminal.raw) - bytes_before) / taken
    figures["screen_cpu_percent"] = 100 * (cpu_seconds(terminal.drawing_pid) - cpu_before) / taken
    figures["staleness_p95_seconds"] = age
    terminal.press("p")
    terminal.wait_for("Paused")
    terminal.read_for(4.0)  # charts take turns, and the last one's is still to come
    bytes_before = len(terminal.raw)
    terminal.read_for(5.0)
    figures["bytes_per_second_paused"] = (len(terminal.raw) - bytes_before) / 5.0
    return figures | answers(terminal)


def staleness(terminal: PseudoTerminal, seconds: float) -> float:
    """Return the age of the newest number in the header, just before the next one: 95 % are younger."""
    ages: list[float] = []
    shown, shown_at = 0, 0.0
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        terminal.read(0.02)
        found = re.search(r"step ([\d,]+)/", terminal.text)
        step = int(found.group(1).replace(",", "")) if found else 0
        if step > shown:
            if shown:
                ages.append(time.time() - shown_at)
            shown, shown_at = step, began_at(terminal) + (step + 1) / STEPS_PER_SECOND
    return quantile(ages, 0.95)


def answers(terminal: PseudoTerminal) -> dict[str, float]:
    """Return the time until keys are answered, and the bytes that takes."""
    rounds = KEY_PRESSES // len(KEYS)
    changed = {key: [pressed(terminal, key) for _ in range(rounds)] for key in KEYS}
    opened = [pressed(terminal, key) for _ in range(3) for key in OPENING_KEYS]
    took = [milliseconds for found in changed.values() for milliseconds, _ in found if milliseconds]
    return {
        "key_p95_ms": quantile(took, 0.95),
        "open_p95_ms": quantile([milliseconds for milliseconds, _ in opened if milliseconds], 0.95),
        "panel_change_bytes": statistics.median(size for _, size in changed["v"]),
    }


def over_a_thin_link(size: tuple[int, int], seconds: float) -> dict[str, float]:
    """Return the age of the newest number at the other end of a thin link."""
    with PseudoTerminal([sys.executable, __file__, "--worker", "ours"], size=size, link=THIN_LINK) as terminal:
        terminal.wait_for("step 1")
        return {"link_staleness_p95_seconds": staleness(terminal, seconds)}


def training_for_real(size: tuple[int, int], data: str) -> dict[str, float]:
    """Keys and the cost of drawing beside a run that keeps every core busy."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "cifar_tui", "train", "--preset", "default", "--data", data]
        command += ["--batch-size", "128", "--outf", f"{folder}/run"]
        with PseudoTerminal(command, size=size) as terminal:
            terminal.wait_for("step 3/", 300.0)
            before, began = cpu_seconds(terminal.drawing_pid), time.monotonic()
            terminal.read_for(10.0)
            cpu = 100 * (cpu_seconds(terminal.drawing_pid) - before) / (time.monotonic() - began)
            found = answers(terminal)
            of_saves = during_saves(terminal, Path(folder) / "run")
    return {
        **of_saves,
        "real_screen_cpu_percent": cpu,
        "real_key_p95_ms": found["key_p95_ms"],
        "real_open_p95_ms": found["open_p95_ms"],
    }


def during_saves(terminal: PseudoTerminal, run: Path) -> dict[str, float]:
    """Return the time until a key is answered while the run saves, and just before."""
    found: dict[str, list[float]] = {"save_key_p95_ms": [], "no_save_key_p95_ms": []}
    for _ in range(SAVES):
        found["no_save_key_p95_ms"].append(seconds_to_help(terminal))
        terminal.press("w")
        terminal.read_until(lambda: any(run.glob(f"{TEMPORARY_PREFIX}*.p*")), "a save")
        found["save_key_p95_ms"].append(seconds_to_help(terminal))
    return {name: 1_000 * quantile(taken, 0.95) for name, taken in found.items()}


def seconds_to_help(terminal: PseudoTerminal) -> float:
    """Return the time from the key until the list of keys is there, and close it again."""
    began = time.monotonic()
    terminal.press("?")
    terminal.wait_for("Escape closes")
    taken = time.monotonic() - began
    terminal.press("\x1b")
    terminal.read_until(lambda: "Escape closes" not in terminal.text, "the end of the help")
    terminal.settle(0.3, 1.0)
    return taken


def slowdowns(data: str) -> dict[str, float]:
    """Return the cost of watching for the loop that trains, and for a loop of tiny operations."""
    options = argparse.Namespace(device="cpu", data=data, steps=10, batch_size=128)
    real = [
        1 - throughput.measure("ours_watched", options).images_per_second / bare.images_per_second
        for bare in (throughput.measure("ours", options) for _ in range(3))
    ]
    tiny = [1 - tiny_speed("tiny") / bare for bare in (tiny_speed("tiny-bare") for _ in range(TINY_ROUNDS))]
    return {
        "slowdown_percent": 100 * statistics.median(real),
        "tiny_slowdown_percent": 100 * statistics.median(tiny),
    }


def tiny_speed(worker: str) -> float:
    """Tiny operations a second, with or without the screen."""
    with tempfile.NamedTemporaryFile("r") as result:
        command = [sys.executable, __file__, "--worker", worker]
        with PseudoTerminal(command, environment={**os.environ, "RESULT": result.name}) as terminal:
            terminal.exit_code()
        return float(result.read())


def tiny_operations(*, watched: bool) -> None:
    """A loop of tiny torch operations that says a hundred steps a second, on the screen or to nobody."""
    import torch

    torch.set_num_threads(1)
    weights, step = torch.zeros(64), torch.ones(64)
    done = 0
    began = 0.0

    def work() -> None:
        nonlocal done, began
        if not began and time.monotonic() > warm_at:
            done, began = 0, time.monotonic()
        for _ in range(50):
            weights.add_(step, alpha=0.1).mul_(0.9)
        done += 50
        if began and time.monotonic() > began + TINY_SECONDS:
            Path(os.environ["RESULT"]).write_text(str(done / (time.monotonic() - began)))
            os._exit(0)

    run = ScriptedRun(work)
    warm_at = time.monotonic() + 3.0
    if watched:
        show(run)
    else:
        run.train()
        while True:
            time.sleep(0.25)
            run.poll()


def pressed(terminal: PseudoTerminal, key: str) -> tuple[float, float]:
    """Milliseconds until the screen has settled after a key, and the bytes that took."""
    terminal.settle(0.3)
    before, began = len(terminal.raw), time.monotonic()
    terminal.press(key)
    settled = began
    while terminal.read(0.3 if settled == began else QUIET_SECONDS):
        settled = time.monotonic()
    return 1_000 * (settled - began), len(terminal.raw) - before


def cpu_seconds(pid: int) -> float:
    """CPU time of a process's main thread, which draws."""
    fields = Path(f"/proc/{pid}/task/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS


def began_at(terminal: PseudoTerminal) -> float:
    """Return the start of the scripted run, in seconds since 1970: its name on the screen says so."""
    found = re.search(r"run t(\d+)", terminal.text)
    return int(found.group(1)) / 1_000 if found else 0.0


def follow_scripted_run(*, thin: bool) -> None:
    """Show a run that a thread scripts, with no torch in the process; `thin` as we send it, else as Textual does."""
    from textual.app import App

    from cifar_tui.tui.terminal.screen_output import DiffApp

    if not thin:
        DiffApp._display = App._display  # type: ignore[method-assign]
    show(ScriptedRun())


if __name__ == "__main__":
    main()
