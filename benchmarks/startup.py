"""Time from a command to what a person waits for, each in turn with a baseline that does nothing.

python benchmarks/startup.py [--size 120x40] [--rounds 5]

A first frame is compared with that of a bare Textual app, `--help` with `import typer`, and a long run with our own
first frame. The last line is one JSON object; what the words mean is in `FIGURES`.
"""

import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil
from chart_staleness import charts_drawn
from made_up_runs import write_finished_run
from pseudo_terminal import PseudoTerminal
from screen_options import parser_with_size, use_a_persons_environment

BARE = """
from textual.app import App
from textual.widgets import Static

class Bare(App):
    def compose(self):
        yield Static("Accuracy")

Bare().run()
"""
OURS = [sys.executable, "-m", "cifar_tui"]
LONG_RUNS = {"open_100k": 100_000, "open_1m": 1_000_000}
FIGURES = {
    "first_frame_ms": "from the command `cifar-tui train` to the first frame, before torch is there",
    "bare_frame_ms": "the same of a bare Textual app with one Static (the baseline)",
    "first_frame_ratio": "ours over the bare app's",
    "first_frame_cpu_ratio": "the same of the processor time until then, which a busy machine changes less",
    "help_ms": "of `cifar-tui --help`",
    "typer_ms": "of `import typer` (the baseline)",
    "help_ratio": "ours over it",
    "open_100k_ms": "from the command to every chart of a finished run of 100,000 steps",
    "open_100k_ratio": "that over our first frame",
    "open_1m_ms": "the same for a million steps",
    "open_1m_ratio": "that over our first frame",
    "rss_1m_mb": "the most memory that took",
    "attach_live_ms": "from the command `cifar-tui attach` to the numbers of a run that trains on every core",
}


def main() -> None:
    """Read the options, measure, print."""
    parser = parser_with_size(__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how often each is measured; the median counts")
    options = parser.parse_args()
    use_a_persons_environment()
    with tempfile.TemporaryDirectory() as folder:
        figures = first_frames(options.size, Path(folder), options.rounds)
        figures |= helps(options.rounds)
        figures |= long_runs(options.size, Path(folder), options.rounds)
        figures |= live_run(options.size, Path(folder), options.rounds)
    for name in LONG_RUNS:
        figures[f"{name}_ratio"] = figures[f"{name}_ms"] / figures["first_frame_ms"]
    print("\n".join(f"{name:<24} {figures[name]:>10,.2f}  {words}" for name, words in FIGURES.items()))
    print(json.dumps({name: round(figures[name], 2) for name in FIGURES}))


def first_frames(size: tuple[int, int], folder: Path, rounds: int) -> dict[str, float]:
    """Return the times until the word `Accuracy` is on the screen, of ours and of a bare app, in turn."""
    (folder / "bare.py").write_text(BARE)
    found: dict[str, list[tuple[float, float]]] = {"ours": [], "bare": []}
    for number in range(rounds + 1):
        train = [*OURS, "train", "--data", "synthetic", "--outf", str(folder / f"frame-{number}")]
        for name, command in (("bare", [sys.executable, str(folder / "bare.py")]), ("ours", train)):
            began = time.perf_counter()
            with PseudoTerminal(command, size=size) as terminal:
                terminal.wait_for("Accuracy")
                taken = 1_000 * (time.perf_counter() - began)
                found[name].append((taken, cpu_milliseconds(terminal.pid)))
    (ours, ours_cpu), (bare, bare_cpu) = (
        [statistics.median(column) for column in zip(*found[name][1:], strict=True)] for name in ("ours", "bare")
    )
    return {
        "first_frame_ms": ours,
        "bare_frame_ms": bare,
        "first_frame_ratio": ours / bare,
        "first_frame_cpu_ratio": ours_cpu / bare_cpu,
    }


def cpu_milliseconds(pid: int) -> float:
    """Return the processor time of a process and its children so far."""
    process = psutil.Process(pid)
    times = [one.cpu_times() for one in (process, *process.children(recursive=True))]
    return 1_000 * sum(float(one.user + one.system) for one in times)


def helps(rounds: int) -> dict[str, float]:
    """Return the times of our help and of the library's import, in turn."""
    ours, typer = [], []
    for _ in range(rounds):
        typer.append(milliseconds(lambda: subprocess.run([sys.executable, "-c", "import typer"], check=True)))
        ours.append(milliseconds(lambda: subprocess.run([*OURS, "--help"], check=True, capture_output=True)))
    figures = {"help_ms": statistics.median(ours), "typer_ms": statistics.median(typer)}
    return figures | {"help_ratio": figures["help_ms"] / figures["typer_ms"]}


def milliseconds(work: Callable[[], object]) -> float:
    """Return the time that something takes."""
    began = time.perf_counter()
    work()
    return 1_000 * (time.perf_counter() - began)


def long_runs(size: tuple[int, int], folder: Path, rounds: int) -> dict[str, float]:
    """Return the times until a finished run is open, and the memory that takes."""
    figures: dict[str, float] = {}
    for name, steps in LONG_RUNS.items():
        run = folder / f"run-{steps}"
        write_finished_run(run, steps)
        found = [opened(run, size, steps) for _ in range(rounds)]
        figures[f"{name}_ms"] = statistics.median(taken for taken, _ in found)
        figures["rss_1m_mb"] = found[0][1]
    return figures


def opened(run: Path, size: tuple[int, int], steps: int) -> tuple[float, float]:
    """Return the milliseconds until every chart of a run is complete, and the peak memory in megabytes."""
    began = time.monotonic()
    with PseudoTerminal([*OURS, "attach", str(run)], size=size) as terminal:
        terminal.wait_for(f"step {steps:,}/{steps:,}")
        settled = terminal.settle(0.3)
        while not charts_drawn(terminal.screen.display):
            settled = terminal.settle(0.3)
        peak = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{terminal.drawing_pid}/status").read_text())
    return 1_000 * (settled - began), int(peak.group(1)) / 1_000 if peak else 0.0


def live_run(size: tuple[int, int], folder: Path, rounds: int) -> dict[str, float]:
    """Return the time until the numbers of a run that trains elsewhere are on a screen."""
    run = folder / "live"
    command = [*OURS, "train", "--headless", "--preset", "default", "--data", "synthetic", "--batch-size", "128"]
    with subprocess.Popen([*command, "--outf", str(run)], stdout=subprocess.DEVNULL) as trainer:
        try:
            journal = run / "journal.jsonl"
            while not (journal.exists() and b'"StepDone"' in journal.read_bytes()):
                time.sleep(0.1)
            found = []
            for _ in range(rounds):
                began = time.perf_counter()
                with PseudoTerminal([*OURS, "attach", str(run)], size=size) as terminal:
                    terminal.wait_for("images/s")
                    found.append(1_000 * (time.perf_counter() - began))
        finally:
            trainer.kill()
    return {"attach_live_ms": statistics.median(found)}


if __name__ == "__main__":
    main()
