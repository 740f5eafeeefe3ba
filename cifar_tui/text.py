"""Numbers as text, and text from outside made safe, for every front end."""

import math
import unicodedata

UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
"""Unicode categories that could steer a terminal or hide: control, format (bidi too), private, unassigned."""


def safe_text(text: str, limit: int = 256) -> str:
    """The text with invisible and control characters made visible as `�`, and cut to `limit` characters."""
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    if cut.isascii() and cut.isprintable():
        return cut
    return "".join("�" if unicodedata.category(character) in UNSEEN else character for character in cut)


def count(number: int) -> str:
    """`50,000`."""
    return f"{number:,}"


def short_count(number: float) -> str:
    """A count for an axis: `950`, `12.4k`, `1.2M`."""
    for size, letter in ((1_000_000, "M"), (1_000, "k")):
        if abs(number) >= size:
            return f"{number / size:.4g}{letter}"
    return f"{number:.4g}"


def percent(share: float, digits: int = 2) -> str:
    """`93.41 %` from 0.9341; `–` where there is none."""
    return f"{percent_number(share, digits)} %" if math.isfinite(share) else "–"


def percent_number(share: float, digits: int = 2) -> str:
    """Return `93.41` for 0.9341, where a column's head has the per cent; `–` where there is none."""
    return f"{share * 100:.{digits}f}" if math.isfinite(share) else "–"


def loss(value: float) -> str:
    """Return `0.4312`, or `NaN` and `infinite` in words."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "infinite"
    return f"{value:.4f}" if abs(value) < 1_000 else f"{value:.3g}"


def rate(value: float) -> str:
    """A learning rate: `0.0932`."""
    return f"{value:.4g}"


def duration(seconds: float) -> str:
    """`4.2 s` below ten seconds, then `04:12`, then `1:04:12`, then `2 d 03:04`."""
    if seconds < 9.95:
        return f"{max(seconds, 0):.1f} s"
    days, rest = divmod(round(seconds), 86_400)
    if days:
        return f"{days} d {rest // 3_600:02}:{rest // 60 % 60:02}"
    return clock(seconds)


def age(seconds: float) -> str:
    """Return an age, coarsely: `just now`, `4 min ago`, `3 h ago`, `2 d ago`."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit} ago"
    return "just now"


def size(bytes_: float) -> str:
    """`44.8 MB`."""
    for unit_size, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if bytes_ >= unit_size:
            return f"{bytes_ / unit_size:.1f} {unit}"
    return f"{bytes_:.0f} B"


def throughput(images_per_second: float) -> str:
    """`163 images/s`."""
    if not math.isfinite(images_per_second) or images_per_second <= 0:
        return "–"
    digits = 1 if images_per_second < 10 else 0
    return f"{images_per_second:,.{digits}f} images/s"


def counted(number: int, noun: str) -> str:
    """`1 step`, `2,600 steps`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def clock(seconds: float) -> str:
    """A time on an axis: `00:30`, `04:12`, `1:04:12`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"
