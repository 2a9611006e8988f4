"""Checks of the audit log that hold whatever happened."""

import json
from collections import Counter
from datetime import UTC

from syncapi.v1.common_pb2 import AuditEntry
from syncd.domain.audit import GENESIS, Entry, digest
from tests.system.client import UNDER_WAY, Client


def assert_whole(client: Client) -> None:
    """The log is chained, and every run in it began and ended once."""
    entries = assert_chained(client)
    assert not client.runs("", *UNDER_WAY)
    each_once = Counter(run.id for run in client.runs())
    assert Counter(entry.run for entry in entries if entry.action == "run.started") == each_once
    assert Counter(entry.run for entry in entries if entry.action == "run.ended") == each_once


def assert_chained(client: Client) -> list[AuditEntry]:
    """The log is the same in both books, has no gap and no double, and its chain holds; answers it."""
    entries = client.audit_log()
    assert entries == client.audit_tail(entries[-1].sequence)
    assert [entry.sequence for entry in entries] == list(range(1, len(entries) + 1))
    previous = GENESIS
    for entry in entries:
        assert entry.previous_hash == previous, f"entry {entry.sequence} does not follow the one before"
        assert entry.hash == _digest(entry), f"entry {entry.sequence} is not what was hashed"
        previous = entry.hash
    return entries


def _digest(entry: AuditEntry) -> str:
    said = Entry(entry.action, entry.sync, entry.run, entry.actor, entry.outcome, json.loads(entry.detail_json))
    return digest(entry.sequence, entry.at.ToDatetime(UTC), said, entry.previous_hash)
