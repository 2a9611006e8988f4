"""Where a search sync stands, as its engine writes it into the ledger."""

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import orjson

from syncd.domain.batch import Checkpoint
from syncd.domain.scan import Position
from syncd.engines.search.settings import SearchSync


@dataclass(frozen=True, slots=True)
class Range:
    """Rows between two positions in the order of the key, that at `until` included; what is left of them is behind `after`."""

    after: Position | None = None
    until: Position | None = None


@dataclass(frozen=True, slots=True)
class Backfill:
    """A reading of all rows that is under way. `loaded` says that only what follows the loading is left."""

    kind: str
    """`full`: in place; `replace`: into a shadow index."""
    shape: str
    """Digest of what makes the documents that are being sent."""
    started_at: datetime
    horizon: str | None
    """The watermark from which the next incremental run starts once this backfill is done."""
    log_horizon: str | None = None
    ranges: tuple[Range, ...] = ()
    """What is left to load, each range with its own place; empty before the first commit. Together they were all rows once."""
    moment: str = ""
    """The rows are loaded as they were at this moment; deletions since then are still to be looked for."""
    adrift: bool = False
    """The rows are not, or no longer, read as of `moment`: what changed meanwhile has to be read again in the end."""
    loaded: bool = False
    swap_from: str = ""
    """Identity of the live index before the swap; set right before it."""
    swap_to: str = ""
    """Identity of the shadow index before the swap."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A reading of changes that is under way; it goes on behind `after`, towards a horizon that was taken when it began."""

    watermark: str | None
    log: str | None
    exact: bool
    after: Position
    moment: str = ""
    """The rows are read as they were at this moment; empty: as they are."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The whole checkpoint."""

    shape: str
    """Digest of what makes documents what they are; another digest means that all rows go anew."""
    identity: str = ""
    """Which index the documents are in; another one means that all rows go anew."""
    watermark: str | None = None
    """Everything up to here is in the index, as far as the source could vouch for it."""
    exact: bool = False
    """The source vouched for the watermark: the next run need not look back."""
    log_watermark: str | None = None
    complete: bool = False
    """A backfill has ended: the index holds every row, and changes are enough from now on."""
    reconciled_at: datetime | None = None
    columns: tuple[tuple[str, str], ...] = ()
    """The source's columns and types as the last run found them."""
    backfill: Backfill | None = None
    reading: Reading | None = None
    previous: "Standing | None" = None
    """The standing of the index that a replace kept for a rollback."""
    unnamed: bool = False
    """A swap left the old index under the shadow's name; it has still to be renamed or removed."""
    turned: bool = False
    """The run that exchanged the indexes last may not have ended: whoever goes on with it does not exchange them again."""
    nulls: int = 0
    """Rows without a watermark, which incremental runs cannot see."""
    caveats: tuple[str, ...] = ()
    """What else an operator should know although nothing failed."""
    moment: str = ""
    """Deletions that the source remembers are in the index up to this moment."""
    stamp: str = ""
    """What the last run found, if it came to its end and the source can tell a change from outside; every other commit drops it."""

    def written(self) -> Checkpoint:
        return Checkpoint(orjson.dumps(self).decode())


def read(checkpoint: Checkpoint | None, shape: str) -> Standing:
    """The standing that a checkpoint holds; a fresh one of `shape` where there is none."""
    return _standing(json.loads(checkpoint)) if checkpoint else Standing(shape=shape)


def _standing(members: dict[str, Any]) -> Standing:
    backfill = members.get("backfill")
    previous = members.get("previous")
    reading = members.get("reading")
    return Standing(
        **{
            **members,
            "reconciled_at": _time(members.get("reconciled_at")),
            "columns": tuple((name, kind) for name, kind in members.get("columns", ())),
            "backfill": _backfill(backfill) if backfill else None,
            "reading": Reading(**{**reading, "after": tuple(reading["after"])}) if reading else None,
            "caveats": tuple(members.get("caveats", ())),
            "previous": _standing(previous) if previous else None,
        }
    )


def _backfill(members: dict[str, Any]) -> Backfill:
    """A backfill; those that were written before there were ranges have one place for all rows."""
    after = members.pop("after", None)
    ranges = members.get("ranges") or ([{"after": after, "until": None}] if after is not None else [])
    started_at = datetime.fromisoformat(members["started_at"])
    return Backfill(**{**members, "started_at": started_at, "ranges": tuple(map(_range, ranges))})


def _range(members: dict[str, Any]) -> Range:
    return Range(*(None if members[end] is None else tuple(members[end]) for end in ("after", "until")))


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def shape_of(settings: SearchSync) -> str:
    """Digest of everything in the settings that decides which documents the index should hold."""
    source, target = settings.source, settings.target
    members = [
        source.connection,
        source.table,
        source.query,
        source.key,
        "(scn)" if source.strategy == "scn" else source.watermark,
        source.deletions.soft,
        target.connection,
        target.index,
        target.primary_key,
        settings.mapping,
    ]
    return hashlib.sha256(json.dumps(members, sort_keys=True).encode()).hexdigest()[:16]


def retired(standing: Standing) -> Standing:
    """A standing as it is kept for a rollback: without what only the live index needs."""
    return replace(standing, backfill=None, reading=None, previous=None, unnamed=False, turned=False)
