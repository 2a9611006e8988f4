"""The service `Metadata`: translates in, asks the desk, translates out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from syncapi.v1 import metadata_pb2 as pb
from syncapi.v1 import metadata_pb2_grpc
from syncd.domain.run import SyncName
from syncd.domain.status import RunView
from syncd.ports.metadata_control import MetadataDesk, Refreshing
from syncd.rpc import metadata_wire, paging, wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from syncd.ports.metadata_control import SnapshotView

Context = Any

_CHUNK = 256 * 1024


class Metadata(metadata_pb2_grpc.MetadataServicer):
    def __init__(self, desk: MetadataDesk) -> None:
        self._desk = desk

    async def GetCache(self, request: pb.GetCacheRequest, context: Context) -> AsyncIterator[pb.GetCacheResponse]:
        view = await self._desk.cache(SyncName(request.sync), request.if_none_match.lower())
        yield pb.GetCacheResponse(info=metadata_wire.info(view))
        content = view.content or b""
        for start in range(0, len(content), _CHUNK):
            yield pb.GetCacheResponse(chunk=content[start : start + _CHUNK])

    async def GetCacheStatus(self, request: pb.GetCacheStatusRequest, context: Context) -> pb.GetCacheStatusResponse:
        return pb.GetCacheStatusResponse(status=metadata_wire.status(await self._desk.status(SyncName(request.sync))))

    async def RefreshCache(self, request: pb.RefreshCacheRequest, context: Context) -> pb.RefreshCacheResponse:
        wish = Refreshing(tuple(request.tables), request.full, request.allow_shrink, request.request_id, wire.caller(context))
        return pb.RefreshCacheResponse(run=wire.run(RunView(await self._desk.refresh(SyncName(request.sync), wish))))

    async def ListSnapshots(self, request: pb.ListSnapshotsRequest, context: Context) -> pb.ListSnapshotsResponse:
        size, after = paging.read(request.page_size, request.page_token, default=50)
        found = await self._desk.snapshots(SyncName(request.sync))
        rest = _behind(found, after)
        page = rest[:size]
        token = paging.token(page[-1].id) if len(rest) > size else ""
        return pb.ListSnapshotsResponse(snapshots=map(metadata_wire.snapshot, page), next_page_token=token)

    async def DiffSnapshots(self, request: pb.DiffSnapshotsRequest, context: Context) -> pb.DiffSnapshotsResponse:
        found = await self._desk.diff(SyncName(request.sync), request.before, request.after)
        return pb.DiffSnapshotsResponse(differences=map(metadata_wire.difference, found))

    async def RestoreSnapshot(self, request: pb.RestoreSnapshotRequest, context: Context) -> pb.RestoreSnapshotResponse:
        run = await self._desk.restore(SyncName(request.sync), request.snapshot, wire.caller(context))
        return pb.RestoreSnapshotResponse(run=wire.run(RunView(run)))

    async def GetPromptContext(self, request: pb.GetPromptContextRequest, context: Context) -> pb.GetPromptContextResponse:
        found = await self._desk.context(SyncName(request.sync), tuple(request.tables), metadata_wire.budget(request.token_budget))
        return metadata_wire.context(found)


def _behind(found: Sequence[SnapshotView], last: str) -> Sequence[SnapshotView]:
    """What follows the last one of a page. Nothing, if that one is gone: the oldest go first, so all behind it went before."""
    names = [view.id for view in found]
    if not last:
        return found
    return found[names.index(last) + 1 :] if last in names else ()
