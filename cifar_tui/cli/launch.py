"""Starts the processes of one run by torchelastic, which starts them again when one is lost, and shows the run."""

import contextlib
import logging
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cifar_tui.cli.chosen_jobs import jobs_of
from cifar_tui.cli.detached import POLL_SECONDS
from cifar_tui.cli.environment import obstacle_to_a_screen
from cifar_tui.cli.front_ends import detached_text, run_on_screen
from cifar_tui.cli.options import check_screen_options
from cifar_tui.cli.train_jobs import StartFile
from cifar_tui.events import RunFailed
from cifar_tui.files.run_files import journal_path
from cifar_tui.jobs.attached import AttachedJobs
from cifar_tui.notify.run_events import open_notifier
from cifar_tui.notify.wanted import anybody_named
from cifar_tui.report import run_summary
from cifar_tui.runs.lock import is_being_trained
from cifar_tui.runs.records.csv_tables import read_history
from cifar_tui.runs.records.journal import read_feed
from cifar_tui.system.container import usable_cores
from cifar_tui.system.foreground import SAVE_AND_END
from cifar_tui.system.invocation import SAFE_PATH
from cifar_tui.system.launcher import EXIT_KEY, LAUNCHED, LOST
from cifar_tui.text import counted

if TYPE_CHECKING:
    from torch.distributed import TCPStore  # type: ignore[attr-defined] # of its C part

LOOPBACK = "127.0.0.1"
MOST_RESTARTS = 3
"""Times that all processes are started again."""
OURS = ("--gpus", "--processes", "--run-name", "--outf")
"""Options with a value that the processes get in another form, or not."""
SWITCHES = ("--headless", "--detach", "--screen")


def launch(count: int, options: dict[str, Any]) -> int:
    """Train in so many processes, on a screen where there is one. Returns the exit code. Raises CifarTuiError."""
    folder = _checked(options)
    headless = options["headless"] or obstacle_to_a_screen(in_notebook=options["screen"]) is not None
    arguments = _arguments(sys.argv[1:], folder, options)
    if headless and not options["detach"]:
        return _train(count, folder, arguments)
    print(f"Starting {counted(count, 'process')}…", flush=True)
    older = _written(folder)
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [sys.executable, SAFE_PATH, "-m", "cifar_tui", *arguments, "--processes", str(count)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            started = _wait_for_start(process, folder, older)
        except KeyboardInterrupt:
            process.terminate()
            process.wait()
            return 130
        if not started:
            output.seek(0)
            sys.stderr.write(output.read().decode(errors="replace"))
            return process.wait()
    process.returncode = 0  # it is nobody's child any more, and is not to be warned about
    if options["detach"]:
        print(detached_text(folder.name, folder))
        return 0
    looks = {name: options[name] for name in ("theme", "marker", "alert")}
    return run_on_screen(AttachedJobs(folder), mouse=not options["no_mouse"], **looks)


def _checked(options: dict[str, Any]) -> Path:
    """Return the run's folder. Raises CifarTuiError for what would be refused in every process, and started again."""
    check_screen_options(options["marker"], options["alert"], options["theme"])
    file = StartFile(options["start"], options["weights"], options["normalize"])
    run = options["resume"], options["preset_name"], file, options["run_name"], options["outf"], options["model"]
    jobs = jobs_of(options["changes"], *run, options["tags"] or (), auto_resume=options["auto_resume"])
    folder = jobs.folder
    jobs.close()
    return folder


def _arguments(typed: Sequence[str], folder: Path, options: dict[str, Any]) -> list[str]:
    """Return what was typed, as each process gets it: one run for all, plain lines."""
    kept, skipped = [], False
    for word in typed:
        name, equals, _ = word.partition("=")
        if not skipped and name not in (*OURS, *SWITCHES):
            kept.append(word)
        skipped = not skipped and name in OURS and not equals
    if options["resume"] is not None:
        return [*kept, "--headless"]
    name = options["run_name"] or ("" if options["outf"] is not None else folder.name)
    return [*kept, "--headless", "--outf", str(folder), *(["--run-name", name] if name else [])]


def _train(count: int, folder: Path, arguments: Sequence[str]) -> int:
    """Train in so many processes until the run ends. Returns the exit code."""
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    logging.getLogger("torch.distributed").setLevel(logging.CRITICAL)  # the run says by itself what happens
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, usable_cores() // count)))
    os.environ[LAUNCHED] = "1"
    store = _meeting_point()
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=count,
        run_id=uuid.uuid4().hex,
        rdzv_backend="static",
        rdzv_endpoint=f"{LOOPBACK}:{store.port}",
        rdzv_configs={"rank": 0},
        max_restarts=MOST_RESTARTS,
        monitor_interval=0.5,
        signals_to_handle=",".join(number.name for number in (*SAVE_AND_END, signal.SIGINT, signal.SIGQUIT)),
    )
    ended_by = 0
    try:
        elastic_launch(config, sys.executable)("-u", SAFE_PATH, "-m", "cifar_tui", *arguments)
    except SignalException as error:
        ended_by = 128 + int(error.sigval)
    except ChildFailedError:
        reason = f"A process was lost {MOST_RESTARTS + 1} times: none is started again."
        print(reason, file=sys.stderr)
        _notify_of_failure(folder, reason)
        return 1
    told = int(store.get(EXIT_KEY)) if store.check([EXIT_KEY]) else LOST
    if told != LOST:
        return told
    return ended_by or _exit_code(folder)


def _notify_of_failure(folder: Path, reason: str) -> None:
    """Notify of what none of the processes could: that the run is not started again."""
    if not anybody_named():
        return

    def report(words: str) -> None:
        print(words, file=sys.stderr)

    notifier = open_notifier(folder.name, folder, report, report)
    if notifier is not None:
        failed = RunFailed(reason, "", 1)
        with contextlib.suppress(OSError), journal_path(folder).open("rb") as journal:
            for event in read_feed(journal):
                notifier.apply_past(event)
        notifier.apply(failed)
        notifier.close(failed)


def _meeting_point() -> "TCPStore":
    """Return the store in which the processes meet, on this machine alone.

    torch's own listens on every network, and is asked for nobody's name. With `multi_tenant`, the launcher, which is in
    this process, takes this one instead of making another.
    """
    from torch.distributed import TCPStore  # type: ignore[attr-defined] # likewise

    listening = socket.create_server((LOOPBACK, 0))
    port = listening.getsockname()[1]
    fd = listening.detach()  # the store closes it
    return TCPStore(LOOPBACK, port, is_master=True, wait_for_workers=False, multi_tenant=True, master_listen_fd=fd)


def _exit_code(folder: Path) -> int:
    """Return the exit code of a run by its records, where its leader has told none."""
    if not journal_path(folder).exists():
        return 2  # refused before it started, in words
    return run_summary.exit_code(read_history(folder))


def _written(folder: Path) -> tuple[int, int]:
    """Return the size and the time of a run's journal in bytes and nanoseconds; zeros without one."""
    try:
        status = journal_path(folder).stat()
    except FileNotFoundError:
        return 0, 0
    return status.st_size, status.st_mtime_ns


def _wait_for_start(process: "subprocess.Popen[bytes]", folder: Path, older: tuple[int, int]) -> bool:
    """Wait until the run's records go on from `older`, or it is refused. Returns True if it is being trained.

    Its lock alone tells nothing: the launcher holds it for a moment when it checks the run.
    """
    while _written(folder) == older or not is_being_trained(folder):
        if process.poll() is not None:
            return False
        time.sleep(POLL_SECONDS)
    return True
