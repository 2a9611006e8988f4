"""Types of columns as text, in the style of BigQuery: `ARRAY<STRUCT<key STRING, value STRUCT<string_value STRING>>>`."""

import re
from collections.abc import Iterator, Sequence

from syncd.domain.schema import Column

_PLAIN = re.compile(r"[^\W\d]\w*\Z")
_ARRAY, _STRUCT = "ARRAY<", "STRUCT<"
_OPENING, _CLOSING = "<([", ">)]"


def typetext(column: Column) -> str:
    """The whole type of a column, with the fields inside it."""
    inner = f"{_STRUCT}{', '.join(map(_field, column.fields))}>" if column.fields else column.type
    return f"{_ARRAY}{inner}>" if column.repeated else inner


def own_type(column: Column) -> str:
    """The type of a column without the fields inside it: of a record only that it is one."""
    inner = "STRUCT" if column.fields else column.type
    return f"{_ARRAY}{inner}>" if column.repeated else inner


def _field(column: Column) -> str:
    return f"{quoted(column.name)} {typetext(column)}"


def quoted(name: str) -> str:
    """The name of a field inside a type."""
    return name if _PLAIN.match(name) else f"`{name}`"


def without(text: str, path: Sequence[str]) -> str:
    """A type without one of the fields inside it; as it was if there is no such field."""
    if text.startswith(_ARRAY):
        return f"{_ARRAY}{without(text[len(_ARRAY) : -1], path)}>"
    if not text.startswith(_STRUCT):
        return text
    start = f"{quoted(path[0])} "
    fields = list(_split(text[len(_STRUCT) : -1]))
    if len(path) == 1:
        kept = [field for field in fields if not field.startswith(start)]
    else:
        kept = [start + without(field[len(start) :], path[1:]) if field.startswith(start) else field for field in fields]
    return f"{_STRUCT}{', '.join(kept)}>"


def _split(fields: str) -> Iterator[str]:
    """At the commas that stand inside of nothing."""
    depth, begin = 0, 0
    for at, character in enumerate(fields):
        depth += (character in _OPENING) - (character in _CLOSING)
        if character == "," and depth == 0:
            yield fields[begin:at]
            begin = at + 2
    yield fields[begin:]
