"""The program as tests run it: in a process of its own, forked from one that has loaded torch already.

Loading torch is most of a short command's time. cifar_tui is loaded anew each time, in the test's environment.
"""

import multiprocessing
import os
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import TypeAlias

from tests.waiting import PATIENCE_SECONDS

LOADED = ["torch", "torch.nn.functional", "torch.utils.data", "safetensors.torch", "PIL.Image", "typer.rich_utils"]
"""What takes long to load, and does not look at a test's environment."""
READ_AT_THE_START = ("LANG", "LC_", "PYTHON", "OMP_")
"""How the variables begin that a new interpreter alone reads."""


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "cifar_tui", *arguments]


def environment(folder: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLORTERM")}
    return {**kept, "XDG_CACHE_HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "OMP_NUM_THREADS": "1", **more}


def run(folder: Path, *arguments: str, **more: str) -> "subprocess.CompletedProcess[str]":
    """Run a command in a folder that keeps its caches and settings, too."""
    return run_program(*arguments, folder=folder, variables=environment(folder, **more))


def run_program(
    *arguments: str, folder: Path | None = None, variables: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end, by default where the test is and in its environment."""
    with tempfile.TemporaryDirectory() as place:
        output, errors = Path(place, "output"), Path(place, "errors")
        process = start_program(*arguments, folder=folder, variables=variables, output=output, errors=errors)
        try:
            code = process.wait(PATIENCE_SECONDS)
        finally:
            process.kill()
        said = [file.read_text(encoding="utf-8", errors="replace") for file in (output, errors)]
    return subprocess.CompletedProcess(list(arguments), code, *said)


def start_program(
    *arguments: str,
    output: Path,
    errors: Path | None = None,
    folder: Path | None = None,
    variables: Mapping[str, str] | None = None,
    module: str = "cifar_tui",
) -> "Process":
    """Start a command, or another module that stands for it; what it prints is appended to a file or two."""
    variables = {**(os.environ if variables is None else variables), "OMP_NUM_THREADS": "1"}
    folder = folder or Path.cwd()
    files = [output.absolute(), (errors or output).absolute()]
    if all(variables.get(name) == os.environ.get(name) for name in {*variables, *os.environ} if _read_at_start(name)):
        return ForkedProgram(module, arguments, folder, variables, files)
    with files[0].open("ab") as out, files[1].open("ab") as err:
        words = [sys.executable, "-m", module, *arguments]
        return subprocess.Popen(words, cwd=folder, env=variables, stdin=subprocess.DEVNULL, stdout=out, stderr=err)


class ForkedProgram:
    """A process of the program, with what `subprocess.Popen` has."""

    def __init__(
        self, module: str, arguments: Sequence[str], folder: Path, variables: Mapping[str, str], files: list[Path]
    ) -> None:
        self._arguments = arguments
        for file in files:
            file.touch()
        given = (module, arguments, folder, dict(variables), files)
        self._process = _forks().Process(target=_become, args=given)
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired(list(self._arguments), timeout or 0.0)
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self._process.terminate()

    def kill(self) -> None:
        self._process.kill()


Process: TypeAlias = "subprocess.Popen[bytes] | ForkedProgram"


def _read_at_start(name: str) -> bool:
    return name.startswith(READ_AT_THE_START) and name != "PYTHONPATH"


def _forks() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(LOADED)
    return context


def _become(module: str, arguments: Sequence[str], folder: Path, variables: dict[str, str], files: list[Path]) -> None:
    """Be the program, in a new process."""
    for number, file in enumerate(files, start=1):
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        os.dup2(descriptor, number)
        os.close(descriptor)
    sys.stdout, sys.stderr = (open(number, "w", closefd=False) for number in (1, 2))  # noqa: SIM115 - until the end
    sys.orig_argv = [sys.executable, "-m", module, *arguments]
    _show_command_line(sys.orig_argv)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(variables)
    sys.path[:0] = filter(None, variables.get("PYTHONPATH", "").split(os.pathsep))
    sys.argv = ["cifar-tui", *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _show_command_line(words: Sequence[str]) -> None:
    """Show others the words that a started process would have, so that who looks for a run's finds it (Linux)."""
    start, end = map(int, Path("/proc/self/stat").read_text().rpartition(")")[2].split()[45:47])
    with Path("/proc/self/mem").open("r+b", buffering=0) as memory:
        memory.seek(start)
        memory.write(b"".join(os.fsencode(word) + b"\0" for word in words)[: end - start - 1].ljust(end - start, b"\0"))
