"""`cifar-tui queue run`: the process that starts what waits."""

import contextlib
import shlex
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from cifar_tui.cli.environment import report_descriptor
from cifar_tui.cli.queue.place import Place, store_in
from cifar_tui.cli.told import telling
from cifar_tui.errors import BadInput, CifarTuiError
from cifar_tui.notify.wanted import anybody_named
from cifar_tui.option import check_choice
from cifar_tui.queue.command import queue_command
from cifar_tui.queue.store import QueueStore, RunnerLock
from cifar_tui.text import counted

if TYPE_CHECKING:
    from cifar_tui.cli.queue.start import Starter
    from cifar_tui.queue.devices import Devices
    from cifar_tui.queue.notices import Notify
    from cifar_tui.queue.runner import Runner

POLL_SECONDS = 0.5
"""Time between two looks at the queue and its runs."""
MOST_LOG_BYTES = 10_000_000
"""A longer log is begun anew."""
ON_TERM = ("finish", "stop")

PerGpu = Annotated[int, typer.Option("--per-gpu", metavar="N", min=1, help="Train so many runs on each GPU.")]
DEVICES_HELP = "Use only these: numbers of GPUs as 0,1, or cpu. [dim]\\[default: all GPUs, or the CPU][/dim]"
DeviceNumbers = Annotated[str | None, typer.Option("--devices", metavar="LIST", help=DEVICES_HELP)]
KeepGoing = Annotated[bool, typer.Option("--keep-going", help="Stay when the queue is empty, and wait for new jobs.")]
DETACH_HELP = "Run in the background and return; queue list shows how far it is."
OnTerm = Annotated[
    str,
    typer.Option(
        "--on-term",
        metavar="finish|stop",
        help="At Ctrl-C or SIGTERM: let the runs train on by themselves, or have them save and end.",
    ),
]
SLURM_HELP = "Hand the jobs to SLURM's sbatch instead, with these options, and return."
Slurm = Annotated[str | None, typer.Option("--slurm", metavar="'OPTIONS'", help=SLURM_HELP)]
MODELS_HELP = "For jobs with a network of their own: the function that makes it, in a file that you allow to run."
Models = Annotated[list[str] | None, typer.Option("--model", metavar="FILE.py:make", help=MODELS_HELP)]


@telling
def run(
    place: Place = None,
    per_gpu: PerGpu = 1,
    devices: DeviceNumbers = None,
    keep_going: KeepGoing = False,
    detach: Annotated[bool, typer.Option("--detach", help=DETACH_HELP)] = False,
    on_term: OnTerm = "finish",
    slurm: Slurm = None,
    models: Models = None,
) -> None:
    """Train what waits: one run on each GPU, or one at a time. The runs outlive this process."""
    report_to = report_descriptor()
    check_choice("--on-term", on_term, ON_TERM)
    store = store_in(place)
    # Loads what reading runs needs.
    from cifar_tui.cli.queue.start import Starter
    from cifar_tui.queue.devices import machine_devices

    with _reported(report_to):
        starter = Starter(store, models or ())
        if slurm is not None:
            raise typer.Exit(_hand_over(store, starter.refusal, starter.command, slurm))
        available = machine_devices(devices, per_gpu)
        if detach and report_to is None:
            raise typer.Exit(_start_detached(store))
        lock = RunnerLock(store)
    try:
        if report_to is not None:
            _send(report_to, "")
        say = Log(store, echo=report_to is None).line
        say(f"Running the queue of {store.place}{_on_what(available.gpus, per_gpu)}.")
        raise typer.Exit(_run(store, starter, available, say, on_term, keep_going=keep_going))
    finally:
        lock.close()


def _run(
    store: QueueStore,
    starter: "Starter",
    devices: "Devices",
    say: Callable[[str], None],
    on_term: str,
    *,
    keep_going: bool,
) -> int:
    """Run the queue until it is done, or a signal comes. Returns the exit code."""
    from cifar_tui.queue.runner import Runner

    allowed, notify = starter.refusal, _notifier(say)
    runner = Runner(store, devices, starter.start, say, keep_going=keep_going, allowed=allowed, notify=notify)
    return _loop(runner, store, say, on_term)


def _notifier(report: Callable[[str], None]) -> "Notify":
    """Return what tells people who look elsewhere; `report` takes a sentence where that does not work."""
    if anybody_named():
        from cifar_tui.notify.messenger import open_messenger

        messenger = open_messenger(report)
        if messenger is not None:
            return messenger.deliver
    return lambda _event, _facts: None


