"""Bindings of the keys that every screen has, in the order of the footer."""

from textual.binding import Binding

BEFORE = (
    Binding("p", "app.send('pause')", "Pause", tooltip="Pause before the next step"),
    Binding("p", "app.send('resume')", "Resume", tooltip="Continue a paused run"),
    Binding("s", "app.send('stop')", "Stop", tooltip="Stop after this step and save (asks first)"),
    Binding("r", "app.resume_run", "Resume", tooltip="Resume the run that ended, from its newest state"),
)
"""Keys before a screen's own."""

AFTER = (
    Binding("u", "app.runs", "Runs", show=False, tooltip="Show all runs: open, compare, rename, delete them"),
    Binding("question_mark", "app.help", "Keys", key_display="?", tooltip="Show all keys"),
    Binding("d", "app.detach", "Detach", show=False, tooltip="Leave this screen; training continues in the background"),
    Binding("q", "app.leave", "Quit", tooltip="Quit (while training it asks: detach, or stop and save)"),
    Binding("ctrl+q", "app.leave", "Quit", show=False),
    Binding("l", "app.send('rate')", "Rate", show=False, tooltip="Change the learning rate from the next step on"),
    Binding("f", "app.send('finish')", "Finish epoch", show=False, tooltip="Stop after this epoch (again: cancel)"),
    Binding("w", "app.send('save')", "Save now", show=False, tooltip="Save weights and training state after this step"),
    Binding("j", "app.send('note')", "Note", show=False, tooltip="Write a note into the run's journal"),
    Binding("t", "app.themes", "Theme", tooltip="Choose the colour theme"),
    Binding("ctrl+l", "app.redraw", "Redraw", show=False, key_display="^l", tooltip="Send the whole screen again"),
    Binding(
        "ctrl+p",
        "app.command_palette",
        "Palette",
        show=False,
        key_display="^p",
        tooltip="Search all commands",
    ),
)
"""Keys after a screen's own."""

OF_THE_PROGRAM = tuple(
    binding
    for binding in AFTER
    if binding.action in ("app.help", "app.leave", "app.themes", "app.redraw", "app.command_palette")
)
"""Keys that are about no run."""
