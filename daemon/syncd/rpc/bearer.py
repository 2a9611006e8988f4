"""Tokens that come with calls, and whether they open something."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from syncd.domain.access import Token
from syncd.domain.errors import NotIdentified, TransientError
from syncd.kit import secret_tokens
from syncd.ports.access import TokenBook
from syncd.rpc.identity import Caller
from syncd.rpc.tries import Tries

_USE_AGAIN = timedelta(minutes=1)
_HINT = "ask an admin for a new one: `syncctl token create`"


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
            return _unknown()
        return _ended(kept, self._now())

    async def _checked(self, authorization: str) -> Token:
        scheme, _, text = authorization.partition(" ")
        given = secret_tokens.parse(text.strip()) if scheme.lower() == "bearer" else None
        if given is None:
            raise NotIdentified("what came as `authorization` is no token of syncd", hint="expected `Bearer syncd_…`", code="token.invalid")
        kept = await self._book.find(given.id)
        if not given.opens(kept.hash if kept else b"") or kept is None:
            raise _unknown()
        if error := _ended(kept, self._now()):
            raise error
        return kept


def _unknown() -> NotIdentified:
    return NotIdentified("this token is not known here", hint=_HINT, code="token.invalid")


def _ended(token: Token, now: datetime) -> NotIdentified | None:
    ended = token.ended(now)
    return NotIdentified(f"the token {token.name!r} is {ended}", hint=_HINT, code=f"token.{ended}") if ended else None


def _named(token: Token, caller: Caller) -> str:
    return f"token {token.name} ({caller.actor})"
