import hashlib
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional

from cifar_tui.engine.checkpoints.checkpoint import load_network, plain_tensors, save_tensors
from cifar_tui.engine.network import winograd
from cifar_tui.engine.network.model import ResNet18, count_parameters, fresh_network
from cifar_tui.errors import CheckpointDamaged
from cifar_tui.runs.checkpoints.sidecars import Sidecar, read_sidecar, sidecar_path, write_sidecar


class TutorialBlock(nn.Module):
    """The tutorial's own block (section 1.1), to compare with."""

    def __init__(self, inchannel: int, outchannel: int, stride: int = 1) -> None:
        super().__init__()
        self.left = nn.Sequential(
            nn.Conv2d(inchannel, outchannel, kernel_size=3, stride=stride, padding=1, bias=False),
            nn.BatchNorm2d(outchannel),
            nn.ReLU(inplace=True),
            nn.Conv2d(outchannel, outchannel, kernel_size=3, stride=1, padding=1, bias=False),
            nn.BatchNorm2d(outchannel),
        )
        self.shortcut = nn.Sequential()
        if stride != 1 or inchannel != outchannel:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inchannel, outchannel, kernel_size=1, stride=stride, bias=False), nn.BatchNorm2d(outchannel)
            )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.left(x)
        out += self.shortcut(x)
        return functional.relu(out)


