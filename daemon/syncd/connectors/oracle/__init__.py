"""Oracle as a source and a warehouse: tables, views and queries, read as of one moment where the user may.

Where it surprises:

- The driver bounds no log-in, and a first log-in that hangs blocks all others: see `sessions` and `driver`.
- A `datetime` that is bound loses its fraction, and one with a zone its zone: moments are bound as text (`moments`, `types`).
- A query streams from one cursor. Rows come as of the moment of its first fetch, or as of an SCN (`query`); undo has to last as long.
- `NULLS FIRST` keeps Oracle from using an index for the order, so it stands only where a column can be NULL.
- What is in the index of today may be read as of yesterday: a horizon asks for the oldest open transaction before the SCN (`horizon`).
- Parsing a statement carries out nothing, unless it is a definition (DDL), which is carried out and committed at once (`schemas`).
- LAST_DDL_TIME and TIMESTAMP are whole seconds, and a comment need not change them (`inventory`).
"""

from syncd.connectors.oracle.checking import check
from syncd.connectors.oracle.schemas import opened_schemas
from syncd.connectors.oracle.settings import Settings
from syncd.connectors.oracle.source import opened
from syncd.ports.connecting import Connector

__all__ = ["CONNECTOR", "Settings"]

CONNECTOR = Connector(settings=Settings, check=check, source=opened, schemas=opened_schemas, stays=lambda settings: settings.dsn)
