"""Writes docs/performance.md, and its graphs over the versions, from docs/performance.head.md and docs/figures.jsonl.

python docs/performance.py

The page's figures stand in its head as `{startup.first_frame_ms:.0f}`: benchmark, figure, format; `/1000` before the
colon divides. The newest row of each benchmark counts. `{startup}` is its machine and day. What depends on the
processor's instructions has them in its name, `{throughput_amx.ratio}`.
"""

import json
import re
from pathlib import Path
from typing import NamedTuple

from cifar_tui.report import svg

HERE = Path(__file__).parent
FIELD = re.compile(r"\{(\w+)(?:\.([^{}:/]+))?(?:/(\d+))?(?::([^{}]*))?\}")
GRAPHS = (
    ("startup", "first_frame_ratio", "first frame, times a bare Textual app's"),
    ("startup", "help_ratio", "--help, times import typer"),
    ("startup", "open_100k_ms", "ms to all charts of 100,000 steps"),
    ("screen", "key_p95_ms", "ms from a key to the complete screen, 95th percentile"),
    ("screen", "real_key_p95_ms", "the same while training on every core"),
    ("screen", "bytes_per_second", "bytes a second, following 100 steps a second"),
    ("throughput_amx", "ratio", "training on a CPU with AMX, times the tutorial's loop"),
)
"""Each graph: benchmark, figure, and its words."""


class Row(NamedTuple):
    """The figures of one benchmark, measured once."""

    benchmark: str
    place: str
    """Machine and day."""
    commit: str
    figures: dict[str, float]
    """By their names; those of several programs as `ours.complete_ms`."""


def main() -> None:
    """Read the rows, write the page and the graphs."""
    found = rows((HERE / "figures.jsonl").read_text(encoding="utf-8"))
    head = (HERE / "performance.head.md").read_text(encoding="utf-8")
    (HERE / "performance.md").write_text(page(head, found), encoding="utf-8")
    (HERE / "figures.svg").write_text(graphs(found), encoding="utf-8")
    print(f"{len(found)} rows in docs/performance.md and docs/figures.svg")


def rows(text: str) -> list[Row]:
    """Return the rows, in the order in which they were measured."""
    records = [json.loads(line) for line in text.splitlines()]
    return [
        Row(
            "_".join(filter(None, (one["benchmark"], one.get("instructions", "").lower()))),
            f"{one['machine']}, {one['day']}",
            one["commit"],
            flat(one["figures"]),
        )
        for one in records
    ]


def flat(figures: dict[str, object], before: str = "") -> dict[str, float]:
    """Return figures by one name each."""
    found: dict[str, float] = {}
    for name, value in figures.items():
        if isinstance(value, dict):
            found |= flat(value, f"{before}{name}.")
        elif isinstance(value, int | float):
            found[before + name] = float(value)
    return found


def page(head: str, found: list[Row]) -> str:
    """Return the head with its figures. Raises KeyError for one that was never measured."""
    newest = {row.benchmark: row for row in found}

    def value(field: re.Match[str]) -> str:
        benchmark, figure, divisor, form = field.groups()
        row = newest[benchmark]
        return row.place if figure is None else format(row.figures[figure] / int(divisor or 1), form or "g")

    return FIELD.sub(value, head)


def graphs(found: list[Row]) -> str:
    """Return a graph of each figure over the commits at which it was measured, as SVG."""
    return svg.render_svg(
        [
            panel(words, figure, [row for row in found if row.benchmark == benchmark and figure in row.figures])
            for benchmark, figure, words in GRAPHS
        ]
    )


def panel(words: str, figure: str, measured: list[Row]) -> svg.Panel:
    """Return one graph."""
    values = [row.figures[figure] for row in measured] or [0.0]
    top = max(*values, 1e-9, 0.0) * 1.2
    last = max(len(measured) - 1, 1)
    line = svg.Line(f"{values[-1]:,.4g}", list(enumerate(values)), svg.COLOURS[0])
    y_ticks = [(top * part / 4, f"{top * part / 4:,.3g}") for part in range(5)]
    x_ticks = [(float(place), row.commit) for place, row in enumerate(measured)]
    return svg.Panel([line], 0.0, top, y_ticks, x_ticks, words, 0.0, last)


if __name__ == "__main__":
    main()