class TutorialNetwork(nn.Module):
    """The tutorial's own network (section 1.2)."""

    def __init__(self) -> None:
        super().__init__()
        self.inchannel = 64
        self.conv1 = nn.Sequential(
            nn.Conv2d(3, 64, kernel_size=3, stride=1, padding=1, bias=False), nn.BatchNorm2d(64), nn.ReLU()
        )
        self.layer1 = self.make_layer(64, 2, stride=1)
        self.layer2 = self.make_layer(128, 2, stride=2)
        self.layer3 = self.make_layer(256, 2, stride=2)
        self.layer4 = self.make_layer(512, 2, stride=2)
        self.fc = nn.Linear(512, 10)

    def make_layer(self, channels: int, num_blocks: int, stride: int) -> nn.Sequential:
        layers = []
        for one in [stride] + [1] * (num_blocks - 1):
            layers.append(TutorialBlock(self.inchannel, channels, one))
            self.inchannel = channels
        return nn.Sequential(*layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = self.layer4(self.layer3(self.layer2(self.layer1(self.conv1(x)))))
        out = functional.avg_pool2d(out, 4)
        out = out.view(out.size(0), -1)
        logits: torch.Tensor = self.fc(out)
        return logits


def test_the_network_is_the_tutorials_key_for_key_and_number_for_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(winograd, "winograd_pays", lambda _: False)  # it rounds in its own way
    theirs, ours = TutorialNetwork(), ResNet18()
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert len(ours.state_dict()) == 122
    assert count_parameters(ours) == 11_173_962
    torch.save(theirs.state_dict(), tmp_path / "net_001.pth")  # as the tutorial's script does
    ours.load_state_dict(torch.load(tmp_path / "net_001.pth", weights_only=True), strict=True)
    images = torch.randn(2, 3, 32, 32)
    with torch.inference_mode():
        assert torch.equal(ours.eval()(images), theirs.eval()(images))


def test_what_we_save_loads_in_the_tutorials_network(tmp_path: Path) -> None:
    ours = ResNet18().to(memory_format=torch.channels_last)
    save_tensors(plain_tensors(ours), tmp_path / "net_001.pth")
    theirs = TutorialNetwork()
    theirs.load_state_dict(torch.load(tmp_path / "net_001.pth"), strict=True)
    assert all(torch.equal(one, other) for one, other in zip(ours.parameters(), theirs.parameters(), strict=True))


def test_first_weights_follow_from_the_seed_alone_and_leave_torchs_generator_alone() -> None:
    torch.manual_seed(7)
    before = torch.random.get_rng_state()
    one, same, other = fresh_network(4, 1), fresh_network(4, 1), fresh_network(4, 2)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(one.fc.weight, same.fc.weight)
    assert not torch.equal(one.fc.weight, other.fc.weight)


@pytest.fixture
def checkpoint(tmp_path: Path) -> Sidecar:
    written = save_tensors(plain_tensors(fresh_network(4, 0)), tmp_path / "net_001.pth")
    sidecar = Sidecar(
        checkpoint="net_001.pth",
        run="one",
        data="CIFAR-10",
        synthetic=False,
        width=4,
        epoch=1,
        step=100,
        train_loss=1.0,
        train_accuracy=0.5,
        test_loss=1.0,
        test_accuracy=0.5,
        size=written.size,
        sha256=written.sha256,
        saved_at=1.0,
    )
    write_sidecar(tmp_path, sidecar)
    return sidecar


def test_a_checkpoint_comes_back_as_it_was(tmp_path: Path, checkpoint: Sidecar) -> None:
    assert hashlib.sha256((tmp_path / "net_001.pth").read_bytes()).hexdigest() == checkpoint.sha256
    network, sidecar = load_network(tmp_path, "net_001.pth")
    assert sidecar == checkpoint == read_sidecar(sidecar_path(tmp_path / "net_001.pth"))
    expected = fresh_network(4, 0).state_dict()
    assert all(torch.equal(tensor, expected[name]) for name, tensor in network.state_dict().items())


@pytest.mark.fault(10)
def test_one_flipped_bit_is_noticed(tmp_path: Path, checkpoint: Sidecar) -> None:
    content = bytearray((tmp_path / "net_001.pth").read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "net_001.pth").write_bytes(content)
    with pytest.raises(CheckpointDamaged, match="SHA-256"):
        load_network(tmp_path, "net_001.pth")


@pytest.mark.fault(10)
def test_a_cut_file_is_noticed(tmp_path: Path, checkpoint: Sidecar) -> None:
    content = (tmp_path / "net_001.pth").read_bytes()
    for length in (0, 10, len(content) // 2, len(content) - 1):
        (tmp_path / "net_001.pth").write_bytes(content[:length])
        with pytest.raises(CheckpointDamaged, match="is damaged"):
            load_network(tmp_path, "net_001.pth")


@pytest.mark.fault(12)
def test_a_missing_file_a_pipe_and_a_link_are_refused(tmp_path: Path, checkpoint: Sidecar) -> None:
    import os

    path = tmp_path / "net_001.pth"
    path.rename(tmp_path / "elsewhere")
    with pytest.raises(CheckpointDamaged, match="deleted"):
        load_network(tmp_path, "net_001.pth")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CheckpointDamaged, match="cannot be opened"):
        load_network(tmp_path, "net_001.pth")
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(CheckpointDamaged, match="not a regular file"):
        load_network(tmp_path, "net_001.pth")


@pytest.mark.fault(10)
def test_without_its_sidecar_a_checkpoint_was_never_saved(tmp_path: Path, checkpoint: Sidecar) -> None:
    sidecar_path(tmp_path / "net_001.pth").unlink()
    with pytest.raises(CheckpointDamaged, match="never completely saved"):
        load_network(tmp_path, "net_001.pth")


@pytest.mark.fault(10)
@pytest.mark.parametrize("what", ["another network", "no state", "code"])
def test_a_file_that_is_whole_but_not_ours_is_refused(tmp_path: Path, checkpoint: Sidecar, what: str) -> None:
    import dataclasses
    import pickle

    path = tmp_path / "net_001.pth"
    if what == "another network":
        written = save_tensors(plain_tensors(fresh_network(8, 0)), path)
    else:

        class Code:
            def __reduce__(self) -> tuple[object, ...]:
                return (Path.touch, (tmp_path / "executed",))

        path.write_bytes(pickle.dumps(Code())) if what == "code" else torch.save([1, 2], path)
        content = path.read_bytes()
        written = dataclasses.replace(
            save_tensors(plain_tensors(fresh_network(4, 0)), tmp_path / "other"),
            size=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
        )
    write_sidecar(tmp_path, dataclasses.replace(checkpoint, size=written.size, sha256=written.sha256))
    with pytest.raises(CheckpointDamaged, match=r"not the network of its run|not a checkpoint|wants to run"):
        load_network(tmp_path, "net_001.pth")
    assert not (tmp_path / "executed").exists()
