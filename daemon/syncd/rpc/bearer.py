"""Tokens that come with calls: whether they open something, and how many wrong ones somebody may try."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from syncd.domain.access import Token
from syncd.domain.errors import NotIdentified, TransientError
from syncd.kit import secret_tokens
from syncd.ports.access import TokenBook
from syncd.rpc.identity import Caller

_TRIES = 10
_REFILL_SECONDS = 6.0
_ORIGINS = 1000
_USE_AGAIN = timedelta(minutes=1)
_HINT = "ask an admin for a new one: `syncctl token create`"


class Tries:
    """How much each origin may still get wrong: some at once, then one every few seconds."""

    def __init__(self, clock: Callable[[], float], at_once: int = _TRIES) -> None:
        self._clock = clock
        self._at_once = at_once
        self._spent: OrderedDict[str, tuple[float, float]] = OrderedDict()
        """Origin -> how much is spent, and when that was."""

    def wait(self, origin: str) -> float:
        """Seconds until this origin may try again; 0 if it may now."""
        return max(self._now_spent(origin) - (self._at_once - 1), 0.0) * _REFILL_SECONDS

    def failed(self, origin: str) -> None:
        """Count one failure. The origin that was wrong least recently is forgotten when there are too many."""
        self._spent[origin] = (self._now_spent(origin) + 1, self._clock())
        self._spent.move_to_end(origin)
        if len(self._spent) > _ORIGINS:
            self._spent.popitem(last=False)

    def _now_spent(self, origin: str) -> float:
        spent, at = self._spent.get(origin, (0.0, 0.0))
        return max(spent - (self._clock() - at) / _REFILL_SECONDS, 0.0)


class Bearers:
    """Turns a caller with a token into the caller that the token stands for."""

    def __init__(self, book: TokenBook, tries: Tries, now: Callable[[], datetime]) -> None:
        self._book = book
        self._tries = tries
        self._now = now

    async def bearing(self, caller: Caller, authorization: str) -> Caller:
        """The caller with the token's role instead of its own. Raises `NotIdentified`, or `TransientError` after too many wrong ones."""
        if wait := self._tries.wait(caller.origin):
            raise TransientError(
                "too many wrong tokens", hint="check the token, then try again", code="token.slow_down", after=max(wait, 1)
            )
        try:
            token = await self._checked(authorization)
        except NotIdentified:
            self._tries.failed(caller.origin)
            raise
        bearer = replace(caller, actor=_named(token, caller), role=min(token.role, caller.most), token=token.id, anonymous=False)
        if token.last_used_at is None or self._now() - token.last_used_at >= _USE_AGAIN:
            await self._book.used(token.id, bearer.actor)
        return bearer

    async def ended(self, id_: str) -> NotIdentified | None:
        """Why a token that opened something opens nothing any more."""
        kept = await self._book.find(id_)
        if kept is None:
            return NotIdentified("this token is not known here", hint=_HINT, code="token.invalid")
        return _ended(kept, self._now())

    async def _checked(self, authorization: str) -> Token:
        scheme, _, text = authorization.partition(" ")
        given = secret_tokens.parse(text.strip()) if scheme.lower() == "bearer" else None
        if given is None:
            raise NotIdentified("what came as `authorization` is no token of syncd", hint="expected `Bearer syncd_…`", code="token.invalid")
        kept = await self._book.find(given.id)
        if not given.opens(kept.hash if kept else b"") or kept is None:
            raise NotIdentified("this token is not known here", hint=_HINT, code="token.invalid")
        if error := _ended(kept, self._now()):
            raise error
        return kept


def _ended(token: Token, now: datetime) -> NotIdentified | None:
    ended = token.ended(now)
    return NotIdentified(f"the token {token.name!r} is {ended}", hint=_HINT, code=f"token.{ended}") if ended else None


def _named(token: Token, caller: Caller) -> str:
    return f"token {token.name} ({caller.actor})"
