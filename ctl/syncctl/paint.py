"""Views on a terminal or in a pipe, by rich. Whoever has no table to show does not import this."""

import io
from collections.abc import Iterable
from typing import TextIO

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text
from rich.theme import Theme

from syncctl.view import STYLES, Block, Cell, Column, Facts, Heading, Line, Span, Table, pieces, plain
from syncctl.words import printable

_PIPE_WIDTH = 1_000_000
_GAP = 2
_THEME = Theme(STYLES)


def console(stream: TextIO, paper: TextIO | None = None, width: int | None = None) -> Console:
    """As wide as the terminal, and in colour if it likes; a pipe is wide enough for everything.

    With `paper`, what is printed is kept there: rich itself ends the process when a pipe breaks.
    """
    terminal = stream.isatty()
    return Console(
        file=paper or stream,
        theme=_THEME,
        highlight=False,
        markup=False,
        emoji=False,
        force_terminal=terminal,
        no_color=None if terminal else True,
        width=width or (None if terminal else _PIPE_WIDTH),
    )


def show(blocks: Iterable[Block], stream: TextIO) -> None:
    """Write a view, the whole at once."""
    painter = console(stream, paper := io.StringIO())
    for position, block in enumerate(blocks):
        if position and isinstance(block, Heading):
            painter.print()
        painter.print(renderable(block, painter.width))
    stream.write("".join(f"{line.rstrip()}\n" for line in paper.getvalue().splitlines()))


def group(blocks: Iterable[Block], width: int) -> Group:
    """A view as one thing for a live display."""
    return Group(*(renderable(block, width) for block in blocks))


def renderable(block: Block, width: int) -> RenderableType:
    match block:
        case Table():
            return _indented(_table(block, width - block.indent), block.indent)
        case Facts():
            return _indented(_facts(block), block.indent)
        case Line():
            return _indented(text(block.cell), block.indent)
        case Heading():
            return _indented(Text(printable(block.text), style="strong"), block.indent)


def text(cell: Cell) -> Text:
    """One cell; what is not ours to print, such as control characters in a message, does not reach the terminal."""
    whole = Text()
    for piece in pieces(cell):
        if isinstance(piece, Span):
            whole.append(printable(piece.text), style=piece.style)
        else:
            whole.append(printable(piece))
    return whole


def _indented(content: RenderableType, indent: int) -> RenderableType:
    return Padding(content, (0, 0, 0, indent), expand=False) if indent else content


def _table(table: Table, width: int) -> RenderableType:
    kept = _fitting(table, width)
    grid = Grid(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="quiet", collapse_padding=True)
    for column in (table.columns[index] for index in kept):
        grid.add_column(column.title, justify="right" if column.right else "left", no_wrap=column.whole or column.right, overflow="fold")
    for row in table.rows:
        grid.add_row(*(text(row[index]) for index in kept))
    left_out = [column.title.lower() for index, column in enumerate(table.columns) if index not in kept]
    return Group(grid, Text(f"(no room for: {', '.join(left_out)})", style="quiet")) if left_out else grid


def _fitting(table: Table, width: int) -> list[int]:
    """The columns that there is room for."""
    least = [_least(column, [row[index] for row in table.rows]) for index, column in enumerate(table.columns)]
    kept = list(range(len(table.columns)))
    while sum(least[index] + _GAP for index in kept) - _GAP > width:
        spared = max(kept, key=lambda index: table.columns[index].spare)
        if not table.columns[spared].spare:
            break
        kept.remove(spared)
    return kept


def _least(column: Column, cells: Iterable[Cell]) -> int:
    natural = max([cell_len(column.title), *(cell_len(line) for cell in cells for line in plain(cell).splitlines())])
    return natural if column.whole or column.right else min(natural, column.least)


def _facts(facts: Facts) -> Grid:
    grid = Grid.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True, style="quiet")
    grid.add_column(overflow="fold")
    for name, value in facts.rows:
        grid.add_row(printable(name), text(value))
    return grid


def painted(cell: Cell, stream: TextIO) -> str:
    """One line for a log that grows: never wrapped."""
    console(stream, paper := io.StringIO()).print(text(cell), soft_wrap=True)
    return f"{paper.getvalue().rstrip()}\n"
