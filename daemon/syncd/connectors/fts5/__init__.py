"""SQLite FTS5 as a target: search indexes in one file, without a server.

Each index is a view of its name with the columns `id`, `document` and `text`, which any SQLite can query:

    sqlite3 search.db "SELECT document FROM products WHERE text LIKE '%kimchi%' LIMIT 10"

`text` holds all strings of a document, and three characters or more of a LIKE pattern use the trigram index, in any script. For
shorter patterns SQLite can wrongly answer nothing where characters have several bytes: write `+text LIKE …`, or use `search`.

The file has one writer at a time, so one thread does everything, one transaction for each batch, synced to disk before its receipt.
An index is a row of `syncd_indexes` that names numbered tables: a swap exchanges two names. The words of a document are removed by
reading it once more, so words and documents change in one transaction, words first.
"""

from syncd.connectors.fts5.file import Settings
from syncd.connectors.fts5.indexes import check, opened
from syncd.connectors.fts5.searching import search
from syncd.ports import Connector

__all__ = ["CONNECTOR", "Settings", "search"]

CONNECTOR = Connector(settings=Settings, check=check, indexes=opened)
