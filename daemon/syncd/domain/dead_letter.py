"""A change that the target will never take."""

from dataclasses import dataclass
from datetime import datetime

from syncd.domain.run import RunId, SyncName


@dataclass(frozen=True, slots=True)
class DeadLetter:
    id: int
    sync: SyncName
    run: RunId
    mark: str
    key: str
    """The row's key in the source as a JSON array."""
    document: str
    """The mapped document as JSON, cut at 64 KiB."""
    code: str
    reason: str
    first_seen: datetime
    last_seen: datetime
    attempts: int
