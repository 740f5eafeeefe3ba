"""Writes docs/results.md, with its learning curves as a picture, from the rows of docs/results.jsonl.

python docs/results.py
"""

import json
from pathlib import Path

from cifar_tui.data_sets import DATA_SETS
from cifar_tui.presets import PRESETS
from cifar_tui.report import svg

HERE = Path(__file__).parent
Row = dict[str, object]
TEN = "CIFAR-10, JPEG copies"
OTHERS = {"images in c3": "3 of its classes", "images in c100": "100 classes made of its 10"}
"""Data of rows, by their description, that are not all of `TEN`; `benchmarks/class_folders.py` makes them."""
DATA = (TEN, *OTHERS.values(), *(one.title for one in DATA_SETS.values()))
NOT_MEASURED = "not measured"


def main() -> None:
    """Read the rows, write the page and the picture."""
    lines = (HERE / "results.jsonl").read_text(encoding="utf-8").splitlines()
    rows: list[Row] = [json.loads(line) for line in lines]
    (HERE / "results.svg").write_text(render_svg([row for row in rows if data_of(row) == TEN]), encoding="utf-8")
    (HERE / "results.md").write_text(page(rows), encoding="utf-8")
    print(f"{len(rows)} rows in docs/results.md and docs/results.svg")


def page(rows: list[Row]) -> str:
    """The head of the page, the table of the runs, and the one of presets by data, in Markdown."""
    table = [
        "| preset | recipe | epochs | seed | test accuracy % | with flip-TTA % | images/s | device, precision |",
        "|---|---|---|---|---|---|---|---|",
    ]
    table += [
        f"| {name_of(row)} | {row['recipe']} | {row['epochs']} | {row['seed']} | {percent(row['test_accuracy'])} "
        f"| {percent(row['test_accuracy_with_tta'])} | {row['images_per_second']} "
        f"| {row['device']}, {row['precision']} |"
        for row in sorted(rows, key=lambda row: float(str(row["test_accuracy"])), reverse=True)
        if data_of(row) == TEN
    ]
    head = (HERE / "results.head.md").read_text(encoding="utf-8").rstrip()
    by_data = (HERE / "results.data.md").read_text(encoding="utf-8").rstrip()
    return "\n".join([head, "", *table, "", by_data, "", *by_preset(rows)]) + "\n"


def by_preset(rows: list[Row]) -> list[str]:
    """Return a table of every preset, as it is, on every data: the last epoch's test accuracy in per cent."""
    lines = [f"| preset | {' | '.join(DATA)} |", f"|---|{'---|' * len(DATA)}"]
    for name, preset in PRESETS.items():
        own = [row for row in rows if (row["preset"], row["epochs"]) == (name, preset.recipe.epochs)]
        plain = [row for row in own if not row["options"]]
        cells = [accuracies([row for row in plain if data_of(row) == data]) for data in DATA]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def accuracies(rows: list[Row]) -> str:
    """Return the mean test accuracy of some runs in per cent, and how many they are."""
    if not rows:
        return NOT_MEASURED
    mean = sum(float(str(row["test_accuracy"])) for row in rows) / len(rows)
    return percent(mean) + (f" ({len(rows)} runs)" if len(rows) > 1 else "")


def data_of(row: Row) -> str:
    """Return what a run was trained on, as the table of data calls it."""
    return OTHERS.get(str(row["data"]), TEN)


def render_svg(rows: list[Row]) -> str:
    """Test accuracy after every epoch, one line a run, as SVG."""
    curves = [(name_of(row), [float(str(value)) for value in listed(row["curve"])]) for row in rows]
    most = max(len(curve) for _, curve in curves)
    low = int(min(min(curve) for _, curve in curves) * 10) / 10
    lines = [
        svg.Line(
            f"{name} {curve[-1] * 100:.2f} %",
            list(enumerate(curve, start=1)),
            svg.COLOURS[number % len(svg.COLOURS)],
            svg.DASHES[number % len(svg.DASHES)],
        )
        for number, (name, curve) in enumerate(curves)
    ]
    y_ticks = [(tenth / 10, f"{tenth * 10} %") for tenth in range(round(low * 10), 11)]
    x_ticks = [(epoch, str(epoch)) for epoch in range(1, most + 1)]
    return svg.render_svg([svg.Panel(lines, low, 1.0, y_ticks, x_ticks, "epoch, test accuracy after it", 1, most)])


def name_of(row: Row) -> str:
    """The preset and what was changed of it."""
    return " ".join([str(row["preset"]), *map(str, listed(row["options"]))])


def listed(value: object) -> list[object]:
    """A value of a row that is a list."""
    assert isinstance(value, list)
    return value


def percent(value: object) -> str:
    """A share as a percentage; nothing where there is none, as with mirror images of digits."""
    if value is None:
        return "–"
    assert isinstance(value, float)
    return f"{100 * value:.2f}"


if __name__ == "__main__":
    main()
