"""The audit log for people: the detail of an entry, what a check found, and what vouches for a copy."""

import json
from collections.abc import Iterator

from syncapi.v1.audit_pb2 import AuditFault, AuditFinding, AuditManifest, VerifyAuditResponse
from syncapi.v1.common_pb2 import AuditEntry
from syncctl import stamps, words
from syncctl.view import Block, Column, Facts, Line, Span, Table, quiet

_FAULTS = {
    AuditFault.AUDIT_FAULT_EDITED: "edited: contents are not those that were hashed",
    AuditFault.AUDIT_FAULT_UNLINKED: "does not continue what stands before it: one of both was changed and hashed anew",
    AuditFault.AUDIT_FAULT_REMOVED: "removed",
    AuditFault.AUDIT_FAULT_INSERTED: "inserted: nobody wrote them",
    AuditFault.AUDIT_FAULT_REORDERED: "reordered: they stand at the place of others",
    AuditFault.AUDIT_FAULT_TRUNCATED: "truncated: the newest ones are gone",
    AuditFault.AUDIT_FAULT_MISPLACED: "misplaced: they belong into another month's file",
    AuditFault.AUDIT_FAULT_MISSING: "the file is gone",
    AuditFault.AUDIT_FAULT_UNREADABLE: "the file cannot be read",
    AuditFault.AUDIT_FAULT_RESEALED: "changed since it was sealed",
}
_LONG = 200  # characters: counters stand in a line, the settings of a sync do not


def detail(entry: AuditEntry) -> str:
    """`mode=full stored=49940`; of a long table only `settings={…}`, the whole is for programs."""
    members = json.loads(entry.detail_json or "{}")
    return words.pairs(
        {name: "{…}" if isinstance(value, dict) and len(words.plain(value)) > _LONG else value for name, value in members.items()}
    )


def progress(reply: VerifyAuditResponse) -> str:
    """`1,200 of 5,000 compared`."""
    return f"{reply.checked:,} of {reply.total:,} compared"


def verdict(reply: VerifyAuditResponse) -> Iterator[Block]:
    """What is wrong and where; then what to note down."""
    if reply.findings:
        columns = [Column("PLACE", whole=True), Column("ENTRIES", whole=True), Column("WHAT IS WRONG", least=30)]
        yield Table(columns, [(Span(found.place, "strong"), _range(found), Span(_fault(found), "bad")) for found in reply.findings])
        if reply.more_findings:
            yield Line(quiet(f"and {reply.more_findings:,} more"))
    for entry in reply.rebuilt:
        yield Line(Span(_rebuilt(entry), "warn"))
    if reply.findings:
        yield Line(Span("the log is not what was written", "bad"))
    else:
        count = reply.head - reply.first + 1
        yield Line(Span(f"whole: {count:,} entries, from {reply.first} to {reply.head}" if count else "whole: no entries", "good"))
        yield Line(quiet(f"{reply.head}:{reply.head_hash}"))


def manifest(held: AuditManifest) -> Facts:
    """What vouches for a copy."""
    entries = f"{held.rows:,}, from {held.first} to {held.last}" if held.rows else "none"
    return Facts([("entries", entries), ("last hash", held.last_hash or quiet("none")), ("sha256", held.sha256)])


def _range(found: AuditFinding) -> str:
    return str(found.first) if found.first == found.last else f"{found.first}–{found.last}"


def _fault(found: AuditFinding) -> str:
    told = _FAULTS.get(found.fault, AuditFault.Name(found.fault))
    return f"{told} ({words.printable(found.note)})" if found.note else told


def _rebuilt(entry: AuditEntry) -> str:
    return f"a file was rebuilt from the ledger at {words.clock(stamps.moment(entry.at))} (entry {entry.sequence}): {entry.detail_json}"
