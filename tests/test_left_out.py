import subprocess
import sys

import pytest

from cifar_tui.left_out import left_out


def test_a_part_left_out_is_a_class_and_can_be_had_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "this_is_loaded_by_nobody", raising=False)
    with left_out({"this_is_loaded_by_nobody": "Part"}):
        from this_is_loaded_by_nobody import Part  # type: ignore[import-not-found]

        assert isinstance(Part, type)
    with pytest.raises(ModuleNotFoundError):
        import this_is_loaded_by_nobody  # noqa: F401


def test_a_part_left_out_that_is_called_after_all_does_what_it_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "fractions", raising=False)
    with left_out({"fractions": "Fraction"}):
        from fractions import Fraction
    assert "fractions" not in sys.modules
    assert str(Fraction(6, denominator=4)) == "3/2"


@pytest.mark.slow
def test_named_data_load_nothing_of_torchs_compiler() -> None:
    program = """
import sys
from cifar_tui.data_sets import DATA_SETS
from cifar_tui.engine.data.published import publish
for data_set in DATA_SETS.values():
    publish(data_set)
print("torchvision.models" in sys.modules, sorted({"torch._dynamo", "sympy"} & set(sys.modules)))
from torchvision.ops.roi_align import is_compile_supported
print(is_compile_supported("cpu"))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout.splitlines() == ["True []", "True"], done.stderr


def test_what_is_loaded_already_stays_as_it_is() -> None:
    with left_out({"json": "loads"}):
        from json import loads
    assert loads("1") == 1
    assert sys.modules["json"].loads is loads


@pytest.mark.parametrize("command", [[], ["train"], ["queue"]])
def test_the_help_loads_no_markdown(command: list[str]) -> None:
    program = (
        f"import sys, cifar_tui.cli; sys.argv = ['cifar-tui', *{command!r}, '--help']\n"
        "try: cifar_tui.cli.main()\n"
        "finally: print(sorted({'markdown_it', 'pygments', 'rich.markdown', 'rich.traceback'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert "Usage: cifar-tui" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]", done.stderr
