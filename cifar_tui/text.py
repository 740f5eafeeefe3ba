"""Numbers as text, and text from outside made safe, for every front end."""

import math
import time
import unicodedata

UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
"""Unicode categories that could steer a terminal or hide: control, format (bidi too), private, unassigned."""
MARKS = ("Mn", "Mc", "Me")
"""Unicode categories of characters that belong to the one before them."""
EMOJI_MARK = "\ufe0f"
"""Makes an emoji of the character before it."""


def safe_text(text: str, limit: int = 256) -> str:
    """The text with invisible and control characters made visible as `�`, and cut to `limit` characters."""
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    if cut.isascii() and cut.isprintable():
        return cut
    return "".join("�" if unicodedata.category(character) in UNSEEN else character for character in cut)


def valid_text(name: str) -> str:
    """Return the name of a file as JSON can hold it: one that is no UTF-8 has `�` in place of what is none."""
    return name.encode(errors="surrogateescape").decode(errors="replace")


def cells(text: str) -> int:
    """Return the cells of a terminal that a text takes: wide characters take two, marks on others none."""
    width = last = 0
    for character in text:
        if character == EMOJI_MARK:  # widens the one before it
            step = 2 - last if last else 0
        elif unicodedata.category(character) in MARKS:
            continue
        else:
            step = last = 2 if unicodedata.east_asian_width(character) in "WF" else 1
        width += step
    return width


def padded(text: str, width: int, *, right: bool = False) -> str:
    """Return a text with the blanks that fill so many cells: after it, or before it with `right`."""
    blanks = " " * (width - cells(text))
    return blanks + text if right else text + blanks


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


def shortened(text: str, limit: int) -> str:
    """The text in at most `limit` characters, with `…` in its middle: names differ at either end."""
    if len(text) <= limit:
        return text
    tail = max(limit - 1, 0) // 2
    return f"{text[: max(limit - 1 - tail, 0)]}…{text[len(text) - tail :]}"


def rate(value: float) -> str:
    """A learning rate, to four significant digits: `0.0932`, `2.604e-05`."""
    return f"{value:.4g}"


def duration(seconds: float) -> str:
    """`4.2 s` below ten seconds, then `04:12`, then `1:04:12`, then `2 d 03:04`."""
    if seconds < 9.95:
        return f"{max(seconds, 0):.1f} s"
    days, rest = divmod(round(seconds), 86_400) if math.isfinite(seconds) else (0, 0)
    if days:
        return f"{days} d {rest // 3_600:02}:{rest // 60 % 60:02}"
    return clock(seconds)


def rough_duration(seconds: float) -> str:
    """A duration that is an estimate: `45 s`, `38 min`, `2 h 05 min`, `2 d 7 h`. Numbers of a kind have one width."""
    whole = max(round(seconds), 0)
    if whole < 60:
        return f"{whole:>2} s"
    minutes = round(whole / 60)
    if minutes < 60:
        return f"{minutes:>2} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours < 24 else f"{hours // 24} d {hours % 24} h"


SOON = 12 * 3_600
"""Seconds within which a time of day needs no day, as 00:40 late in the evening."""


def hour(at: float, now: float) -> str:
    """The local time of day, both in seconds since 1970: `21:40`, and `Tue 21:40` or `3 Dec 21:40` on a later day."""
    then, today = time.localtime(at), time.localtime(now)
    clock_time = time.strftime("%H:%M", then)
    if then[:3] == today[:3] or 0 <= at - now < SOON:
        return clock_time
    day = time.strftime("%a", then) if 0 < at - now < 6 * 86_400 else f"{then.tm_mday} {time.strftime('%b', then)}"
    return f"{day} {clock_time}"


def age(seconds: float) -> str:
    """Return an age, coarsely: `just now`, `4 min ago`, `3 h ago`, `2 d ago`."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit} ago"
    return "just now"


def size(bytes_: float) -> str:
    """`44.8 MB`, `1.1 GB`; below that whole numbers, `746 kB`."""
    for unit_size, unit, digits in ((1, "B", 0), (1e3, "kB", 0), (1e6, "MB", 1)):
        number = f"{bytes_ / unit_size:.{digits}f}"
        if float(number) < 1_000:
            return f"{number} {unit}"
    return f"{bytes_ / 1e9:.1f} GB"


def throughput(images_per_second: float) -> str:
    """`163 images/s`."""
    if not math.isfinite(images_per_second) or images_per_second <= 0:
        return "–"
    digits = 1 if images_per_second < 10 else 0
    return f"{images_per_second:,.{digits}f} images/s"


def counted(number: int, noun: str) -> str:
    """`1 step`, `2,600 steps`, `2 processes`."""
    plural = "es" if noun.endswith("s") else "s"
    return f"{number:,} {noun}{'' if number == 1 else plural}"


def other_classes(network: str, known: int, found: int, images: str = "") -> str:
    """Return a clause where a network's number of classes is not that of the images, which `images` describes."""
    described = f" ({images})" if images else ""
    return f"{network} tells {counted(known, 'class')} apart, and these images{described} have {found:,}"


def clock(seconds: float) -> str:
    """A time on an axis: `00:30`, `04:12`, `1:04:12`; `–` where there is none."""
    if not math.isfinite(seconds):
        return "–"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"
