"""Checkpoints as people name them: links are followed to regular files, and what is missing is called missing."""

import os
from pathlib import Path

import pytest
import torch

from cifar_tui.cli.checkpoint_path import checkpoint_at
from cifar_tui.engine.checkpoints.checkpoint import load_network, read_network
from cifar_tui.engine.network.model import ResNet18
from cifar_tui.errors import BadInput, CheckpointDamaged


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "blobs").mkdir()
    torch.save(ResNet18(4).state_dict(), tmp_path / "blobs" / "3f2a")
    return tmp_path / "blobs" / "3f2a"


def test_a_link_that_a_person_names_is_followed(file: Path, tmp_path: Path) -> None:
    (tmp_path / "latest.pth").symlink_to("model.pth")
    (tmp_path / "model.pth").symlink_to("blobs/3f2a")
    found = checkpoint_at(str(tmp_path / "latest.pth"))
    assert found == file
    assert read_network(found).network.width == 4


def test_a_link_that_leads_nowhere_says_so(tmp_path: Path) -> None:
    (tmp_path / "gone.pth").symlink_to("blobs/x")
    with pytest.raises(BadInput, match=r"gone\.pth is a link to blobs/x, which is not there\."):
        checkpoint_at(str(tmp_path / "gone.pth"))
    (tmp_path / "round.pth").symlink_to("round.pth")
    with pytest.raises(BadInput, match="cannot be followed"):
        checkpoint_at(str(tmp_path / "round.pth"))


def test_what_is_behind_a_link_is_checked_as_before(tmp_path: Path) -> None:
    (tmp_path / "zero.pth").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "pipe.pth").symlink_to("pipe")
    for name in ("zero.pth", "pipe.pth"):
        with pytest.raises(CheckpointDamaged, match="not a regular file"):
            read_network(checkpoint_at(str(tmp_path / name)))


def test_a_link_in_a_run_that_nobody_named_is_not_followed(file: Path, tmp_path: Path) -> None:
    run = tmp_path / "runs" / "one"
    run.mkdir(parents=True)
    (run / "net_001.pth").symlink_to(file)
    with pytest.raises(CheckpointDamaged):
        load_network(run, "net_001.pth")


def test_a_missing_file_is_called_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"There is no file .*gone\.pth\."):
        checkpoint_at(str(tmp_path / "gone.pth"))
