"""Live status as streams: the full state of what changed, the newest only, built once for all who ask alike."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

from syncapi.v1 import control_pb2 as pb
from syncd.domain.run import RunId
from syncd.rpc import wire
from syncd.rpc.asked import ControlDaemon
from syncd.rpc.turns import BEAT_SECONDS, Turns

if TYPE_CHECKING:
    from syncd.domain.status import RunView

_BOOKMARK_SECONDS = 15.0 - BEAT_SECONDS - 1.0
"""Whether one is due is looked at in every turn: promised is one every 15 s."""
_KEPT_MESSAGES = 64
_NOTHING = -1
"""What a reader has seen before its first message."""


class Watching:
    """What watchers are told of the board. One slow reader skips what it missed, and keeps nothing in memory."""

    def __init__(self, daemon: ControlDaemon, turns: Turns) -> None:
        self._daemon = daemon
        self._turns = turns
        self._built: dict[tuple[int, frozenset[str]], pb.WatchSyncsResponse] = {}
        self._built_at = 0

    async def syncs(self, wanted: frozenset[str]) -> AsyncGenerator[pb.WatchSyncsResponse, None]:
        """The state of some syncs, or of all if none is named, and then what changes, until the daemon goes away."""
        clock = asyncio.get_running_loop().time
        revision, due = _NOTHING, clock()
        while not self._daemon.going_away.is_set():
            seen = self._turns.round
            message = self._message(revision, wanted)
            revision = message.revision
            if message.syncs or message.removed or clock() >= due:
                yield message
                due = clock() + _BOOKMARK_SECONDS
            await self._turns.after(seen)
        yield pb.WatchSyncsResponse(epoch=self._daemon.board.epoch, revision=revision, going_away=True)

    async def run(self, run: RunId) -> AsyncGenerator[pb.WatchRunResponse, None]:
        """A run until it ends, or the daemon goes away."""
        view: RunView | None = None
        while not self._daemon.going_away.is_set():
            seen = self._turns.round
            now = await self._daemon.run(run)
            if now != view:
                yield pb.WatchRunResponse(run=wire.run(now))
            if now.run.state.ended:
                return
            view = now
            await self._turns.after(seen)
        if view:
            yield pb.WatchRunResponse(run=wire.run(view), going_away=True)

    def _message(self, since: int, wanted: frozenset[str]) -> pb.WatchSyncsResponse:
        """What changed behind a revision. A thousand readers who were told the same last time get one message, built once."""
        board = self._daemon.board
        if board.revision != self._built_at or len(self._built) >= _KEPT_MESSAGES:
            self._built, self._built_at = {}, board.revision
        key = (since, wanted)
        if key not in self._built:
            view = board.since(max(since, 0))
            syncs = [wire.sync(status) for status in view.changed if not wanted or status.sync in wanted]
            self._built[key] = pb.WatchSyncsResponse(
                epoch=board.epoch, revision=view.revision, snapshot=since == _NOTHING, syncs=syncs, removed=view.removed
            )
        return self._built[key]
