"""What was published before: named by the time and the generation it was published with, kept for a while, compared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from syncd.domain.errors import NotFound
from syncd.engines.metadata.rendering import read
from syncd.engines.metadata.settings import SnapshotsSection
from syncd.ports.objects import ObjectInfo, ObjectStore

SNAPSHOTS = "snapshots/"
SIDECARS = "sidecars/"
_YOUNG = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that differs between two published contents."""

    what: str
    """`table`, `column`, `example` or `insight`."""
    name: str
    change: str
    """`added`, `removed` or `changed`."""
    before: str = ""
    after: str = ""


def name_of(published: str, info: ObjectInfo) -> str:
    """`snapshots/metadata_cache.json/20261121T020000Z-1763690400000000`: names are in order of time."""
    return f"{SNAPSHOTS}{published}/{info.updated_at:%Y%m%dT%H%M%SZ}-{info.generation}"


async def listed(store: ObjectStore, published: str) -> list[ObjectInfo]:
    """All snapshots of an object, newest first."""
    return sorted(await store.list(f"{SNAPSHOTS}{published}/"), key=_order, reverse=True)


def id_of(info: ObjectInfo) -> str:
    """What people call a snapshot."""
    return info.name.rpartition("/")[2]


async def find(store: ObjectStore, published: str, number: str) -> ObjectInfo:
    """A snapshot by what people call it. Raises `NotFound`."""
    found = {id_of(info): info for info in await listed(store, published)}
    if number not in found:
        raise NotFound(f"there is no snapshot '{number}'", hint="`syncctl metadata snapshots` lists them", code="snapshot.unknown")
    return found[number]


async def prune(store: ObjectStore, published: str, keep: SnapshotsSection, now: datetime) -> int:
    """Remove what need not be kept any more, and the bookkeeping that belongs to none; answers how many snapshots there were."""
    found = await listed(store, published)
    old = [info for info in found[keep.keep :] if moment_of(info) < now - timedelta(days=keep.days)]
    for info in old:
        await store.delete(info.name, info.generation)
    if old:
        await _prune_sidecars(store, published, now)
    return len(old)


async def _prune_sidecars(store: ObjectStore, published: str, now: datetime) -> None:
    """Those that belong to nothing any more; a young one may belong to what somebody is about to publish."""
    current = await store.stat(published)
    needed = {info.sha256 for info in await listed(store, published)} | ({current.sha256} if current else set())
    for info in await store.list(f"{SIDECARS}{published}/"):
        if info.updated_at < now - _YOUNG and info.name.rpartition("/")[2].removesuffix(".json") not in needed:
            await store.delete(info.name, info.generation)


def moment_of(info: ObjectInfo) -> datetime:
    """When the content of a snapshot was published."""
    return datetime.strptime(id_of(info).partition("-")[0], "%Y%m%dT%H%M%S%z")


def _order(info: ObjectInfo) -> tuple[datetime, int]:
    return moment_of(info), int(id_of(info).partition("-")[2])


def compared(old: bytes, new: bytes) -> list[Difference]:
    """What differs between two published contents, in order of kind and name."""
    before, after = read(old), read(new)
    found = list(_of_tables(before.schema, after.schema))
    asked = [{example.question: example.sql for example in each.examples} for each in (before, after)]
    found += _of("example", *asked)
    return [*found, *_of("insight", before.schema_insights, after.schema_insights)]


def _of_tables(before: Mapping[str, Mapping[str, object]], after: Mapping[str, Mapping[str, object]]) -> Sequence[Difference]:
    found = [Difference("table", name, "added" if name in after else "removed") for name in sorted(before.keys() ^ after.keys())]
    for name in sorted(before.keys() & after.keys()):
        old, new = before[name], after[name]
        columns = [_columns(each) for each in (old, new)]
        found += _of(
            "column",
            {f"{name}.{key}": kind for key, kind in columns[0].items()},
            {f"{name}.{key}": kind for key, kind in columns[1].items()},
        )
        if {**old, "columns": 0} != {**new, "columns": 0}:
            found.append(Difference("table", name, "changed"))
    return found


def _columns(record: Mapping[str, object]) -> dict[str, str]:
    columns = record.get("columns")
    return {str(key): str(kind) for key, kind in columns.items()} if isinstance(columns, Mapping) else {}


def _of(what: str, before: Mapping[str, str], after: Mapping[str, str]) -> list[Difference]:
    found = []
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old != new:
            change = "added" if old is None else "removed" if new is None else "changed"
            found.append(Difference(what, name, change, old or "", new or ""))
    return found
