"""The service `Control`: translates in, asks the daemon, translates out."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from typing import Any

from syncapi.v1 import control_pb2 as pb
from syncapi.v1 import control_pb2_grpc
from syncd.domain.run import RunId, SyncName
from syncd.ports.control import Wish
from syncd.ports.ledger import LetterQuery, RunQuery
from syncd.rpc import paging, wire
from syncd.rpc.asked import ControlDaemon
from syncd.rpc.watching import Watching

Context = Any


class Control(control_pb2_grpc.ControlServicer):
    def __init__(self, daemon: ControlDaemon, watching: Watching, version: str) -> None:
        self._daemon = daemon
        self._watching = watching
        self._version = version

    async def GetDaemon(self, request: pb.GetDaemonRequest, context: Context) -> pb.GetDaemonResponse:
        daemon = self._daemon
        return pb.GetDaemonResponse(
            version=self._version,
            capabilities=sorted({"control", "audit", "access", *(kind for kind in {status.engine for status in daemon.statuses()})}),
            started_at=wire.moment(daemon.started_at),
            epoch=daemon.board.epoch,
            settings_file=str(daemon.settings_file),
            process_id=os.getpid(),
            syncs=len(daemon.board.names()),
            running=len(daemon.board.runs()),
            warnings=daemon.ailing(),
        )

    async def ReloadSettings(self, request: pb.ReloadSettingsRequest, context: Context) -> pb.ReloadSettingsResponse:
        changes = await self._daemon.reload(wire.caller(context))
        return pb.ReloadSettingsResponse(
            added=changes.added, removed=changes.removed, changed=changes.changed, needs_restart=changes.restart
        )

    async def ListSyncs(self, request: pb.ListSyncsRequest, context: Context) -> pb.ListSyncsResponse:
        size, after = paging.read(request.page_size, request.page_token, default=100)
        page = [status for status in self._daemon.statuses() if status.sync > after][: size + 1]
        token = paging.token(page[size - 1].sync) if len(page) > size else ""
        return pb.ListSyncsResponse(syncs=map(wire.sync, page[:size]), next_page_token=token)

    async def GetSync(self, request: pb.GetSyncRequest, context: Context) -> pb.GetSyncResponse:
        shown = await self._daemon.show(SyncName(request.sync))
        return pb.GetSyncResponse(
            sync=wire.sync(shown.status),
            settings_json=wire.text(shown.settings),
            checkpoint_json=shown.checkpoint,
            modes=wire.modes(shown.modes),
        )

    async def PauseSync(self, request: pb.PauseSyncRequest, context: Context) -> pb.PauseSyncResponse:
        return pb.PauseSyncResponse(sync=wire.sync(await self._daemon.pause(SyncName(request.sync), wire.caller(context))))

    async def ResumeSync(self, request: pb.ResumeSyncRequest, context: Context) -> pb.ResumeSyncResponse:
        return pb.ResumeSyncResponse(sync=wire.sync(await self._daemon.resume(SyncName(request.sync), wire.caller(context))))

    async def ResetSync(self, request: pb.ResetSyncRequest, context: Context) -> pb.ResetSyncResponse:
        return pb.ResetSyncResponse(sync=wire.sync(await self._daemon.reset(SyncName(request.sync), wire.caller(context))))

    async def StartRun(self, request: pb.StartRunRequest, context: Context) -> pb.StartRunResponse:
        wish = Wish(
            SyncName(request.sync),
            request.mode,
            dict(request.parameters),
            request.request_id,
            request.queue,
            actor=wire.caller(context),
            traceparent=wire.traceparent(context),
        )
        run = await self._daemon.begin(wish)
        return pb.StartRunResponse(run=wire.run(await self._daemon.run(run.id)))

    async def CancelRun(self, request: pb.CancelRunRequest, context: Context) -> pb.CancelRunResponse:
        run = await self._daemon.cancel(RunId(request.run), wire.caller(context))
        return pb.CancelRunResponse(run=wire.run(await self._daemon.run(run.id)))

    async def GetRun(self, request: pb.GetRunRequest, context: Context) -> pb.GetRunResponse:
        return pb.GetRunResponse(run=wire.run(await self._daemon.run(RunId(request.run))))

    async def ListRuns(self, request: pb.ListRunsRequest, context: Context) -> pb.ListRunsResponse:
        size, before = paging.read(request.page_size, request.page_token, default=50)
        query = RunQuery(
            sync=request.sync,
            states=wire.states(request.states),
            since=wire.time(request.since) if request.HasField("since") else None,
            until=wire.time(request.until) if request.HasField("until") else None,
            before=before,
            limit=size + 1,
        )
        runs = await self._daemon.runs(query)
        token = paging.token(runs[size - 1].run.id) if len(runs) > size else ""
        return pb.ListRunsResponse(runs=map(wire.run, runs[:size]), next_page_token=token)

    def WatchSyncs(self, request: pb.WatchSyncsRequest, context: Context) -> AsyncIterator[pb.WatchSyncsResponse]:
        for name in request.syncs:
            self._daemon.know(SyncName(name))
        return self._watching.syncs(frozenset(request.syncs))

    def WatchRun(self, request: pb.WatchRunRequest, context: Context) -> AsyncIterator[pb.WatchRunResponse]:
        return self._watching.run(RunId(request.run))

    async def CheckConnections(self, request: pb.CheckConnectionsRequest, context: Context) -> pb.CheckConnectionsResponse:
        checks = await self._daemon.check_connections(request.connections)
        return pb.CheckConnectionsResponse(
            checks=[
                pb.ConnectionCheck(
                    name=check.name,
                    kind=check.kind,
                    ok=check.failure is None,
                    message=check.message,
                    failure=wire.failure(check.failure),
                    latency=wire.length(check.latency.total_seconds()),
                )
                for check in checks
            ]
        )

    async def ListDeadLetters(self, request: pb.ListDeadLettersRequest, context: Context) -> pb.ListDeadLettersResponse:
        size, after = paging.read(request.page_size, request.page_token, default=100)
        if request.sync:
            self._daemon.know(SyncName(request.sync))
        letters = await self._daemon.letters(LetterQuery(request.sync, tuple(request.ids), paging.number(after), size + 1))
        token = paging.token(str(letters[size - 1].id)) if len(letters) > size else ""
        shown = [wire.letter(letter, letter.document if request.with_documents else "") for letter in letters[:size]]
        return pb.ListDeadLettersResponse(dead_letters=shown, next_page_token=token)

    async def RetryDeadLetters(self, request: pb.RetryDeadLettersRequest, context: Context) -> pb.RetryDeadLettersResponse:
        run = await self._daemon.begin(Wish(SyncName(request.sync), mode="retry", actor=wire.caller(context)))
        return pb.RetryDeadLettersResponse(run=wire.run(await self._daemon.run(run.id)))

    async def DiscardDeadLetters(self, request: pb.DiscardDeadLettersRequest, context: Context) -> pb.DiscardDeadLettersResponse:
        discarded = await self._daemon.discard(SyncName(request.sync), list(request.ids), wire.caller(context))
        return pb.DiscardDeadLettersResponse(discarded=discarded)
