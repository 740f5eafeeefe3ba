"""The jobs of `cifar-tui train` by its options: of a new run, one to resume, or one that may be there or not."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from cifar_tui.cli.train_jobs import StartFile, new_run, resumed_run
from cifar_tui.errors import BadInput
from cifar_tui.jobs.local import LocalJobs


def jobs_of(
    changes: Mapping[str, object],
    resume: str | None,
    preset_name: str | None,
    start: StartFile,
    name: str | None,
    folder: Path | None,
    model: str | None = None,
    tags: Sequence[str] = (),
    *,
    auto_resume: bool = False,
) -> LocalJobs:
    """Return the jobs of a new run, or of one to resume. Raises CifarTuiError."""
    if auto_resume:
        if resume is not None:
            raise BadInput("--auto-resume resumes the run of --run-name or --outf: leave --resume out.")
        from cifar_tui.cli.auto_resume import jobs_of_run

        return jobs_of_run(changes, preset_name, start, name, folder, model, tags)
    if resume is None:
        return new_run(changes, preset_name, start, name, folder, model, tags)
    typed = start.typed({"--preset": preset_name, "--model": model, "--run-name": name, "--outf": folder})
    return resumed_run(resume, changes, typed, tags)
