"""Small histories: bars of eighths of a cell, one for every reading."""

from collections.abc import Sequence

EIGHTHS = " ▁▂▃▄▅▆▇█"


def sparkline(shares: Sequence[float], width: int, height: int) -> list[str]:
    """Return the last readings as rows from the top, the newest at the right; a share of 1 fills the height.

    Every reading has at least an eighth, so that there is a difference between none and nothing.
    """
    shown = shares[-width:] if width > 0 else ()
    filled = [max(round(min(max(share, 0.0), 1.0) * height * 8), 1) for share in shown]
    return [
        "".join(EIGHTHS[min(max(eighths - 8 * below, 0), 8)] for eighths in filled).rjust(max(width, 0))
        for below in range(height - 1, -1, -1)
    ]
