"""Generated products, the same every time: about 360 bytes each as a document, in words of which some are frequent and most are rare."""

from collections.abc import Iterator
from pathlib import Path

import duckdb

_WORDS = """
CREATE TEMP TABLE syllables AS
SELECT string_split('ba co di fu ga he ki lo mi no pa qui ra se to va wen xi ya zu lin mas', ' ') AS syllables;
CREATE TEMP MACRO draw(id, salt, choices) AS CAST(hash(id, salt) % choices AS BIGINT);
CREATE TEMP TABLE words AS
SELECT list(word ORDER BY n) AS list FROM (
  SELECT n, array_to_string(list_transform(range(2 + draw(n, 0, 3)), lambda k: syllables[1 + draw(n, k + 1, len(syllables))]), '') AS word
  FROM range(4000) AS numbers(n), syllables
);
CREATE TEMP MACRO word(list, id, salt) AS list[1 + draw(id, salt, 4000) * draw(id, salt + 1, 4000) // 4000];
CREATE TEMP MACRO text(list, id, salt, length) AS
  array_to_string(list_transform(range(length), lambda k: word(list, id, salt + 2 * k)), ' ')
"""
_GENERATE = """
CREATE TABLE products AS
SELECT
  id,
  text(list, id, 100, 4) AS title,
  list[1 + draw(id, 1, 200)] AS brand,
  list[1 + draw(id, 2, 20)] AS category,
  text(list, id, 200, 22) AS description,
  (draw(id, 3, 400_000) + 100) / 100 AS price,
  draw(id, 4, 500)::INTEGER AS stock,
  [list[1 + draw(id, 5, 50)], list[1 + draw(id, 6, 50)]] AS tags,
  TIMESTAMP '2025-01-01' + to_seconds(id) AS modified
FROM range(1, ?) AS numbers(id), words
ORDER BY id
"""
FIELDS = ("id", "title", "brand", "category", "description", "price", "stock", "tags", "modified")
_MEMBERS = ", ".join(f"'{name}', {'strftime(modified, $$%Y-%m-%dT%H:%M:%S$$)' if name == 'modified' else name}" for name in FIELDS)
_NDJSON = f"SELECT CAST(json_object({_MEMBERS}) AS VARCHAR) FROM products ORDER BY id"


def create(path: Path, rows: int) -> None:
    """Make a file with one table `products` of so many rows, ids from 1."""
    with duckdb.connect(str(path)) as db:
        db.execute("SET threads = 1")
        db.execute(_WORDS)
        db.execute(_GENERATE, [rows + 1])
        db.execute("ALTER TABLE products ADD PRIMARY KEY (id)")


def payloads(path: Path, rows: int) -> Iterator[bytes]:
    """The table as NDJSON, so many rows at a time: the very bytes that syncd makes of it."""
    with duckdb.connect(str(path), read_only=True) as db:
        documents = db.execute(_NDJSON)
        while some := documents.fetchmany(rows):
            yield "\n".join(document for (document,) in some).encode()


def dicts(path: Path, rows: int) -> Iterator[list[dict[str, object]]]:
    """The table as Python objects, so many rows at a time."""
    with duckdb.connect(str(path), read_only=True) as db:
        found = db.execute(f"SELECT {', '.join(FIELDS)} FROM products ORDER BY id")
        while some := found.fetchmany(rows):
            yield [{**dict(zip(FIELDS, row, strict=True)), "modified": row[-1].isoformat()} for row in some]
