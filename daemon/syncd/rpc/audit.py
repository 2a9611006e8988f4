"""The service `Audit`: translates in, asks the audit log, translates out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from syncapi.v1 import audit_pb2 as pb
from syncapi.v1 import audit_pb2_grpc, logs_pb2
from syncd.ports.ledger import AuditArchive, AuditBook, AuditQuery, ExportQuery
from syncd.rpc import audit_wire, paging, wire
from syncd.rpc.growth import grown
from syncd.rpc.logs import LogStreams

Context = Any

_MESSAGE_ENTRIES = 500
_MOST = 100_000


class Audit(audit_pb2_grpc.AuditServicer):
    def __init__(self, book: AuditBook, archive: AuditArchive, logs: LogStreams, going_away: asyncio.Event) -> None:
        self._book = book
        self._archive = archive
        self._logs = logs
        self._going_away = going_away

    async def QueryAudit(self, request: pb.QueryAuditRequest, context: Context) -> AsyncIterator[pb.QueryAuditResponse]:
        query = AuditQuery(
            since=wire.time(request.since) if request.HasField("since") else None,
            until=wire.time(request.until) if request.HasField("until") else None,
            actor=request.actor,
            action=request.action,
            sync=request.sync,
            run=request.run,
            outcome=request.outcome,
            text=request.text,
            limit=paging.limit(request.limit, default=100, most=_MOST),
        )
        async with aclosing(self._book.search(query)) as groups:
            async for entries in groups:
                yield pb.QueryAuditResponse(entries=map(wire.entry, entries))

    async def TailAudit(self, request: pb.TailAuditRequest, context: Context) -> AsyncIterator[pb.TailAuditResponse]:
        cursor = request.after_sequence if request.HasField("after_sequence") else await self._behind_now(request.backlog)
        while not self._going_away.is_set():
            if entries := await self._book.after(cursor, _MESSAGE_ENTRIES):
                cursor = entries[-1].sequence
                yield pb.TailAuditResponse(entries=map(wire.entry, entries), cursor=cursor)
            elif not await grown(self._book.grown(cursor), self._going_away) and not self._going_away.is_set():
                yield pb.TailAuditResponse(cursor=cursor)
        yield pb.TailAuditResponse(cursor=cursor, going_away=True)

    async def VerifyAudit(self, request: pb.VerifyAuditRequest, context: Context) -> AsyncIterator[pb.VerifyAuditResponse]:
        noted = (request.noted_sequence, request.noted_hash.lower()) if request.noted_sequence > 0 else None
        async with aclosing(self._archive.verify(noted)) as verdicts:
            async for verdict in verdicts:
                yield audit_wire.verdict(verdict)

    async def ExportAudit(self, request: pb.ExportAuditRequest, context: Context) -> AsyncIterator[pb.ExportAuditResponse]:
        query = ExportQuery(
            format=audit_wire.form(request.format),
            since=wire.time(request.since) if request.HasField("since") else None,
            until=wire.time(request.until) if request.HasField("until") else None,
        )
        async with aclosing(self._archive.export(query)) as parts:
            async for part in parts:
                for message in audit_wire.parts(part):
                    yield message

    async def SearchLogs(self, request: logs_pb2.SearchLogsRequest, context: Context) -> AsyncIterator[logs_pb2.SearchLogsResponse]:
        async with aclosing(self._logs.search(request)) as answers:
            async for answer in answers:
                yield answer

    async def TailLogs(self, request: logs_pb2.TailLogsRequest, context: Context) -> AsyncIterator[logs_pb2.TailLogsResponse]:
        async with aclosing(self._logs.tail(request)) as answers:
            async for answer in answers:
                yield answer

    async def _behind_now(self, backlog: int) -> int:
        return max(await self._book.grown(-1) - max(backlog, 0), 0)
