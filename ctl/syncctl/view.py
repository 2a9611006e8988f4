"""What an answer looks like, before anybody knows whether there is a terminal, how wide it is, and whether it has colours."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of text in one style; `style` is a name of `STYLES` or empty."""

    text: str
    style: str = ""


Cell = str | Span | tuple[str | Span, ...]

STYLES = {
    "good": "green",
    "bad": "bold red",
    "warn": "yellow",
    "busy": "cyan",
    "strong": "bold",
    "quiet": "dim",
    "chosen": "bold reverse",
}


@dataclass(frozen=True, slots=True)
class Column:
    """How a column behaves where there is little room.

    `right` columns hold numbers; they are never wrapped, nor are `whole` ones. All others wrap, down to `least` letters. If that is not
    enough, the column with the highest `spare` is left out, then the next; those with 0 stay.
    """

    title: str
    right: bool = False
    whole: bool = False
    least: int = 12
    spare: int = 0


@dataclass(frozen=True, slots=True)
class Table:
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    indent: int = 0


@dataclass(frozen=True, slots=True)
class Facts:
    """Names on the left, values on the right."""

    rows: Sequence[tuple[str, Cell]]
    indent: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    cell: Cell
    indent: int = 0


@dataclass(frozen=True, slots=True)
class Heading:
    """Stands above what follows, with room before it."""

    text: str
    indent: int = 0


Block = Table | Facts | Line | Heading


def quiet(text: str) -> Span:
    return Span(text, "quiet")


def pieces(cell: Cell) -> tuple[str | Span, ...]:
    return cell if isinstance(cell, tuple) else (cell,)


def plain(cell: Cell) -> str:
    """The text alone."""
    return "".join(piece.text if isinstance(piece, Span) else piece for piece in pieces(cell))
