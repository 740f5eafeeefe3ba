"""Networks of people's own are made by the seed, and refused in a sentence before anything is trained."""

import dataclasses
from pathlib import Path

import pytest
import torch

from cifar_tui.engine.evaluation.folded import for_measuring
from cifar_tui.engine.network import own_network
from cifar_tui.engine.network.build import check_network, check_room, network_of, place, trained
from cifar_tui.engine.network.device import choose_device
from cifar_tui.engine.network.model import count_parameters
from cifar_tui.engine.network.own_network import BadModel
from cifar_tui.errors import BadInput
from cifar_tui.recipe import Recipe
from cifar_tui.runs.own_code import AllowedCode, allow_file
from tests.engine.network.test_pretend_gpu import GPU, train
from tests.engine.trained import tiny_recipe
from tests.own_networks import FILES, permissions, write_model

__all__ = ["permissions"]
pytestmark = pytest.mark.usefixtures("permissions")
HEAD = "import torch\nfrom torch import nn\n\n"
FLAT = "nn.Sequential(nn.Flatten(), nn.Linear(3072, classes))"


def making(network: str) -> str:
    """A function that returns this."""
    return f"def make(classes):\n    return {network}\n"


def returning(logits: str, more: str = "") -> str:
    """A network that returns this, of images."""
    return (
        f"class make(nn.Module):\n    def __init__(self, classes):\n        super().__init__()\n"
        f"        self.one = {FLAT}\n        {more}\n\n    def forward(self, images):\n        return {logits}\n"
    )


def recipe_of(folder: Path, content: str, **changes: object) -> Recipe:
    path = write_model(folder, content)
    return tiny_recipe(model=allow_file(f"{path}:make"), sizes="whole", **changes)


def refused(folder: Path, body: str, **changes: object) -> str:
    recipe = recipe_of(folder, f"{HEAD}{body}", **changes)
    with pytest.raises(BadModel) as caught:
        check_network(recipe)
    assert caught.value.exit_code == 2
    lines = str(caught.value).split("\n")
    return "\n".join(line for line in lines if line.strip("~^ "))  # without the marks below an expression


@pytest.mark.parametrize("name", FILES)
def test_the_weights_are_the_seeds_and_every_generator_stays_as_it_was(tmp_path: Path, name: str) -> None:
    recipe = recipe_of(tmp_path, FILES[name])
    torch.manual_seed(7)
    before = torch.get_rng_state()
    one, same = network_of(recipe).state_dict(), network_of(recipe).state_dict()
    check_network(recipe)
    assert torch.equal(before, torch.get_rng_state())
    other = network_of(tiny_recipe(model=recipe.model, seed=1)).state_dict()
    assert one.keys() == same.keys()
    assert all(torch.equal(one[key], same[key]) for key in one)
    assert not all(torch.equal(one[key], other[key]) for key in one)


def test_tied_weights_are_counted_once_and_frozen_ones_are_not_trained(tmp_path: Path) -> None:
    network = network_of(recipe_of(tmp_path, FILES["tied"], classes=3))
    assert set(trained(network)) == {
        *("stem.0.weight", "stem.0.bias", "once.weight", "once.bias", "again.bias", "head.weight", "head.bias")
    }
    assert count_parameters(network) == 6 * 192 + 6 + 96 * 96 + 96 + 96 + 96 * 3 + 3


def test_an_error_is_shown_with_its_authors_lines_and_none_of_ours(tmp_path: Path) -> None:
    said = refused(tmp_path, f"def width():\n    return 3 / 0\n\n\n{making('nn.Linear(width(), classes)')}")
    assert said.split("\n") == [
        "nets.py:make failed:",
        f'  File "{tmp_path / "nets.py"}", line 9, in make',
        "    return nn.Linear(width(), classes)",
        f'  File "{tmp_path / "nets.py"}", line 5, in width',
        "    return 3 / 0",
        "ZeroDivisionError: division by zero",
    ]


def test_an_error_in_the_first_batch_is_shown_likewise(tmp_path: Path) -> None:
    said = refused(tmp_path, returning("self.one(images[:, :2])"))
    assert said.startswith("nets.py:make failed in training on 2 images of 32×32:\n")
    assert "line 11, in forward\n    return self.one(images[:, :2])\nRuntimeError: mat1 and mat2" in said
    assert "cifar_tui" not in said


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("def make(classes:\n", "SyntaxError"),
        ("import package_that_nobody_has\n", "has to stand alone, beside packages that are installed"),
        ("def other(classes):\n    pass\n", "has no function make"),
        ("make = 3\n", "has no function make"),
        (making("'a network'"), "must return a torch.nn.Module, and returned str"),
        ("def make(classes):\n    raise SystemExit(0)\n", "SystemExit: 0"),
        ("def make():\n    return 3\n", "make() takes 0 positional arguments but 1 was given"),
        (making("nn.Flatten()"), "has no parameters to train"),
        (making(f"{FLAT}.requires_grad_(False)"), "has no parameters to train"),
        (making(f"{FLAT}.double()"), "parameter 1.weight is float64: only float32"),
        (making("nn.ParameterDict({'one': torch.zeros(1, dtype=torch.complex64)})"), "one is complex64: only float32"),
        (making("nn.Sequential(nn.Flatten(), nn.Linear(3072, 7))"), "logits [2, 10] for 2 images of 10 classes, and"),
        (making("nn.Conv2d(3, classes, 1)"), "returned [2, 10, 32, 32]"),
        (making(f"{FLAT}.apply(lambda one: one.register_buffer('a', torch.tensor(torch.nan)))"), ": a holds NaN or"),
        (returning("self.one(images), 1"), "and its network returned tuple"),
        (returning("self.one(images) / 0"), "the first logits of its network are NaN or infinite"),
        (returning("self.one(images).argmax(1, keepdim=True).expand(-1, 10)"), "as floating-point numbers, not int64"),
        (returning("self.one(images).detach()"), "no loss reaches the weights"),
        (
            returning("self.one(images).squeeze(0)"),
            "logits [1, 10] for 1 image of 10 classes, and its network returned [10]",
        ),
        (
            returning("self.one(images)", "self.unused = nn.LazyLinear(3)"),
            "unused.weight has no size after a first image",
        ),
        (making("nn.Linear(200_000_000, 100_000)"), "memory"),
    ],
)
def test_what_cannot_be_trained_is_refused_in_a_sentence(tmp_path: Path, body: str, said: str) -> None:
    found = refused(tmp_path, body)
    assert said in found
    assert found.count("\n") <= 6


