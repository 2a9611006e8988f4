"""SQLite FTS5 as a target: search indexes in one file, without a server.

Each index is a view of its name with the columns `id`, `document` and `text`, which any SQLite can query:

    sqlite3 search.db "SELECT document FROM products WHERE text LIKE '%kimchi%' LIMIT 10"

`text` holds the strings of a document, one a line. From a thousand documents on there is a trigram index, which LIKE uses for three
characters or more of a pattern, in any script. For fewer characters of several bytes SQLite then finds nothing, wrongly, unless the
column is written `+text`; `search` knows that.

The file has one writer at a time, so one thread does everything: one transaction for each batch, synced to disk before its receipt. An
index is a row of `syncd_indexes` that names numbered tables: a swap exchanges two names.
"""

from syncd.connectors.fts5.file import Settings, stays
from syncd.connectors.fts5.indexes import check, opened
from syncd.connectors.fts5.searching import search
from syncd.ports.connecting import Connector

__all__ = ["CONNECTOR", "Settings", "search"]

CONNECTOR = Connector(settings=Settings, check=check, indexes=opened, stays=stays)
