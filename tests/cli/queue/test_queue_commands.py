"""The commands of the queue as a person types them, in this process; nothing is trained."""

import re
import shlex
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner, Result

from cifar_tui.cli import app
from cifar_tui.cli.queue import edit
from cifar_tui.errors import CifarTuiError
from cifar_tui.presets import preset
from cifar_tui.queue import started
from cifar_tui.queue.changes import Change
from cifar_tui.queue.store import QueueStore, RunnerLock
from cifar_tui.recipe import Recipe
from cifar_tui.runs.tags import write_tags
from tests import scripted
from tests.run_folders import put_finished_run, put_live_run

SMALL = "--data synthetic --preset quick --width 8 --device cpu"


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def queue(words: str, typed: str = "") -> Result:
    return CliRunner().invoke(app, ["queue", *shlex.split(words)], input=typed)


def said(words: str) -> str:
    done = queue(words)
    assert done.exit_code == 0, (done.output, done.exception)
    return done.output


def refused(words: str) -> str:
    done = queue(words)
    assert done.exit_code != 0
    if isinstance(done.exception, CifarTuiError):
        return str(done.exception)
    return done.output


def listed() -> list[dict[str, object]]:
    return [orjson.loads(line) for line in said("list --json").splitlines()]


def runs_in_order() -> list[object]:
    return [one["run"] for one in listed()]


def test_an_empty_queue_says_how_to_fill_it_and_makes_nothing(tmp_path: Path) -> None:
    assert "is empty. To add a run: cifar-tui queue add" in said("list").replace("\n", " ").replace(str(tmp_path), "")
    assert said("list --json") == ""
    assert not (tmp_path / "runs").exists()


def test_one_run_is_added_without_a_question_and_listed() -> None:
    assert "one is job 1 of the queue." in said(f"add {SMALL} --run-name one --epochs 3 --tag night")
    (job,) = listed()
    assert (job["run"], job["state"], job["preset"], job["tags"]) == ("one", "waiting", "quick", ["night"])
    assert job["options"] == {"epochs": "3", "width": "8", "device": "cpu", "data": "synthetic"}
    shown = said("list")
    assert "0 running, 1 waiting, 0 ended" in shown
    assert "--preset quick --epochs 3" in shown
    assert "[night]" in shown


def test_options_in_which_jobs_differ_stand_where_a_terminal_has_room() -> None:
    for seed in (1, 2):
        said(f"add {SMALL} --run-name seed-{seed} --epochs 3 --seed {seed}")
    assert "--seed 2 --preset quick" in said("list")
    assert "--epochs 3" in said("list")


def test_folders_and_the_preset_are_fixed_when_a_job_is_added(tmp_path: Path) -> None:
    said("add --run-name one --data mnist --data-dir here --device cpu")
    (job,) = listed()
    assert job["preset"] == "short"
    assert job["options"] == {"data": "mnist", "data_dir": str(tmp_path / "here"), "device": "cpu"}


def test_a_sweep_is_shown_with_its_time_and_then_added(tmp_path: Path) -> None:
    shown = said(f"add {SMALL} --lr 0.05,0.1,0.2 --seed 0..4 --sweep rates --dry-run")
    assert "15 runs, whole time unknown: no run of this kind has ended an epoch here" in shown
    assert "rates-lr0.1-seed3" in shown
    assert listed() == []
    recipe = {**{name: getattr(preset("quick"), name) for name in Recipe.__dataclass_fields__}, "data": "synthetic"}
    known = Recipe(**{**recipe, "width": 8, "device": "cpu"})
    put_finished_run(tmp_path / "runs", "earlier", recipe=known)
    shown = said(f"add {SMALL} --lr 0.05,0.1,0.2 --seed 0..4 --sweep rates --yes")
    assert re.search(r"15 runs, about .+ one after the other", shown)
    assert re.search(r"1 run, about [^a-z]+ \w+\n", said(f"add {SMALL} --dry-run"))
    assert "Added 15 jobs, 1 to 15: rates" in shown
    jobs = listed()
    assert [job["run"] for job in jobs][:6] == [*(f"rates-lr0.05-seed{seed}" for seed in range(5)), "rates-lr0.1-seed0"]
    assert {tuple(job["tags"]) for job in jobs} == {("rates",)}  # type: ignore[arg-type]