def test_parameters_that_do_not_fit_the_memory_are_refused_before_they_are_filled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_network, "_free_memory", lambda: 1_000_000)
    said = refused(tmp_path, making("nn.Sequential(*[nn.Linear(100, 100) for _ in range(20)])"))
    assert "90,800 parameters and more take 1.1 MB in training, and 1.0 MB of memory are free" in said


def test_smaller_images_are_tried_where_the_recipe_has_them(tmp_path: Path) -> None:
    recipe = recipe_of(tmp_path, FILES["vit"])
    check_network(recipe)
    with pytest.raises(BadModel, match=r"failed in training on 2 images of 16×16 \(--sizes whole leaves them 32×32\)"):
        check_network(tiny_recipe(model=recipe.model, sizes="growing"))


def test_what_a_file_prints_and_sets_stays_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    body = (
        f"print('hello')\ntorch.set_default_dtype(torch.float64)\n\n\ndef make(classes):\n    return {FLAT}.float()\n"
    )
    check_network(recipe_of(tmp_path, f"{HEAD}{body}"))
    assert torch.get_default_dtype() is torch.float32
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "hello\n"), "standard output may be JSON; and the file is run once"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("nets.py", "--model must be FILE.py:FUNCTION, as in nets.py:make, not 'nets.py'"),
        ("nets.py:", "--model must be FILE.py:FUNCTION"),
        ("nets.py:a b", "--model must be FILE.py:FUNCTION"),
        ("missing.py:make", "There is no file missing.py"),
        (".:make", "cannot be read: it is not a regular file"),
        ("\0.py:make", "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: str, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInput) as caught:
        allow_file(typed)
    assert said in str(caught.value)


def test_code_that_was_not_allowed_is_never_run(tmp_path: Path, permissions: dict[str, AllowedCode]) -> None:
    canary = tmp_path / "canary"
    path = write_model(tmp_path, canary=canary)
    recipe = tiny_recipe(model=allow_file(f"{path}:make"))
    assert not canary.exists(), "allowing is not running"
    permissions.clear()
    with pytest.raises(BadInput, match="runs only where it is named on the command line"):
        network_of(recipe)
    assert not canary.exists()
    allow_file(f"{path}:other")
    with pytest.raises(BadInput, match="runs only where it is named"):
        network_of(recipe)
    assert not canary.exists(), "not by another function either"


def test_it_is_recorded_as_a_graph_where_it_can_be_and_trains_step_by_step_where_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = recipe_of(tmp_path, FILES["cnn"].replace("nn.Dropout(0.3), ", ""))
    plain = train(monkeypatch, dataclasses.replace(recipe, acceleration="eager"), 12)[0]
    recorded, graphs, said, accelerator = train(monkeypatch, recipe, 12)
    assert "replay" in graphs.calls
    assert (recorded, said, accelerator.tier) == (plain, [], "graph")
    refused, _, said, accelerator = train(monkeypatch, recipe, 12, refuse="operation not permitted")
    assert (refused, accelerator.tier) == (plain, "eager")
    assert "training continues with eager" in said[0]


def test_a_gpu_that_is_too_small_is_told_before_anything_is_moved_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = network_of(recipe_of(tmp_path, FILES["cnn"]))
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (40_000, 60_000))
    with pytest.raises(BadInput, match=r"The network takes 64 kB in training, and a pretended GPU has 60 kB\."):
        check_room(network, GPU)
    check_room(network, choose_device(tiny_recipe()))


def test_its_layers_are_left_as_they_are_and_its_images_come_row_by_row(tmp_path: Path) -> None:
    recipe = recipe_of(tmp_path, f"{HEAD}{returning('self.one(images.view(len(images), -1))')}")
    device = choose_device(recipe)
    network = place(network_of(recipe), device)
    assert for_measuring(network, device) is network
    images = torch.randn(4, 3, 32, 32).to(memory_format=torch.channels_last)
    with pytest.raises(RuntimeError, match="view"):
        images.view(4, -1)
    assert network(images).shape == (4, 10)
