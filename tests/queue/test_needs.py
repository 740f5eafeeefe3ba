"""A run that a job of the queue needs is said to be needed before it is deleted."""

from pathlib import Path

from cifar_tui.queue.changes import Change
from cifar_tui.queue.job import Job
from cifar_tui.queue.needs import needs_of_jobs
from cifar_tui.queue.store import FOLDER_NAME, JOURNAL_NAME, QueueStore
from cifar_tui.runs.tags import write_tags
from tests.run_folders import put_finished_run, put_stopped_run


def test_what_jobs_need_is_said_until_they_have_ended(tmp_path: Path) -> None:
    one, two, three = (put_finished_run(tmp_path, name) for name in ("one", "two", "three"))
    halted = put_stopped_run(tmp_path, "halted")
    write_tags(two, ["rates"])
    folders = [one, two, three, halted]
    assert needs_of_jobs(folders) == {folder: [] for folder in folders}
    assert not (tmp_path / FOLDER_NAME).exists()
    jobs = (
        Job(number=1, run="halted"),
        Job(number=2, run="child", start=str(one / "net_002.pth")),
        Job(number=3, run="best", start="best:rates"),
        Job(number=4, run="later", after=("three",)),
        Job(number=5, run="by-epoch", start=f"{one}:1"),
        Job(number=6, run="by-name", start=str(one)),
    )
    QueueStore(tmp_path).change(lambda _state: [Change(change="add", jobs=jobs, to=-1)])
    assert needs_of_jobs(folders) == {
        one: [f"job {number} of the queue starts from it" for number in (2, 5, 6)],
        two: ["job 3 of the queue starts from the best of rates"],
        three: [],
        halted: ["job 1 of the queue trains it"],
    }
    ended = [Change(change="end", number=number, outcome="finished") for number in (1, 2, 3, 5, 6)]
    QueueStore(tmp_path).change(lambda _state: ended)
    assert not any(needs_of_jobs(folders).values())


def test_a_queue_that_cannot_be_read_is_no_obstacle(tmp_path: Path) -> None:
    one = put_finished_run(tmp_path, "one")
    (tmp_path / FOLDER_NAME).mkdir()
    (tmp_path / FOLDER_NAME / JOURNAL_NAME).mkdir()
    assert needs_of_jobs([one]) == {one: []}
