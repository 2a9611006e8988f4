"""How the marks of rows travel into SQL: a whole batch as one JSON array, so that a commit is a handful of statements.

A statement a row would give up and take back Python's lock a thousand times a batch, and wait for whoever holds it each time. JSON in
SQLite ends a text at a NUL, so marks are stored with NUL escaped.
"""

import re
from collections.abc import Sequence

import orjson

_ESCAPES = str.maketrans({"\0": "\1\2", "\1": "\1\1"})
_ESCAPED = re.compile("\1[\1\2]")


def escaped(mark: str) -> str:
    """The mark as it is stored; different marks stay different."""
    return mark.translate(_ESCAPES)


def unescaped(stored: str) -> str:
    return _ESCAPED.sub(lambda found: "\0" if found[0] == "\1\2" else "\1", stored)


def packed(marks: Sequence[str]) -> str:
    """Marks as a JSON array."""
    text = orjson.dumps(marks)
    return (orjson.dumps([escaped(mark) for mark in marks]) if _suspicious(text) else text).decode()


def packed_pairs(marks: Sequence[str], fingerprints: Sequence[int]) -> str:
    """Marks with their fingerprints as a JSON object; of equal marks, the last counts."""
    text = orjson.dumps(dict(zip(marks, fingerprints, strict=True)))
    if _suspicious(text):
        text = orjson.dumps(dict(zip(map(escaped, marks), fingerprints, strict=True)))
    return text.decode()


def _suspicious(text: bytes) -> bool:
    return b"\\u000" in text
