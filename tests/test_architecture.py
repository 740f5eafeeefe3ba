"""The architecture page's rooms and layers are those of the tree and of the import contracts."""

import re
import tomllib
from pathlib import Path

import grimp

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
ROOMS, LAYERS = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)


def test_the_page_names_every_folder_and_every_module_at_the_root() -> None:
    package = ROOT / "cifar_tui"
    folders = {
        f"{path.relative_to(package)}/" for path in package.rglob("*") if path.is_dir() and path.name != "__pycache__"
    }
    modules = {path.name for path in package.glob("*.py") if not path.name.startswith("__")}
    named = set(re.findall(r"^\s*([\w/]+/|\w+\.py)(?=\s)", ROOMS, re.MULTILINE))
    assert named == folders | modules


def test_the_page_has_the_layers_of_the_contract() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        contracts = tomllib.load(file)["tool"]["importlinter"]["contracts"]
    (rooms,) = [contract for contract in contracts if contract["name"] == "Rooms import one way"]
    assert LAYERS.split("\n")[:-1] == rooms["layers"]


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = grimp.build_graph("cifar_tui")
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    left = dict(imports)
    while leaves := {module for module, found in left.items() if not found & left.keys()}:
        left = {module: found for module, found in left.items() if module not in leaves}
    assert not left, f"these import each other: {', '.join(sorted(left))}"
