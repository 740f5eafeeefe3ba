"""The keys every screen has, in the order the footer shows them."""

from textual.binding import Binding

BEFORE = (
    Binding("p", "app.pause", "Pause", tooltip="Pause before the next step"),
    Binding("p", "app.resume", "Resume", tooltip="Go on training"),
    Binding("s", "app.stop", "Stop", tooltip="Stop after this step and save (asks first)"),
)
"""Keys before a screen's own."""

AFTER = (
    Binding("question_mark", "app.help", "Keys", key_display="?", tooltip="Show all keys"),
    Binding("q", "app.leave", "Quit", tooltip="Leave (asks while training); ctrl+c does the same"),
    Binding("ctrl+c", "app.leave", "Quit", show=False),
    Binding("ctrl+q", "app.leave", "Quit", show=False),
    Binding("t", "app.themes", "Theme", tooltip="Choose the colours"),
    Binding("ctrl+p", "app.command_palette", "Palette", show=False, key_display="^p", tooltip="All commands, by name"),
)
"""Keys after a screen's own."""
