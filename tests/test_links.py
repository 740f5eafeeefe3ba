"""A real run on the screen, at the far end of links that are thin, or stop."""

import itertools
import json
import sys
import time
from pathlib import Path

from pseudo_terminal import Link, PseudoTerminal

STALL_SECONDS = 15.0
SMALL = ["--preset", "smoke", "--width", "8", "--train-images", "200", "--test-images", "100", "--batch-size", "20"]


def watched(run: Path, link: Link) -> PseudoTerminal:
    command = [sys.executable, "-m", "cifar_tui", "train", *SMALL, "--data", "synthetic", "--epochs", "5000"]
    return PseudoTerminal([*command, "--outf", str(run)], size=(80, 24), link=link, folder=run.parent)


def said_at(run: Path) -> list[float]:
    """When the run's steps were written down, in seconds since 1970."""
    lines = (run / "journal.jsonl").read_bytes().splitlines()
    return [record["at"] for record in map(json.loads, lines) if record["event"] == "StepDone"]


def test_a_link_that_stops_costs_the_training_nothing(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with watched(run, Link()) as terminal:
        terminal.wait_for("● Training")
        terminal.wait_for("smooth")
        time.sleep(STALL_SECONDS)  # nobody reads: the terminal's buffer fills, and the screen has to wait
        stalled_until = time.time()
        steps = [at for at in said_at(run) if stalled_until - STALL_SECONDS + 1 < at < stalled_until]
        gaps = [after - before for before, after in itertools.pairwise(steps)]
        assert len(steps) > 20
        assert max(gaps) < STALL_SECONDS / 2, "training went on all the while"
        terminal.press("p")
        terminal.wait_for("‖ Paused", 20)
        terminal.read_for(4.0)  # charts take turns, and the last one's is still to come
        paused = terminal.text
        terminal.press("\x0c")  # the whole screen is sent again, and is the same
        terminal.read_for(1.5)
        assert terminal.text == paused
        assert "Accuracy" in paused
        last = len(said_at(run))
        assert f"step {last:,}/" in paused, "and it shows the very last step"


def test_keys_and_numbers_cross_a_thin_link(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with watched(run, Link(bytes_per_second=125_000, delay_seconds=0.1)) as terminal:
        terminal.wait_for("● Training")
        terminal.wait_for("smooth")
        for _ in range(3):  # answered within seconds: updates do not pile up on the link
            terminal.press("p")
            terminal.wait_for("‖ Paused", 5)
            terminal.press("p")
            terminal.wait_for("● Training", 5)
