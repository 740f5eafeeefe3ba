"""The option and the environment that the benchmarks of the screen share."""

import argparse
import os
import tempfile


def parser_with_size(description: str | None) -> argparse.ArgumentParser:
    """Return a parser of options with the terminal's size, as columns and rows."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=columns_and_rows, default="120x40", help="columns x rows")
    return parser


def columns_and_rows(words: str) -> tuple[int, int]:
    """Return `120x40` as numbers. Raises ValueError."""
    columns, rows = (int(part) for part in words.split("x"))
    return columns, rows


def use_a_persons_environment() -> None:
    """Run programs as a person who starts them again: nothing is compiled anew, and no preferences are there."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["XDG_CONFIG_HOME"] = tempfile.mkdtemp()
