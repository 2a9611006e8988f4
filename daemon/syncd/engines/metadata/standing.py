"""Where a metadata sync stands, beside what is published: what was done when, and what people are told of it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from typing import Any, Self

from syncd.domain.batch import Checkpoint

NAME = "state/standing"


@dataclass(frozen=True, slots=True)
class Standing:
    """Moments are ISO 8601, empty if it never was."""

    generation: int = 0
    """Of what we know to be published."""
    sha256: str = ""
    size: int = 0
    method: str = ""
    published_at: str = ""
    checked_at: str = ""
    changed_at: str = ""
    refreshed_at: str = ""
    full_at: str = ""
    seconds_to_publish: float | None = None
    stamp: str = ""
    """Of the warehouse when it was looked at last."""
    pinned: str = ""
    """The snapshot that somebody restored."""
    last_run: str = ""
    """The last run that asked a model."""
    last_day: str = ""
    """The day under which its costs are kept."""
    summary: Mapping[str, Any] = field(default_factory=dict)
    """Counts for people, see `telling`."""

    def written(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False)

    @property
    def checkpoint(self) -> Checkpoint:
        return Checkpoint(json.dumps({"generation": self.generation, "sha256": self.sha256}))

    @classmethod
    def read(cls, text: str | None) -> Self:
        members = json.loads(text or "{}")
        return cls(**{each.name: members[each.name] for each in fields(cls) if each.name in members})

    def moment(self, name: str) -> datetime | None:
        """One of the moments."""
        text = getattr(self, name)
        return datetime.fromisoformat(text) if text else None
