"""Named objects of bytes, each with a generation that tells one content from the next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from syncd.domain.errors import TransientError


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    name: str
    generation: int
    """Grows with each write of the object, at least 1; never the same for two contents of one name."""
    size: int
    updated_at: datetime
    sha256: str
    """Hex; empty for an object that was not written by syncd and not read yet."""
    write_id: str = ""
    """What its writer called this write; empty if it was not syncd."""
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StoredObject:
    info: ObjectInfo
    content: bytes


class GenerationChanged(TransientError):
    """The object is not of the generation that was expected: somebody else has written it."""

    code = "object.generation_changed"


class ObjectStore(Protocol):
    """One folder of objects. Names have `/` between their parts.

    Every call is bounded in time. Raises `TargetUnavailable` for what passes by itself, `TargetMismatch` and `BadCredentials` for what an
    operator must mend.
    """

    async def stat(self, name: str) -> ObjectInfo | None:
        """What is known of an object; None if there is none."""

    async def get(self, name: str, unless: int = 0) -> StoredObject | None:
        """An object, whole; None if there is none, or if it is still of the generation `unless`."""

    async def put(self, name: str, content: bytes, expected: int, write_id: str, labels: Mapping[str, str]) -> ObjectInfo:
        """Write an object, durable on return, if it is of the generation `expected` (0: if there is none).

        Raises `GenerationChanged` if it is not, and changes nothing then. Our own write whose answer was lost is recognised by
        `write_id`, and answered as the success that it was.
        """

    async def copy(self, source: str, generation: int, name: str) -> ObjectInfo:
        """Copy an object of a known generation, inside the store, with its labels; a copy that is there already is left and answered.

        Raises `GenerationChanged` if the source is not of that generation any more.
        """

    async def list(self, prefix: str) -> Sequence[ObjectInfo]:
        """All objects whose names begin with a prefix, in order of name."""

    async def delete(self, name: str, generation: int) -> None:
        """Remove an object if it is of that generation; one that is not, or is not there, is left."""