def test_several_runs_are_not_added_where_nobody_can_be_asked() -> None:
    assert "These are 2 runs: --yes adds them without asking" in refused(f"add {SMALL} --seed 0,1")
    assert listed() == []


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("--lr -1", "The learning rate must be a number above 0, not -1."),
        ("--lr 0.1,-1 --yes", "The learning rate must be a number above 0, not -1."),
        ("--lr fast", "--lr takes numbers"),
        ("--seed 4..0", "a range is FIRST..LAST"),
        ("--width 8,12 --yes", "multiple of 8"),
        ("--schedule cosine,square --yes", "--schedule cannot be 'square'"),
        ("--preset fast", "There is no preset 'fast'"),
        ("--data nowhere", "nowhere"),
        ("--run-name ../up", "cannot be a run's name"),
        ("--tag 'two words'", "cannot be a tag"),
        ("--sweep 'two words' --seed 0,1 --yes", "cannot be a tag"),
        ("--after nobody", "/runs, or a job. There is no job 'nobody'"),
        ("--after ../../etc", "There is no job"),
        ("--from nowhere", "There is no run 'nowhere'"),
        ("--from best:nothing", "There is no sweep 'nothing'"),
        ("--from nothing.pth", "There is no file nothing.pth"),
        ("--gpus none", "--gpus must be a number or all"),
        ("--gpus 2 --processes 2", "leave --processes out"),
        ("--model nets.py:make", "There is no file"),
        ("--momentum 0.9 --optimizer adamw", "--momentum is for sgd"),
        ("--weights ema", "add --from FILE"),
        ("--resume one", "No such option"),
    ],
)
def test_what_train_would_refuse_is_refused_before_anything_is_added(words: str, sentence: str) -> None:
    assert sentence in re.sub(r"[│\s]+", " ", refused(f"add --device cpu {words}"))
    assert listed() == []


def test_a_name_is_taken_once(tmp_path: Path) -> None:
    said(f"add {SMALL} --run-name one")
    assert "There is one already in the queue" in refused(f"add {SMALL} --run-name one")
    (tmp_path / "runs" / "two").mkdir()
    assert "choose another --run-name" in refused(f"add {SMALL} --run-name two")
    said(f"add {SMALL} --sweep night --seed 0,1 --yes")
    said(f"add {SMALL} --sweep night --seed 0,1 --yes")
    assert runs_in_order()[1:] == ["night-seed0", "night-seed1", "night-seed0-2", "night-seed1-2"]


def test_names_that_would_be_too_long_or_alike_are_numbered() -> None:
    said(f"add {SMALL} --sweep {'n' * 60} --run-name {'m' * 95} --seed 0,1 --yes")
    assert runs_in_order() == ["m" * 90 + "-1", "m" * 90 + "-2"]


def test_jobs_are_moved_by_number_or_name(tmp_path: Path) -> None:
    for name in ("one", "two", "three"):
        said(f"add {SMALL} --run-name {name}")
    said(f"add {SMALL} --run-name zero --first")
    assert runs_in_order() == ["zero", "one", "two", "three"]
    assert "three is now number 1 of 4 that wait." in said("move three first")
    said("move 1 last")
    said("move zero 3")
    assert runs_in_order() == ["three", "two", "zero", "one"]
    assert "two is now number 4 of 4" in said("move two 99")
    for words in ("move two up", "move two 0", "move two -- -1", "move two 1.5"):
        assert "A place is first, last, or a number" in refused(words)
    assert "There is no job 'tow' in the queue. Alike: two" in refused("move tow first")


def test_jobs_are_dropped_and_runs_stay(tmp_path: Path) -> None:
    for name in ("one", "two", "three"):
        said(f"add {SMALL} --run-name {name}")
    assert "two was dropped." in said("drop two")
    assert "There is no job 'four'" in refused("drop one four")
    assert runs_in_order() == ["one", "three"]
    QueueStore(tmp_path / "runs").change(
        lambda _state: [Change(change="end", number=number, outcome="failed", text="It broke.") for number in (1, 3)]
    )
    assert "It broke." in said("list")
    assert "one waits again." in said("retry one")
    assert "one is waiting: only a job that has failed" in refused("retry one")
    assert "three was dropped." in said("drop ended")
    assert "There is nothing to drop." in said("drop ended")
    assert runs_in_order() == ["one"]


