"""What cannot be read is called that, with the reason, and is never called absent."""

import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from cifar_tui.cli.checkpoint_path import checkpoint_at
from cifar_tui.errors import BadInput
from cifar_tui.files import owner
from cifar_tui.files.run_files import RECIPE_NAME
from cifar_tui.jobs.local import check_resumable
from cifar_tui.runs.checkpoints.unreadable import unreadable_checkpoints, unreadable_states


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "one"
    folder.mkdir()
    (folder / RECIPE_NAME).write_text(json.dumps({}))
    return folder


def test_nothing_is_said_where_there_is_nothing(run: Path, tmp_path: Path) -> None:
    assert unreadable_checkpoints(run) == unreadable_states(run) == ""
    assert unreadable_checkpoints(tmp_path / "gone") == ""
    (run / "net_001.verdict.json").write_text("{")
    assert unreadable_checkpoints(run) == "", "an evaluation is no checkpoint"


def test_checkpoints_that_cannot_be_read_are_not_called_none(run: Path) -> None:
    (run / "net_001.json").write_text("{")
    (run / "net_002.json").mkdir()
    said = f"{run}/net_001.json cannot be read: it is damaged, nor can 1 more."
    assert unreadable_checkpoints(run) == said
    with pytest.raises(BadInput) as caught:
        checkpoint_at(str(run))
    assert str(caught.value) == said
    with pytest.raises(BadInput) as caught:
        checkpoint_at(f"{run}:2")
    assert str(caught.value).endswith(f"It has none of a whole epoch that can be used. {said}")


def test_states_that_cannot_be_read_are_not_called_none(run: Path) -> None:
    (run / "state_0000010.json").mkdir()
    with pytest.raises(
        BadInput, match=r"cannot be resumed\. .*state_0000010\.json cannot be read: Is a directory\. A new"
    ):
        check_resumable(run)


def test_whose_it_is_is_said(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (run / "state_0000010.json").mkdir()
    monkeypatch.setattr(owner, "os", SimpleNamespace(getuid=lambda: os.getuid() + 1))
    assert "Is a directory (it belongs to " in unreadable_states(run)
