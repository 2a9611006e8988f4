"""Frames of a full screen as lines for the terminal, by rich."""

import io
import sys
from collections.abc import Iterable

from syncctl import paint
from syncctl.top_view import Frame
from syncctl.view import Block, Line


def lines(frame: Frame, width: int, height: int) -> list[str]:
    """As many lines as the screen has: what does not fit in between is scrolled, what is too long at the rims is cut."""
    head, foot = _rim(frame.head, width), _rim(frame.foot, width)
    room = max(height - len(head) - len(foot), 0)
    body = _painted(frame.body, width)
    first = min(frame.scroll, max(len(body) - room, 0))
    shown = body[first : first + room]
    return [*head, *shown, *[""] * (room - len(shown)), *foot][:height]


def _rim(rim: Iterable[Line], width: int) -> list[str]:
    painter = paint.console(sys.stdout, paper := io.StringIO(), width)
    for line in rim:
        text = paint.text(line.cell)
        text.truncate(width, overflow="ellipsis")
        painter.print(text, no_wrap=True)
    return paper.getvalue().splitlines()


def _painted(blocks: Iterable[Block], width: int) -> list[str]:
    painter = paint.console(sys.stdout, paper := io.StringIO(), width)
    for block in blocks:
        painter.print(paint.renderable(block, width))
    return paper.getvalue().splitlines()
