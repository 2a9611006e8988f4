"""The service `Clients`: translates in, asks the desk, translates out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from syncapi.v1 import clients_pb2 as pb
from syncapi.v1 import clients_pb2_grpc
from syncd.domain.run import SyncName
from syncd.domain.status import RunView
from syncd.ports.clients_control import Answer, Back, ClientsDesk, ConflictQuery
from syncd.rpc import clients_wire, paging, wire

if TYPE_CHECKING:
    from syncd.ports.clients_control import ConflictView

Context = Any


class Clients(clients_pb2_grpc.ClientsServicer):
    def __init__(self, desk: ClientsDesk) -> None:
        self._desk = desk

    async def ListClients(self, request: pb.ListClientsRequest, context: Context) -> pb.ListClientsResponse:
        return pb.ListClientsResponse(sides=map(clients_wire.side, await self._desk.sides(SyncName(request.sync))))

    async def GetUnified(self, request: pb.GetUnifiedRequest, context: Context) -> pb.GetUnifiedResponse:
        scope = request.scope if request.HasField("scope") else None
        return clients_wire.unified(await self._desk.unified(SyncName(request.sync), request.version, scope))

    async def ExportClients(self, request: pb.ExportClientsRequest, context: Context) -> pb.ExportClientsResponse:
        return clients_wire.exported(await self._desk.export(SyncName(request.sync)))

    async def ImportClients(self, request: pb.ImportClientsRequest, context: Context) -> pb.ImportClientsResponse:
        run = await self._desk.import_(SyncName(request.sync), request.text, wire.caller(context))
        return pb.ImportClientsResponse(run=wire.run(RunView(run)))

    async def PlanClients(self, request: pb.PlanClientsRequest, context: Context) -> pb.PlanClientsResponse:
        return clients_wire.plan(await self._desk.plan(SyncName(request.sync), wire.caller(context)))

    async def ListConflicts(self, request: pb.ListConflictsRequest, context: Context) -> pb.ListConflictsResponse:
        size, after = paging.read(request.page_size, request.page_token, default=100)
        found = await self._desk.conflicts(ConflictQuery(SyncName(request.sync), clients_wire.states(request.states)))
        page = sorted((view for view in found if _place(view) > after), key=_place)[: size + 1]
        token = paging.token(_place(page[size - 1])) if len(page) > size else ""
        return pb.ListConflictsResponse(conflicts=map(clients_wire.conflict, page[:size]), next_page_token=token)

    async def GetConflict(self, request: pb.GetConflictRequest, context: Context) -> pb.GetConflictResponse:
        return pb.GetConflictResponse(conflict=clients_wire.conflict(await self._desk.conflict(request.conflict)))

    async def ResolveConflict(self, request: pb.ResolveConflictRequest, context: Context) -> pb.ResolveConflictResponse:
        answer = Answer(take=request.take, content=request.content_json)
        run = await self._desk.resolve(request.conflict, answer, wire.caller(context))
        return pb.ResolveConflictResponse(run=wire.run(RunView(run)))

    async def ListVersions(self, request: pb.ListVersionsRequest, context: Context) -> pb.ListVersionsResponse:
        size, before = paging.read(request.page_size, request.page_token, default=50)
        page = await self._desk.versions(SyncName(request.sync), paging.number(before), size + 1)
        token = paging.token(str(page[size - 1].number)) if len(page) > size else ""
        return pb.ListVersionsResponse(versions=map(clients_wire.version, page[:size]), next_page_token=token)

    async def GetVersion(self, request: pb.GetVersionRequest, context: Context) -> pb.GetVersionResponse:
        return pb.GetVersionResponse(version=clients_wire.version(await self._desk.version(SyncName(request.sync), request.version)))

    async def DiffVersions(self, request: pb.DiffVersionsRequest, context: Context) -> pb.DiffVersionsResponse:
        found = await self._desk.diff(SyncName(request.sync), request.before, request.after)
        return pb.DiffVersionsResponse(differences=map(clients_wire.difference, found))

    async def RollbackClients(self, request: pb.RollbackClientsRequest, context: Context) -> pb.RollbackClientsResponse:
        key = clients_wire.read_key(request.key) if request.HasField("key") else None
        run = await self._desk.rollback(SyncName(request.sync), Back(request.version, request.side, key), wire.caller(context))
        return pb.RollbackClientsResponse(run=wire.run(RunView(run)))


def _place(view: ConflictView) -> str:
    """Where a conflict stands in a list: by time, and by id where that is the same."""
    return f"{int(view.since.timestamp() * 1_000_000):020} {view.id}"
