"""What the audit log says of a sync at the start and the end of its runs: where it stands, and the settings in force."""

import hashlib
import json
from collections.abc import Mapping

from syncd.domain.audit import Entry
from syncd.domain.run import SyncName
from syncd.ledger import documents
from syncd.ledger.records import intern
from syncd.ledger.state import Transaction
from syncd.ports.ledger import SyncRecord

_DOCUMENT = "settings"
"""Holds the digest of the settings that the last run of a sync had."""


def place(record: SyncRecord) -> dict[str, str]:
    """Where a sync stands. A checkpoint can hold keys of rows: it is told by its digest alone."""
    told = {"checkpoint": digest(record.checkpoint) if record.checkpoint is not None else "", "complete_to": record.complete_to}
    return {name: text for name, text in told.items() if text}


def applied(transaction: Transaction, sync: SyncName, settings: Mapping[str, object]) -> str:
    """The digest of the settings in force. Settings that the run before did not have are told in an entry of their own."""
    number, found = intern(transaction.db, sync), digest(json.dumps(settings, sort_keys=True, default=str))
    known = transaction.db.execute("SELECT content FROM documents WHERE sync = ? AND name = ?", (number, _DOCUMENT)).fetchone()
    if known is None or known["content"] != found:
        documents.put(transaction, number, {_DOCUMENT: found})
        transaction.record(Entry("settings.applied", sync, detail={"fingerprint": found, **settings}))
    return found


def digest(text: str) -> str:
    """Twelve letters that tell one text from another."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]
