"""Tokens: their hashes, never themselves."""

import sqlite3
from collections.abc import Sequence
from functools import partial

from syncd.domain.access import Role, Token
from syncd.domain.audit import Entry
from syncd.domain.errors import NotFound, Refused
from syncd.ledger.moments import micros, micros_or_none, moment, moment_or_none
from syncd.ledger.state import State, Transaction
from syncd.ports.access import NewToken

_NAMED = "SELECT id FROM tokens WHERE name = ? AND revoked_at IS NULL AND coalesce(expires_at > ?, true)"
_ADD = "INSERT INTO tokens (id, name, role, hash, created_at, created_by, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?)"


class StoredTokens:
    """`ports.TokenBook`."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def add(self, new: NewToken) -> Token:
        return await self._state.write(partial(_add, new=new))

    async def find(self, id_: str) -> Token | None:
        return await self._state.read(partial(_find, id_=id_))

    async def page(self, after: str, limit: int) -> Sequence[Token]:
        return await self._state.read(partial(_page, after=after, limit=limit))

    async def revoke(self, id_: str, actor: str) -> Token:
        return await self._state.write(partial(_revoke, id_=id_, actor=actor))

    async def used(self, id_: str, actor: str) -> None:
        await self._state.write(partial(_used, id_=id_, actor=actor))


def _add(transaction: Transaction, new: NewToken) -> Token:
    at = transaction.at
    if taken := transaction.db.execute(_NAMED, (new.name, micros(at))).fetchone():
        hint = f"choose another name, or end it: `syncctl token revoke {taken['id']}`"
        raise Refused(f"there is a token {new.name!r} already", hint=hint, code="token.exists")
    expires = None if new.lifetime is None else at + new.lifetime
    values = (new.id, new.name, new.role.value, new.hash, micros(at), new.actor, micros_or_none(expires))
    transaction.db.execute(_ADD, values)
    detail = {"token": new.id, "name": new.name, "role": new.role.value, "expires": expires.isoformat() if expires else "never"}
    transaction.record(Entry("token.created", actor=new.actor, detail=detail))
    return Token(new.id, new.name, new.role, new.hash, at, new.actor, expires)


def _revoke(transaction: Transaction, id_: str, actor: str) -> Token:
    if transaction.db.execute(
        "UPDATE tokens SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL", (micros(transaction.at), id_)
    ).rowcount:
        transaction.record(Entry("token.revoked", actor=actor, detail={"token": id_}))
    token = _find(transaction.db, id_)
    if token is None:
        raise NotFound(f"there is no token {id_!r}", hint="all of them: `syncctl token list`", code="token.unknown")
    return token


def _used(transaction: Transaction, id_: str, actor: str) -> None:
    transaction.db.execute("UPDATE tokens SET last_used_at = ? WHERE id = ?", (micros(transaction.at), id_))
    transaction.record(Entry("token.used", actor=actor, detail={"token": id_}))


def _find(db: sqlite3.Connection, id_: str) -> Token | None:
    row = db.execute("SELECT * FROM tokens WHERE id = ?", (id_,)).fetchone()
    return _token(row) if row else None


def _page(db: sqlite3.Connection, after: str, limit: int) -> list[Token]:
    return [_token(row) for row in db.execute("SELECT * FROM tokens WHERE id > ? ORDER BY id LIMIT ?", (after, limit)).fetchall()]


def _token(row: sqlite3.Row) -> Token:
    return Token(
        id=row["id"],
        name=row["name"],
        role=Role(row["role"]),
        hash=row["hash"],
        created_at=moment(row["created_at"]),
        created_by=row["created_by"],
        expires_at=moment_or_none(row["expires_at"]),
        last_used_at=moment_or_none(row["last_used_at"]),
        revoked_at=moment_or_none(row["revoked_at"]),
    )
