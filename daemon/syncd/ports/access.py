"""What the book of tokens promises."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from syncd.domain.access import Role, Token


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token that is to be made. `hash` is what is kept of its secret part; `lifetime` None means for ever."""

    id: str
    name: str
    role: Role
    hash: bytes
    lifetime: timedelta | None
    actor: str


class TokenBook(Protocol):
    """Tokens. What happens to one is written in one transaction with its audit entry."""

    async def add(self, new: NewToken) -> Token:
        """Keep a token, with the entry `token.created`. Raises `Refused` if a token of this name opens something already."""

    async def find(self, id_: str) -> Token | None:
        """The token with this id, whether it opens anything or not."""

    async def page(self, after: str, limit: int) -> Sequence[Token]:
        """Tokens in order of id, those behind one."""

    async def revoke(self, id_: str, actor: str) -> Token:
        """End a token, with the entry `token.revoked`; one that is revoked already stays so. Raises `NotFound`."""

    async def used(self, id_: str, actor: str) -> None:
        """Keep the time of use, with the entry `token.used`."""
