"""Searching an index without the daemon."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote as quote_url

from syncd.connectors.fts5.file import our_errors
from syncd.connectors.fts5.tables import existing
from syncd.kit.sql import quote

_SHORTEST_INDEXED = 3
"""Characters."""


def search(path: Path, index: str, words: str, limit: int = 20) -> list[dict[str, object]]:
    """Documents of an index that hold all of some words, anywhere in their strings and in any case of a-z. It blocks."""
    conditions: list[str] = []
    values: list[object] = []
    for word in words.split():
        indexed = len(word) >= _SHORTEST_INDEXED and not {"%", "_"} & set(word)
        conditions.append("text LIKE '%' || ? || '%'" if indexed else "instr(lower(text), lower(?))")
        values.append(word)
    with our_errors(path), closing(sqlite3.connect(f"file:{quote_url(str(path))}?mode=ro", uri=True)) as connection:
        existing(connection, index)
        where = " AND ".join(conditions) or "1"
        found = connection.execute(f"SELECT document FROM {quote(index)} WHERE {where} LIMIT ?", [*values, limit]).fetchall()
    return [json.loads(document) for (document,) in found]
