"""Values of the audit log's check and of its copies as messages."""

from __future__ import annotations

from collections.abc import Iterator

from syncapi.v1 import audit_pb2 as pb
from syncd.domain.errors import InvalidRequest
from syncd.domain.verdict import Finding, Manifest, Verdict
from syncd.rpc import wire

_CHUNK_BYTES = 1 << 20


def verdict(found: Verdict) -> pb.VerifyAuditResponse:
    message = pb.VerifyAuditResponse(checked=found.checked, total=found.total, done=found.done)
    if found.done:
        message.first, message.head, message.head_hash = found.first, found.head, found.hash
        message.findings.extend(map(_finding, found.findings))
        message.more_findings = found.more
        message.rebuilt.extend(map(wire.entry, found.rebuilt))
    return message


def _finding(found: Finding) -> pb.AuditFinding:
    fault = pb.AuditFault.Value(f"AUDIT_FAULT_{found.fault.name}")
    return pb.AuditFinding(place=found.place, fault=fault, first=found.first, last=found.last, note=found.note)


def form(asked: pb.AuditFormat.ValueType) -> str:
    """Name of a format. Raises `InvalidRequest`."""
    if asked not in pb.AuditFormat.values()[1:]:
        raise InvalidRequest("no format to export to", fields={"format": "one of AUDIT_FORMAT_PARQUET, …_CSV, …_JSONL"})
    return pb.AuditFormat.Name(asked).removeprefix("AUDIT_FORMAT_").lower()


def parts(part: bytes | Manifest) -> Iterator[pb.ExportAuditResponse]:
    """A piece of a file in messages of a good size; or its manifest."""
    if isinstance(part, Manifest):
        yield pb.ExportAuditResponse(manifest=_manifest(part))
        return
    for start in range(0, len(part), _CHUNK_BYTES):
        yield pb.ExportAuditResponse(chunk=part[start : start + _CHUNK_BYTES])


def _manifest(held: Manifest) -> pb.AuditManifest:
    return pb.AuditManifest(
        format=held.format,
        rows=held.rows,
        first=held.first,
        last=held.last,
        previous=held.previous,
        first_hash=held.first_hash,
        last_hash=held.last_hash,
        sha256=held.sha256,
    )
