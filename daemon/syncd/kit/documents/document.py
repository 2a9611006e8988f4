"""What editors of structured text promise."""

from collections.abc import Mapping
from typing import Any, Protocol

Place = tuple[str | int, ...]
"""Names of members and numbers of list elements, from the outside in."""


class Unparsable(ValueError):
    """The text is not what it should be. `line` and `column` count from 1; 0 where they are not known."""

    def __init__(self, reason: str, line: int = 0, column: int = 0) -> None:
        super().__init__(f"line {line}, column {column}: {reason}" if line else reason)
        self.reason = reason
        self.line = line
        self.column = column


class Uneditable(ValueError):
    """The edit cannot be made without changing the meaning or the look of something else. The document is as before."""


class Document(Protocol):
    """A parsed file. Made by `Jsonc(content)`, `Toml(content)` or `Yaml(content)`, which raise `Unparsable`.

    An empty file is an empty mapping. Byte order mark, line endings, indentation, comments, order and a missing final newline stay.
    After each edit the new text is parsed by an independent parser and compared with what was meant; what differs raises `Uneditable`.
    """

    @property
    def value(self) -> Mapping[str, Any]:
        """The whole as plain Python values, members in the order of the text."""

    def set(self, place: Place, value: Any) -> None:
        """Give a member a value (plain Python: a mapping, list, text, number, boolean); outer mappings are made as needed.

        A mapping or list that is there already is changed member by member. New members come last. Raises `Uneditable`.
        """

    def append(self, place: Place, value: Any) -> None:
        """Add an element to the list at a place, which is made if it is missing. Raises `Uneditable`."""

    def remove(self, place: Place) -> None:
        """Remove a member or an element. Raises `KeyError` if it is not there, `Uneditable`."""

    def content(self) -> bytes:
        """The text as it is now."""