def test_a_running_job_whose_runner_is_gone_is_asked_to_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said(f"add {SMALL} --run-name one")
    store, asked = QueueStore(tmp_path / "runs"), list[Path]()
    store.change(lambda _state: [Change(change="start", number=1, text="cpu")])
    run = put_live_run(tmp_path / "runs", "one", scripted.opening()[1:])

    def ask(folder: Path, by: str) -> bool:
        asked.append(folder)
        return bool(by)

    monkeypatch.setattr(started, "ask_to_stop", ask)
    assert listed()[0]["state"] == "running"
    assert "one was dropped. Its run saves and ends." in said("drop one")
    assert asked == [run.path]
    run.close()
    assert edit.ENDED == "ended"


def test_the_queue_is_paused_and_resumed() -> None:
    said(f"add {SMALL} --run-name one")
    assert "The queue is paused. To go on: cifar-tui queue resume" in said("pause")
    assert "was paused already" in said("pause")
    assert "0 ended; paused" in said("list")
    assert "starts jobs again." in said("resume")
    assert "The queue was not paused." in said("resume")


def test_a_run_waits_for_another_and_may_start_from_it(tmp_path: Path) -> None:
    put_finished_run(tmp_path / "runs", "earlier")
    said(f"add {SMALL} --run-name one --after earlier")
    said("add --run-name two --from one --epochs 2")
    said("add --run-name three --from one:1 --after 2")
    said("add --run-name four --from runs/earlier/net_001.pth")
    jobs = {one["run"]: one for one in listed()}
    assert (jobs["one"]["state"], jobs["one"]["text"]) == ("waiting", "")
    assert jobs["two"]["text"] == "for one"
    assert jobs["two"]["from"] == str(tmp_path / "runs" / "one")
    assert jobs["three"]["text"] == "for two, one"
    assert jobs["three"]["from"] == str(tmp_path / "runs" / "one:1")
    assert jobs["four"]["from"] == str(tmp_path / "runs" / "earlier:1"), "found by that name, whatever its name is then"
    assert "--preset cannot be combined" in refused("add --from one --preset quick")
    assert "leave --width out" in refused("add --from one --width 16")


def test_a_run_starts_from_the_best_of_a_sweep_once_it_has_ended(tmp_path: Path) -> None:
    said(f"add {SMALL} --seed 0..2 --sweep seeds --yes")
    said("add --run-name final --from best:seeds --epochs 4")
    assert listed()[-1]["text"] == "for seeds-seed0, seeds-seed1 and 1 more"
    folder = put_finished_run(tmp_path / "runs", "by-hand")
    write_tags(folder, ["hand"])
    said("add --run-name other --from best:hand")
    assert (listed()[-1]["state"], listed()[-1]["text"]) == ("waiting", "")


def test_a_queue_belongs_to_a_folder_of_runs(tmp_path: Path) -> None:
    shown = said(f"add {SMALL} --run-name one --in other")
    assert "cifar-tui queue run --in other" in shown
    assert listed() == []
    assert "1 waiting" in said("list --in other")


def test_one_queue_is_run_by_one_process(tmp_path: Path) -> None:
    said(f"add {SMALL} --run-name one")
    lock = RunnerLock(QueueStore(tmp_path / "runs"))
    assert "This queue is being run already, by process" in refused("run")
    assert "Run by process" in said("list")
    lock.close()
    assert "--on-term cannot be 'wait'" in refused("run --on-term wait")
    assert "--devices must be cpu, all, or numbers" in refused("run --devices gpu")
    assert "There is no sbatch on the PATH here" in refused("run --slurm ''")


def test_a_queue_that_cannot_be_written_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("no folder")
    assert "cannot be used" in refused(f"add {SMALL} --run-name one")


def test_an_empty_queue_is_done_at_once() -> None:
    assert "The queue is done." in said("run --devices cpu")


def test_code_runs_only_where_it_is_named(tmp_path: Path) -> None:
    nets = tmp_path / "nets.py"
    nets.write_text(
        "from torch.nn import Flatten, Linear, Sequential\n"
        "def make(classes):\n    return Sequential(Flatten(), Linear(3072, classes))\n"
    )
    said("add --data synthetic --preset quick --device cpu --run-name one --model nets.py:make")
    done = queue("run")
    assert done.exit_code == 1
    assert f"Run the queue with --model {nets}:make, unchanged since the job was added" in done.output
    nets.write_text(nets.read_text() + "# changed\n")
    assert "unchanged since" in queue("run --model nets.py:make").output
    assert listed()[0]["state"] == "waiting"
