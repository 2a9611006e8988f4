"""What the rooms of the house promise each other. Nobody inherits from a port; the docstrings are the contract."""

from syncd.ports.connecting import LISTING, Connections, Connector, Index, Indexes, IndexShape, IndexState, Readable, Source, Target
from syncd.ports.ledger import AuditBook, AuditQuery, Change, Hold, HoldKind, LetterQuery, RowBook, RunBook, RunQuery, SyncBook, SyncRecord
from syncd.ports.running import TOMBSTONE, Advance, Engine, EngineKind, Mode, Progress, Report, Rows, RowTrace, RowTurn, RunContext, Scope

__all__ = [
    "LISTING",
    "TOMBSTONE",
    "Advance",
    "AuditBook",
    "AuditQuery",
    "Change",
    "Connections",
    "Connector",
    "Engine",
    "EngineKind",
    "Hold",
    "HoldKind",
    "Index",
    "IndexShape",
    "IndexState",
    "Indexes",
    "LetterQuery",
    "Mode",
    "Progress",
    "Readable",
    "Report",
    "RowBook",
    "RowTrace",
    "RowTurn",
    "Rows",
    "RunBook",
    "RunContext",
    "RunQuery",
    "Scope",
    "Source",
    "SyncBook",
    "SyncRecord",
    "Target",
]
