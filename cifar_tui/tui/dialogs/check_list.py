"""A list of which some entries are checked, told by their sign as well as by colour."""

from typing import ClassVar, TypeVar

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.strip import Strip
from textual.widgets import SelectionList

Value = TypeVar("Value")

CHECKED, UNCHECKED = "[x]", "[ ]"


class CheckList(SelectionList[Value]):
    """Space checks the entry under the cursor, or no longer; enter is for the question around it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "screen.close", "Done", show=False)]

    def render_line(self, y: int) -> Strip:
        """Return Textual's line with a sign in place of its coloured box."""
        line = super().render_line(y)
        index = self.scroll_offset.y + y
        segments = list(line)
        if index >= self.option_count or len(segments) < len(CHECKED):
            return line
        sign = CHECKED if self.get_option_at_index(index).value in self.selected else UNCHECKED
        box, rest = segments[: len(sign)], segments[len(sign) :]
        style = box[1].style if sign == CHECKED else rest[0].style
        return Strip([Segment(sign, style), *rest])
