"""The jobs of the run in view, whichever it is: a front end may open one run after another."""

from pathlib import Path

from cifar_tui.jobs.attached import AttachedJobs
from cifar_tui.jobs.session import Jobs, RunConnection
from cifar_tui.runs.find import RUNS_FOLDER


class RunInView:
    """Hands out the jobs of the run that is open, and keeps those of one that trains in this process."""

    def __init__(self, jobs: Jobs | None = None) -> None:
        """Begin with a run's jobs, or with those that need no run."""
        self._jobs: Jobs = jobs if jobs is not None else AttachedJobs(RUNS_FOLDER)
        self._training_here: Jobs | None = None
        """The jobs of the run that trains here, while another one is in view."""

    @property
    def current(self) -> Jobs:
        """The jobs of the run in view."""
        return self._jobs.current

    def open(self, folder: Path, *, beside: bool) -> RunConnection:
        """Follow the run in a folder from now on; `beside` one that trains in this process."""
        if beside:
            self.release_other()
            self._training_here = self._jobs
        else:
            self._jobs.close()
        self._jobs = AttachedJobs(folder)
        return self._jobs.train()

    def come_back(self) -> None:
        """Return to the run that trains in this process, or has ended since."""
        if self._training_here is not None:
            self._jobs.close()
            self._jobs, self._training_here = self._training_here, None

    def release(self, folder: Path) -> None:
        """Give back the folder of the run in view, which has ended, so that it can be renamed or deleted."""
        self._jobs.close()
        self._jobs = AttachedJobs(folder)

    def close(self) -> None:
        """Give back every folder, once every job has ended."""
        self._jobs.close()
        self.release_other()

    def release_other(self) -> None:
        """Give back the folder of the run that has trained in this process while another was in view."""
        if self._training_here is not None:
            self._training_here.close()
            self._training_here = None
