"""Buckets in memory, with generations and the preconditions of Google Cloud Storage's JSON API."""

import base64
import hashlib
import struct
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import google_crc32c


class Refusal(Exception):
    """An answer that is not a success."""

    def __init__(self, status: int, reason: str, message: str = "") -> None:
        super().__init__(message or reason)
        self.status = status
        self.reason = reason


@dataclass(frozen=True)
class Object:
    content: bytes
    generation: int
    content_type: str = "application/octet-stream"
    metadata: Mapping[str, str] = field(default_factory=dict)
    metageneration: int = 1
    updated: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def crc32c(self) -> str:
        return base64.b64encode(struct.pack(">I", google_crc32c.value(self.content))).decode()

    @property
    def md5(self) -> str:
        return base64.b64encode(hashlib.md5(self.content).digest()).decode()


class Buckets:
    """Everything happens under one lock, so each request is atomic."""

    def __init__(self, *names: str) -> None:
        self.lock = threading.RLock()
        self.objects: dict[str, dict[str, Object]] = {name: {} for name in names}
        self._generation = 1_700_000_000_000_000

    def bucket(self, name: str) -> dict[str, Object]:
        if name not in self.objects:
            raise Refusal(404, "notFound", "The specified bucket does not exist.")
        return self.objects[name]

    def find(self, bucket: str, name: str, query: Mapping[str, str], of: str = "") -> Object:
        """An object that fulfils the preconditions of a request; those of a copy's source begin with `ifSource`."""
        found = self.bucket(bucket).get(name)
        demand(found, query, of)
        wanted = query.get("sourceGeneration" if of else "generation")
        if found is None or (wanted and int(wanted) != found.generation):
            raise Refusal(404, "notFound", f"No such object: {bucket}/{name}")
        return found

    def write(self, bucket: str, name: str, new: Object, query: Mapping[str, str]) -> Object:
        """Put an object, as the next generation."""
        with self.lock:
            objects = self.bucket(bucket)
            demand(objects.get(name), query)
            self._generation += 7
            objects[name] = Object(new.content, self._generation, new.content_type, dict(new.metadata))
            return objects[name]


def demand(found: Object | None, query: Mapping[str, str], of: str = "") -> None:
    """Raise 412, or 304 for a read that asks for something new, if a precondition is not met."""
    now = {"Generation": found.generation if found else 0, "Metageneration": found.metageneration if found else 0}
    for what, value in now.items():
        match = query.get(f"if{of}{what}Match")
        other = query.get(f"if{of}{what}NotMatch")
        if match is not None and int(match) != value:
            raise Refusal(412, "conditionNotMet", "At least one of the pre-conditions you specified did not hold.")
        if other is not None and int(other) == value:
            raise Refusal(304, "notModified")
