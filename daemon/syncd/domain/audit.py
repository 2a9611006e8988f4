"""One line of the audit log."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

GENESIS = "0" * 64


@dataclass(frozen=True, slots=True)
class Entry:
    """What happened, to what, by whom. `detail` holds small values only: never a row's content, never a secret."""

    action: str
    """A noun and what happened to it: `run.started`, `run.ended`, `sync.paused`, `schema.drifted`."""
    sync: str = ""
    run: str = ""
    actor: str = "syncd"
    outcome: str = "ok"
    detail: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Recorded:
    """An entry with its place in the log: `sequence` has no gaps, `hash` covers this entry and, by `previous`, all before it."""

    sequence: int
    at: datetime
    entry: Entry
    previous: str
    hash: str


def digest(sequence: int, at: datetime, entry: Entry, previous: str) -> str:
    """Hash of one entry in the chain: SHA-256 over a JSON array with a fixed order of members, no spaces, UTF-8.

    The array is `[previous, sequence, at, action, sync, run, actor, outcome, detail]`; `at` in ISO 8601 UTC with microseconds,
    `detail` with its keys sorted.
    """
    members = [
        previous,
        sequence,
        at.isoformat(timespec="microseconds"),
        entry.action,
        entry.sync,
        entry.run,
        entry.actor,
        entry.outcome,
        entry.detail,
    ]
    text = json.dumps(members, ensure_ascii=False, separators=(",", ":"), sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
