"""A bucket of Google Cloud Storage as a store of objects: everything that syncd knows about it stands in this package.

Where it surprises:

- The client tries again by itself, for up to two minutes, and waits for a server that is silent or slow for as long as each byte comes in
  time. Here it tries once; trying again and ending in time is ours: a call that takes too long, or is cancelled, has its connection cut.
- A write whose answer was lost fails with 412 when it is tried again: it stands in its own way. Each write carries an id in the custom
  metadata of the object, by which it is recognised.
- A missing object and a missing bucket are both a 404; and without `storage.objects.list` a missing object is a 403.
- 403 is also what a caller in a hurry gets, with the reason `rateLimitExceeded`.
- An object takes about one write a second; more of them get a 429.
"""

from syncd.connectors.gcs.opening import check, opened
from syncd.connectors.gcs.settings import Settings
from syncd.ports.connecting import Connector

__all__ = ["CONNECTOR", "Settings"]

CONNECTOR = Connector(settings=Settings, check=check, objects=opened)
