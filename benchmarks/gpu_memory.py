"""The memory of a GPU: what a run takes of it, and what it says where it does not suffice."""

import contextlib
import subprocess
import sys
import threading
from collections.abc import Iterator

from measured_run import Bench, Figures

from cifar_tui.system import nvidia


@contextlib.contextmanager
def watching_memory() -> Iterator[list[int]]:
    """Collect the bytes in use on the first GPU, beyond those in use before, for as long as something goes on."""
    handle = nvidia.first_gpu()
    if handle is None:
        yield []
        return
    found: list[int] = []
    before = nvidia.read_gpu(handle).memory_used or 0
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.05):
            found.append((nvidia.read_gpu(handle).memory_used or 0) - before)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield found
    finally:
        ended.set()
        thread.join()


def fill_the_memory(bench: Bench) -> Figures:
    """Train with batches that do not fit, and beside a program that leaves too little."""
    figures: Figures = {"memory_sentence": refusal(bench, "memory", "--batch-size", "50000", "--width", "512")}
    for name, left in (("filled", 1_500_000_000), ("brimful", 200_000_000)):
        with filled_but(left):
            figures[f"{name}_sentence"] = refusal(bench, name)
    return figures


def refusal(bench: Bench, name: str, *options: str) -> str:
    """Return the sentence that a run ends with. Raises RuntimeError when there is none."""
    run = bench.run(name, *options)
    code = run.wait()
    output = run.output.read_text(encoding="utf-8")
    if code != 1 or "Traceback" in output or "memory" not in run.last_line():
        raise RuntimeError(f"{name} ended with {code}: {output[-1_500:]}")
    return run.last_line()


@contextlib.contextmanager
def filled_but(left: int) -> Iterator[None]:
    """Hold all memory of the GPU but so many bytes, in another process."""
    code = (
        "import torch\n"
        f"held = torch.empty(max(1, torch.cuda.mem_get_info()[0] - {left}), dtype=torch.uint8, device='cuda')\n"
        "print('held', flush=True)\ninput()"
    )
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        try:
            if holder.stdout is None or holder.stdout.readline() != "held\n":
                raise RuntimeError("no other program could fill the GPU")
            yield
        finally:
            holder.kill()
