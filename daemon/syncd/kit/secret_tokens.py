"""Tokens that open something: an id to find them by, and 256 random bits of which only a hash is kept."""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field

_FORM = re.compile(r"syncd_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")


@dataclass(frozen=True, slots=True)
class SecretToken:
    id: str
    secret: str = field(repr=False)

    @property
    def text(self) -> str:
        """The whole token, as its owner keeps it."""
        return f"syncd_{self.id}_{self.secret}"

    @property
    def hash(self) -> bytes:
        """What may be stored. A slow hash would add nothing: nobody guesses 256 bits."""
        return hashlib.sha256(self.secret.encode()).digest()

    def opens(self, stored: bytes) -> bool:
        """Whether a stored hash is that of this token; how long it takes tells nothing."""
        return hmac.compare_digest(self.hash, stored)


def mint() -> SecretToken:
    return SecretToken(secrets.token_hex(6), secrets.token_urlsafe(32))


def parse(text: str) -> SecretToken | None:
    """The token of this text; None if it is no token at all."""
    found = _FORM.fullmatch(text)
    return SecretToken(found[1], found[2]) if found else None
