"""DuckDB as a source and a warehouse: tables, views, and views over Parquet or CSV.

A file is open for one process that writes or for many that read. So the source opens it read-only, only if it has to look into it,
and holds it as short as it can; meanwhile others cannot write. Within one process all connections to a file share one instance, and
must have the same settings. Nothing here may open the file by other means: a process that closes any descriptor of a file loses its
locks on it.

A scan first sorts the order columns alone, which can spill to disk, and remembers each thousandth position. Then it reads the rows
between such positions, as many at once as fit into `page_bytes`: sorting whole rows would need memory that grows with the table.
Where rows are stored in about the order of the scan, a page skips all blocks but its own; otherwise each page goes through the order
columns of the whole table, and larger pages make the scan faster. A query, or a view, is evaluated anew for each page.

As a warehouse it is read by the same rules: the file is open only while a question lasts. Queries are looked at in another process, which
can neither write nor reach anything but this file (`examiner`).
"""

from syncd.connectors.duckdb.file import Settings
from syncd.connectors.duckdb.schemas import opened_schemas
from syncd.connectors.duckdb.source import check, opened
from syncd.ports.connecting import Connector

__all__ = ["CONNECTOR", "Settings"]

CONNECTOR = Connector(settings=Settings, check=check, source=opened, schemas=opened_schemas)
