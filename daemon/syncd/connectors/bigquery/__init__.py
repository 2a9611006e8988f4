"""BigQuery as a warehouse, described over its REST API v2 with no driver but the one for credentials.

Where it surprises:

- Nothing that a listing tells changes with a schema: tables are read one by one, a few at once (`reader`).
- A proxy may answer in its place with the status 200: a listing that cannot be whole is an error, never a small warehouse (`listing`).
- A dry run is free and looks up every name and type, but it accepts what writes, too: only queries are sent (`examining`).
- The status 403 means a missing right, a quota or a switched-off API; only the reason tells them apart (`failures`).
- A table that the account may not see and one that is not there are refused alike, with 403.
"""

from syncd.connectors.bigquery.checking import check
from syncd.connectors.bigquery.reader import opened
from syncd.connectors.bigquery.settings import Settings
from syncd.ports.connecting import Connector

__all__ = ["CONNECTOR", "Settings"]

CONNECTOR = Connector(settings=Settings, check=check, schemas=opened, stays=lambda settings: settings.project)
"""Kept for a while: a first request fetches a token, which is good for an hour."""
