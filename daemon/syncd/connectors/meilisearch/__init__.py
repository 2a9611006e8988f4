"""Meilisearch as a target: everything that syncd knows about it stands in this package.

Meilisearch acknowledges a write before doing it: the reply names a task, and the task can still fail. So a load keeps a window of tasks
under way and vouches for a batch only when its tasks have succeeded. Where it surprises:

- Tasks of one index run in order, but neighbours are run as one; some bad documents then fail every task beside them. What failed is
  sent again alone, and halved until only the guilty documents are left. Known faults are found before sending.
- One engine serves all indexes in turn, so a large load makes everybody wait: it stays small while others have work.
- `createdAt` of an index has nanoseconds, survives restarts and travels through a swap: it tells an index from its successor.
- A key that is limited to some indexes does not see swaps, nor their tasks.
"""

from syncd.connectors.meilisearch.indexes import check, opened
from syncd.connectors.meilisearch.settings import Settings
from syncd.ports.connecting import Connector

CONNECTOR = Connector(settings=Settings, check=check, indexes=opened)
