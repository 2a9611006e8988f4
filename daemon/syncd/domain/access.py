"""Who may do what: roles, and tokens that carry one."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from functools import total_ordering


@total_ordering
class Role(Enum):
    """What a caller may do, from nothing to everything; each role includes the ones before it."""

    NONE = "none"
    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"

    def __lt__(self, other: "Role") -> bool:
        ranks = tuple(Role)
        return ranks.index(self) < ranks.index(other)


@dataclass(frozen=True, slots=True)
class Token:
    """What is kept of a token: never the token itself."""

    id: str
    name: str
    role: Role
    hash: bytes
    """SHA-256 of its secret part."""
    created_at: datetime
    created_by: str
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None

    def ended(self, now: datetime) -> str:
        """Why it opens nothing any more; empty if it does."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= now else ""