def _loop(runner: "Runner", store: QueueStore, say: Callable[[str], None], on_term: str) -> int:
    """Step until the queue is done or a signal comes. Returns the exit code."""
    signals = Signals()
    with signals.handled():
        while not signals.number:
            ending = runner.step()
            if ending:
                return _report_end(ending, runner.failures, store, say)
            signals.wait(POLL_SECONDS)
        running = counted(len(runner.running), "run")
        again = queue_command(store, "run")
        if on_term == "finish":
            if runner.running:
                say(f"Nothing more is started; {running} will train on in the background. To go on: {again}")
            return 128 + signals.number
        say(f"{running} will save and end; {'its job waits' if len(runner.running) == 1 else 'their jobs wait'} again.")
        signals.number = 0
        runner.stop_all()
        while not runner.wait_for_all() and not signals.number:
            signals.wait(POLL_SECONDS)
        return 128 + signal.SIGTERM


def _report_end(ending: str, failures: int, store: QueueStore, say: Callable[[str], None]) -> int:
    """Say why nothing more is done. Returns the exit code."""
    again = queue_command(store, "run")
    match ending:
        case "disk full":
            say(f"The disk is full: free some space, then go on with: {again}")
            return 1
        case "nothing to start":
            say("None of the jobs that wait can be started here.")
            return 1
    failed = f" {counted(failures, 'job')} failed: {queue_command(store, 'list')}" if failures else ""
    say(f"The queue is done.{failed}")
    return 1 if failures else 0


class Signals:
    """The signals that end a runner; a second one ends it at once where runs are awaited."""

    def __init__(self) -> None:
        """Remember nothing yet."""
        self.number = 0
        """The last one; 0 for none."""
        self._came = threading.Event()

    @contextlib.contextmanager
    def handled(self) -> Iterator[None]:
        """Handle them, and stay when the terminal goes."""
        before = {number: signal.signal(number, self._handle) for number in (signal.SIGINT, signal.SIGTERM)}
        before[signal.SIGHUP] = signal.signal(signal.SIGHUP, signal.SIG_IGN)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def wait(self, seconds: float) -> None:
        """Wait so long, or until one comes."""
        self._came.wait(seconds)
        self._came.clear()

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        self.number = number
        self._came.set()


class Log:
    """The lines of a runner: on its terminal, and with their time in the queue's log."""

    def __init__(self, store: QueueStore, *, echo: bool) -> None:
        """Open the log, whose folder is there; a detached runner has no terminal."""
        from cifar_tui.files.append_file import LineFile

        with contextlib.suppress(OSError):
            if store.log.stat().st_size > MOST_LOG_BYTES:
                store.log.unlink()
        self._file: LineFile | None = None
        with contextlib.suppress(OSError):
            self._file = LineFile(store.log)
        self._echo = echo

    def line(self, line: str) -> None:
        """Write one line."""
        if self._file is not None:
            self._file.append(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {line}\n".encode())
        if self._echo:
            with contextlib.suppress(OSError, ValueError):  # its terminal is gone, or the disk is full
                print(line, flush=True)


def _on_what(gpus: tuple[str, ...], per_gpu: int) -> str:
    if not gpus:
        return ", one run at a time"
    return f" on {counted(len(gpus), 'GPU')}, {counted(per_gpu, 'run')} on each" if len(gpus) > 1 else " on one GPU"


def _hand_over(store: QueueStore, refusal: Callable[..., str], command: Callable[..., list[str]], options: str) -> int:
    from cifar_tui.queue.slurm import hand_over

    try:
        words = shlex.split(options)
    except ValueError as error:
        raise BadInput(f"--slurm has a quote that does not end: {error}.") from None
    sbatch = shutil.which("sbatch")
    if sbatch is None:
        raise BadInput("There is no sbatch on the PATH here: leave --slurm out, or log in where SLURM is.")
    lock = RunnerLock(store)
    try:
        return hand_over(store, sbatch, words, command, print, refusal)
    finally:
        lock.close()


def _start_detached(store: QueueStore) -> int:
    """Start the same command again, detached, and wait until it runs the queue. Returns the exit code."""
    from cifar_tui.cli.detached import await_report, exit_code_of, start_again

    process, reader = start_again([word for word in sys.argv[1:] if word != "--detach"])
    silent = "The queue's process ended before it could report why. Start it without --detach."
    report = await_report(process, reader, silent)
    if report is not None and not report.trouble:
        print(f"The queue is run in the background by process {process.pid}; its log is {store.log}")
        print(f"To see how far it is: {queue_command(store, 'list')}")
    return exit_code_of(report)


@contextlib.contextmanager
def _reported(descriptor: int | None) -> Iterator[None]:
    """Report what goes wrong to who has started this process, too."""
    try:
        yield
    except CifarTuiError as error:
        if descriptor is not None:
            _send(descriptor, str(error), error.exit_code)
        raise


def _send(descriptor: int, trouble: str, exit_code: int = 0) -> None:
    from cifar_tui.cli.detached import Report, send_report

    send_report(descriptor, Report(trouble=trouble, exit_code=exit_code))
