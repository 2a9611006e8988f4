"""The check of the audit log and copies of it, over a real socket."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import grpc
import pytest

from syncapi.v1 import audit_pb2
from syncd.domain.audit import Entry
from tests.ledger.evidence import in_sqlite
from tests.rpc.test_control_plane import info, wired
from tests.runtime.world import Play, sync


async def test_a_check_tells_how_far_it_is_and_then_that_the_log_is_whole(tmp_path: Path) -> None:
    async with wired(tmp_path, Play(), sync("a")) as wire:
        await wire.world.ledger.audit.record([Entry("shop.opened")] * 20)

        answers = [answer async for answer in wire.audit.VerifyAudit(audit_pb2.VerifyAuditRequest())]

    last = answers[-1]
    assert [answer.done for answer in answers] == [False] * (len(answers) - 1) + [True]
    assert (last.checked, last.first, last.head, list(last.findings)) == (last.total, 1, last.total // 2, [])
    assert len(last.head_hash) == 64


async def test_a_check_names_the_place_where_the_log_was_changed(tmp_path: Path) -> None:
    async with wired(tmp_path, Play(), sync("a")) as wire:
        await wire.world.ledger.audit.record([Entry("shop.opened")] * 20)
        in_sqlite(wire.world.ledger.folder / "state.db", "UPDATE outbox SET actor = 'eve' WHERE sequence = 7")

        answers = [answer async for answer in wire.audit.VerifyAudit(audit_pb2.VerifyAuditRequest())]

    found = audit_pb2.AuditFinding(place="state.db", fault=audit_pb2.AUDIT_FAULT_EDITED, first=7, last=7)
    assert found in answers[-1].findings


async def test_a_copy_is_streamed_with_its_manifest_behind_it(tmp_path: Path) -> None:
    async with wired(tmp_path, Play(), sync("a")) as wire:
        await wire.world.ledger.audit.record([Entry("shop.opened", detail={"text": "x" * 100_000})] * 30)
        request = audit_pb2.ExportAuditRequest(format=audit_pb2.AUDIT_FORMAT_CSV)

        *chunks, last = [answer async for answer in wire.audit.ExportAudit(request)]

    content = b"".join(chunk.chunk for chunk in chunks)
    assert hashlib.sha256(content).hexdigest() == last.manifest.sha256
    assert content.count(b"\n") == last.manifest.rows + 1
    assert max(len(chunk.chunk) for chunk in chunks) <= 1 << 20
    assert len(chunks) > 2


async def test_a_copy_of_a_time_without_entries_is_empty(tmp_path: Path) -> None:
    async with wired(tmp_path, Play(), sync("a")) as wire:
        request = audit_pb2.ExportAuditRequest(format=audit_pb2.AUDIT_FORMAT_JSONL)
        request.until.FromDatetime(datetime(2000, 1, 1, tzinfo=UTC))

        (last,) = [answer async for answer in wire.audit.ExportAudit(request)]

    assert (last.manifest.rows, last.manifest.sha256) == (0, hashlib.sha256(b"").hexdigest())


async def test_a_copy_without_a_format_is_refused(tmp_path: Path) -> None:
    async with wired(tmp_path, Play(), sync("a")) as wire:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await wire.audit.ExportAudit(audit_pb2.ExportAuditRequest()).read()

    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert info(caught.value).reason == "request.invalid"
