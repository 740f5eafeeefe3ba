"""The page on formats holds every field of every record, as the classes have them today."""

import importlib.util
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"


def test_the_page_is_what_its_command_makes() -> None:
    spec = importlib.util.spec_from_file_location("format_page", DOCS / "format.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert (DOCS / "format.md").read_text(encoding="utf-8") == module.page(), "run: python docs/format.py"
