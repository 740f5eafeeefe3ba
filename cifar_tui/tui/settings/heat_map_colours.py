"""The colours of a heat map, mixed from a theme's own: hits and mistakes in four strengths, under readable text."""

from collections.abc import Mapping

from textual.color import Color

SHARES = (0.1, 0.22, 0.36, 0.9)
"""Shares of the colour mixed into the background, from faint to strong."""
TEXT_CONTRAST = 4.5
"""Least contrast of text in WCAG 2.2 AA (1.4.3)."""
SIXTEEN: dict[str, tuple[tuple[str, str], ...]] = {
    "right": (
        ("ansi_default", "ansi_default"),
        ("ansi_default", "ansi_bright_green"),
        ("ansi_green", "ansi_black"),
        ("ansi_bright_green", "ansi_black"),
    ),
    "wrong": (
        ("ansi_default", "ansi_default"),
        ("ansi_default", "ansi_bright_yellow"),
        ("ansi_yellow", "ansi_black"),
        ("ansi_bright_red", "ansi_black"),
    ),
}
"""Background and text in the terminal's own sixteen colours, which cannot be mixed."""
SIXTEEN_LEVELS = ("ansi_green", "ansi_green", "ansi_bright_green")


def heat_variables(colours: Mapping[str, str], *, ansi: bool) -> dict[str, str]:
    """Return variables `heat-right-1` to `-4`, `heat-wrong-1` to `-4` and `heat-cursor`, each with its `-text`.

    `heat-level-1` to `-3` are colours of bars on the faintest ground.
    """
    pairs = SIXTEEN if ansi else {"right": _mixed(colours, "success"), "wrong": _mixed(colours, "error")}
    ground, text = ("ansi_white", "ansi_black") if ansi else (colours["foreground"], colours["background"])
    variables = {"heat-cursor": ground, "heat-cursor-text": text}
    for kind, levels in pairs.items():
        for level, (ground, text) in enumerate(levels, 1):
            variables[f"heat-{kind}-{level}"] = ground
            variables[f"heat-{kind}-{level}-text"] = text
    bars = SIXTEEN_LEVELS if ansi else [ground for ground, _ in pairs["right"][1:]]
    return variables | {f"heat-level-{level}": bar for level, bar in enumerate(bars, 1)}


def contrast(one: Color, other: Color) -> float:
    """Return the contrast of two colours, 1 to 21, as WCAG defines it."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _mixed(colours: Mapping[str, str], name: str) -> tuple[tuple[str, str], ...]:
    background, colour = Color.parse(colours["background"]), Color.parse(colours[name])
    # Black or white can be read on any colour; a theme's own colours look better where they can be read, too.
    texts = [Color.parse(colours["foreground"]), background, Color(0, 0, 0), Color(255, 255, 255)]
    grounds = [background.blend(colour, share) for share in SHARES]
    return tuple((ground.hex, _readable(ground, texts).hex) for ground in grounds)


def _readable(ground: Color, texts: list[Color]) -> Color:
    """First text colour that can be read on the background, else the best."""
    fit = [text for text in texts if contrast(ground, text) >= TEXT_CONTRAST]
    return fit[0] if fit else max(texts, key=lambda text: contrast(ground, text))


def _luminance(colour: Color) -> float:
    """Relative luminance as WCAG defines it."""
    channels = (channel / 255 for channel in colour.rgb)
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
