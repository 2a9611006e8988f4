"""The daemon's log over the wire: searched, and followed without a gap."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from syncapi.v1 import logs_pb2 as pb
from syncd.domain.errors import Refused
from syncd.domain.log import LogFilter
from syncd.ports.logs import Logs, Place
from syncd.rpc import logs_wire, paging
from syncd.rpc.growth import ALIVE_SECONDS, grown

_MOST = 100_000


class LogStreams:
    """Each reader is served from disk, at its own pace: a slow one costs no memory."""

    def __init__(self, logs: Logs | None, going_away: asyncio.Event) -> None:
        self._kept = logs
        self._going_away = going_away

    async def search(self, request: pb.SearchLogsRequest) -> AsyncGenerator[pb.SearchLogsResponse]:
        left = paging.limit(request.limit, default=100, most=_MOST)
        async with aclosing(self._logs.newest(logs_wire.wanted(request.filter))) as pieces:
            async for piece in pieces:
                for part in logs_wire.parts(piece[:left]):
                    yield pb.SearchLogsResponse(records=part)
                left -= len(piece[:left])
                if not left:
                    return

    async def tail(self, request: pb.TailLogsRequest) -> AsyncGenerator[pb.TailLogsResponse]:
        wanted = logs_wire.wanted(request.filter)
        began, place = await self._begin(request, wanted)
        yield began
        told = asyncio.get_running_loop().time()
        while not self._going_away.is_set():
            read = await self._logs.behind(place, wanted)
            for message in logs_wire.stretch(read, place):
                yield message
                told = asyncio.get_running_loop().time()
            ended, place = read.reached.sequence == place.sequence, read.reached
            silent = asyncio.get_running_loop().time() - told
            if silent >= ALIVE_SECONDS:
                yield pb.TailLogsResponse(cursor=place.sequence)
                told = asyncio.get_running_loop().time()
            elif ended:
                await grown(self._logs.grown(place.sequence), self._going_away, ALIVE_SECONDS - silent)
        yield pb.TailLogsResponse(cursor=place.sequence, going_away=True)

    @property
    def _logs(self) -> Logs:
        if self._kept is None:
            hint = "set `daemon.logs.keep_mib`, or look where its standard error goes, such as `journalctl -u syncd`"
            raise Refused("the daemon keeps no log", hint=hint, code="logs.off")
        return self._kept

    async def _begin(self, request: pb.TailLogsRequest, wanted: LogFilter) -> tuple[pb.TailLogsResponse, Place]:
        """The message that says where the stream begins."""
        head = self._logs.head()
        if not request.HasField("after_sequence"):
            cursor = await self._behind(head, min(request.backlog, _MOST), wanted)
            return pb.TailLogsResponse(cursor=cursor), Place(cursor)
        cursor = max(request.after_sequence, 0)
        if cursor > head > 0:
            return pb.TailLogsResponse(cursor=0, gap=pb.LogGap(began_anew=True)), Place(0)
        return pb.TailLogsResponse(cursor=cursor), Place(cursor)

    async def _behind(self, head: int, backlog: int, wanted: LogFilter) -> int:
        """The cursor that has so many of the wanted records behind it."""
        cursor = head
        if backlog > 0:
            async with aclosing(self._logs.newest(wanted)) as pieces:
                async for piece in pieces:
                    cursor = piece[:backlog][-1].sequence - 1 if piece else cursor
                    backlog -= len(piece[:backlog])
                    if not backlog:
                        break
        return cursor
