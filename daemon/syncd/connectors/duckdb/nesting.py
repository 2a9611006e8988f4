"""Columns with fields, out of the types as DuckDB writes them: `STRUCT(a INTEGER, "b c" VARCHAR[])[]`."""

import re
from collections.abc import Iterator
from functools import lru_cache

from syncd.domain.schema import Column

_STRUCT = "STRUCT("
_LIST = "[]"
_PIECE = re.compile(r"""("(?:[^"]|"")*"|'(?:[^']|'')*'|[(),]|[^"'(),]+)""")
_FIELD = re.compile(r"""(?:"((?:[^"]|"")*)"|(\S+)) (.+)""", re.DOTALL)


@lru_cache(10_000)
def column(name: str, text: str, comment: str = "", *, nullable: bool = True) -> Column:
    """A column of a type. Lists of a fixed length, maps and unions have no fields: their types stand as they are written.

    Shards have the same columns again and again, so those that were made are kept.
    """
    repeated = text.endswith(_LIST)
    text = text.removesuffix(_LIST)
    inside, behind = _inside(text)
    fields = tuple(_fields(inside))
    kind = f"STRUCT{behind}" if fields else text
    return Column(name, kind, nullable, comment, repeated=repeated, fields=fields)


def _inside(text: str) -> tuple[str, str]:
    """What stands between the brackets of a STRUCT, and what behind them (`[3]`); nothing for other types."""
    if not text.startswith(_STRUCT):
        return "", ""
    end = text.rindex(")")
    return text[len(_STRUCT) : end], text[end + 1 :]


def _fields(inside: str) -> Iterator[Column]:
    for part in _parts(inside):
        if found := _FIELD.fullmatch(part):
            quoted, plain, text = found.groups()
            yield column(plain if quoted is None else quoted.replace('""', '"'), text)


def _parts(inside: str) -> Iterator[str]:
    """What is separated by commas outside of all brackets and quotes."""
    depth, start, at = 0, 0, 0
    for piece in _PIECE.findall(inside):
        depth += {"(": 1, ")": -1}.get(piece, 0)
        if piece == "," and depth == 0:
            yield inside[start:at].strip()
            start = at + 1
        at += len(piece)
    yield inside[start:].strip()
