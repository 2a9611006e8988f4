"""When watchers look at the board: together after a change, a few at a time, and never all the time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from syncd.kit.tasks import alongside, happens
from syncd.rpc.asked import ControlBoard

_AT_ONCE = 16
"""Watchers that are woken before other calls get in between."""
_REST_SECONDS = 0.1
"""Changes that follow each other faster are looked at together."""
_REST_FOR_OTHERS = 1.0
"""After a round, the loop is left to others for at least so many times as long as the round took."""
_BREATH_SECONDS, _BREATHS = 0.002, 10
"""How often is looked whether those who were woken are back, and how many times; one that reads slowly is not waited for any longer."""
BEAT_SECONDS = 5.0
"""Without any change, watchers look this often; fewer timers than one for each of them."""
_LOOK_SECONDS = 0.5


class Turns:
    """Rounds, in each of which everybody who waits gets a turn. A change while a round is under way leads to another."""

    def __init__(self, board: ControlBoard, going_away: asyncio.Event) -> None:
        self._board = board
        self._going_away = going_away
        self._waiting: list[asyncio.Future[None]] = []
        self.round = 0
        """The newest round; take it before looking, so that no change can slip between."""

    async def after(self, seen: int) -> None:
        """Wait for a turn in a round behind one; there is none to wait for once the daemon goes away."""
        if seen == self.round and not self._going_away.is_set():
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            await turn

    async def run(self) -> None:
        """Begin rounds until the daemon goes away, which everybody is let see."""
        clock = asyncio.get_running_loop().time
        while not self._going_away.is_set():
            changed, began = self._board.changed(), clock()
            await self._let_everybody_look()
            await self._within(self._going_away, max(_REST_SECONDS, (clock() - began) * _REST_FOR_OTHERS))
            await self._within(changed, BEAT_SECONDS)
        await self._let_everybody_look()
        await asyncio.Event().wait()

    async def _let_everybody_look(self) -> None:
        self.round += 1
        waiting, self._waiting = self._waiting, []
        for start in range(0, len(waiting), _AT_ONCE):
            woken, back = 0, len(self._waiting)
            for turn in waiting[start : start + _AT_ONCE]:
                if not turn.done():  # whose stream has ended since
                    turn.set_result(None)
                    woken += 1
            await self._are_back(back + woken)

    async def _are_back(self, wanted: int) -> None:
        """Give those who were woken a while to be told and to wait again: else all of them would stand before the next call."""
        for _ in range(_BREATHS):
            if len(self._waiting) >= wanted or self._going_away.is_set():
                return
            await asyncio.sleep(_BREATH_SECONDS)

    async def _within(self, event: asyncio.Event, seconds: float) -> None:
        """Wait for an event, some seconds, or the daemon's end, which is noticed a little later."""
        clock = asyncio.get_running_loop().time
        end = clock() + seconds
        while not self._going_away.is_set() and (left := end - clock()) > 0:
            if await happens(event, min(left, _LOOK_SECONDS)):
                return


@asynccontextmanager
async def taking_turns(board: ControlBoard, going_away: asyncio.Event) -> AsyncIterator[Turns]:
    """Begin rounds while the block runs."""
    turns = Turns(board, going_away)
    async with alongside(turns.run(), "watchers take turns"):
        yield turns
