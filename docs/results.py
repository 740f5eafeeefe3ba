"""Writes docs/results.md, with its learning curves as a picture, from the rows of docs/results.jsonl.

python docs/results.py
"""

import json
from pathlib import Path

HERE = Path(__file__).parent
WIDTH, HEIGHT, LEFT, RIGHT, BOTTOM, TOP = 820, 420, 60, 290, 50, 30
"""Of the picture and of its margins, in pixels."""
LABEL_HEIGHT = 17
COLOURS = ("#4e79a7", "#f28e2b", "#59a14f", "#e15759", "#b07aa1", "#9c755f")
DASHES = ("", "6 3", "2 2", "8 3 2 3", "1 3", "10 4")
"""Colour is never the only sign."""

Row = dict[str, object]


def main() -> None:
    """Read the rows, write the page and the picture."""
    lines = (HERE / "results.jsonl").read_text(encoding="utf-8").splitlines()
    rows: list[Row] = [json.loads(line) for line in lines]
    (HERE / "results.svg").write_text(picture(rows), encoding="utf-8")
    (HERE / "results.md").write_text(page(rows), encoding="utf-8")
    print(f"{len(rows)} rows in docs/results.md and docs/results.svg")


def page(rows: list[Row]) -> str:
    """The table, in Markdown."""
    table = [
        "| preset | recipe | epochs | seed | test accuracy % | with flip-TTA % | images/s | device, precision |",
        "|---|---|---|---|---|---|---|---|",
    ]
    table += [
        f"| {name_of(row)} | {row['recipe']} | {row['epochs']} | {row['seed']} | {percent(row['test_accuracy'])} "
        f"| {percent(row['test_accuracy_with_tta'])} | {row['images_per_second']} "
        f"| {row['device']}, {row['precision']} |"
        for row in sorted(rows, key=lambda row: float(str(row["test_accuracy"])), reverse=True)
    ]
    return (HERE / "results.head.md").read_text(encoding="utf-8").rstrip() + "\n\n" + "\n".join(table) + "\n"


def picture(rows: list[Row]) -> str:
    """Test accuracy after every epoch, one line a run, as SVG."""
    curves = [(name_of(row), [float(str(value)) for value in listed(row["curve"])]) for row in rows]
    most = max(len(curve) for _, curve in curves)
    low = min(min(curve) for _, curve in curves)
    low = int(low * 10) / 10

    def x(epoch: int) -> float:
        return LEFT + (epoch - 1) / max(most - 1, 1) * (WIDTH - LEFT - RIGHT)

    def y(accuracy: float) -> float:
        return HEIGHT - BOTTOM - (accuracy - low) / (1 - low) * (HEIGHT - BOTTOM - TOP)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
    ]
    for tenth in range(round(low * 10), 11):
        parts.append(f'<path d="M{LEFT} {y(tenth / 10):.1f}H{x(most):.1f}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y(tenth / 10) + 4:.1f}" text-anchor="end">{tenth * 10} %</text>')
    parts += [
        f'<text x="{x(epoch):.1f}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle">{epoch}</text>'
        for epoch in range(1, most + 1)
    ]
    parts.append(f'<text x="{x(most):.1f}" y="{HEIGHT - 10}" text-anchor="end">epoch, test accuracy after it</text>')
    for number, (_, curve) in enumerate(curves):
        colour, dash = COLOURS[number % len(COLOURS)], DASHES[number % len(DASHES)]
        points = " ".join(f"{x(epoch):.1f},{y(value):.1f}" for epoch, value in enumerate(curve, start=1))
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"/>'
        )
    free = 0.0
    for number, (name, curve) in sorted(enumerate(curves), key=lambda one: -one[1][1][-1]):
        free = max(y(curve[-1]) + 4, free + LABEL_HEIGHT)
        label = f"{name} {curve[-1] * 100:.2f} %"
        colour = COLOURS[number % len(COLOURS)]
        parts.append(f'<text x="{x(most) + 8:.1f}" y="{free:.1f}" fill="{colour}">{label}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def name_of(row: Row) -> str:
    """The preset and what was changed of it."""
    return " ".join([str(row["preset"]), *map(str, listed(row["options"]))])


def listed(value: object) -> list[object]:
    """A value of a row that is a list."""
    assert isinstance(value, list)
    return value


def percent(value: object) -> str:
    """A share as a percentage."""
    assert isinstance(value, float)
    return f"{100 * value:.2f}"


if __name__ == "__main__":
    main()
