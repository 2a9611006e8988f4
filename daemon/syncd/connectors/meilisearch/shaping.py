"""What an index is, and how it is brought to what it should be."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from syncd.connectors.meilisearch.client import Client, Rejected
from syncd.connectors.meilisearch.numbers import as_kept
from syncd.domain.batch import Finding, Severity
from syncd.domain.errors import TargetMismatch, TargetUnavailable
from syncd.ports.connecting import IndexShape, IndexState

_UNORDERED = {"filterableAttributes", "sortableAttributes", "stopWords", "nonSeparatorTokens", "separatorTokens", "dictionary"}
_PENDING = "statuses=enqueued,processing"

_HIDDEN = frozenset({"_vectors"})
"""The server tells vectors only on demand, and then in another form than they were sent."""


@dataclass(frozen=True, slots=True)
class Known:
    """An index that exists. `created` is what it is known by, whatever its name."""

    created: str
    primary_key: str | None
    documents: int
    document_bytes: int
    """Bytes of one document, on average."""
    settings: Mapping[str, Any]

    def state(self, shape: IndexShape) -> IndexState:
        return IndexState(self.created, self.documents, tuple(self._findings(shape)), _HIDDEN, as_kept)

    def _findings(self, shape: IndexShape) -> list[Finding]:
        found = []
        if self.primary_key not in (None, shape.primary_key) and self.documents:
            found.append(Finding(Severity.PROBLEM, "primary_key", self.mismatch(shape)))
        if differing := self.differing(shape):
            found.append(Finding(Severity.NOTE, "settings_differ", f"these settings will be changed: {', '.join(sorted(differing))}"))
        return found + _slow({**self.settings, **shape.settings})

    def differing(self, shape: IndexShape) -> dict[str, object]:
        """The settings of a shape that the index does not have yet."""
        return {name: wanted for name, wanted in shape.settings.items() if not _agrees(name, wanted, self.settings.get(name))}

    def mismatch(self, shape: IndexShape) -> str:
        return (
            f"the primary key of the index is {self.primary_key!r}, expected {shape.primary_key!r}, and it holds {self.documents} documents"
        )


def _slow(settings: Mapping[str, object]) -> list[Finding]:
    """Settings that make loading slow, the worst first."""
    found = []
    if settings.get("proximityPrecision") in (None, "byWord"):
        text = "proximityPrecision is byWord: loading takes about three times as long as with byAttribute"
        found.append(Finding(Severity.WARNING, "slow_setting", text))
    if settings.get("facetSearch") in (None, True):
        found.append(Finding(Severity.NOTE, "slow_setting", "facetSearch is on: if nobody searches in facets, loading is faster without"))
    if settings.get("prefixSearch") in (None, "indexingTime"):
        found.append(
            Finding(Severity.NOTE, "slow_setting", "prefixSearch is on: if nobody searches as they type, loading is faster without")
        )
    return found


def _agrees(name: str, wanted: object, found: object) -> bool:
    """Whether a setting is already as wanted. Of an object, only the wanted members count; of some lists, the order does not."""
    if isinstance(wanted, Mapping) and isinstance(found, Mapping):
        return all(_agrees("", value, found.get(key)) for key, value in wanted.items())
    if name in _UNORDERED and isinstance(wanted, list) and isinstance(found, list):
        return sorted(map(repr, wanted)) == sorted(map(repr, found))
    return wanted == found


async def find(client: Client, name: str) -> Known | None:
    """The index of a name, if there is one."""
    try:
        index = await client.get(f"indexes/{name}")
        stats = await client.get(f"indexes/{name}/stats")
        settings = await client.get(f"indexes/{name}/settings")
    except Rejected as error:
        if error.word == "index_not_found":
            return None
        raise
    with client.expected(f"the index {name}"):
        documents, size = int(stats["numberOfDocuments"]), int(stats["avgDocumentSize"])
        return Known(str(index["createdAt"]), index["primaryKey"], documents, size, dict(settings))


async def identity(client: Client, name: str) -> str | None:
    """What the index of a name is known by, if there is one."""
    try:
        index = await client.get(f"indexes/{name}")
    except Rejected as error:
        if error.word == "index_not_found":
            return None
        raise
    with client.expected(f"the index {name}"):
        return str(index["createdAt"])


async def settled(client: Client, name: str) -> None:
    """Wait until no task of an index, and no swap that could touch it, is under way."""

    async def quiet() -> bool | None:
        tasks = await client.get(f"tasks?{_PENDING}&limit=1&indexUids={name}")
        with client.expected("tasks"):
            return int(tasks["total"]) == 0 or None

    await client.until(quiet)
    await swapped(client, [name])


async def swapped(client: Client, names: Collection[str]) -> None:
    """Wait until no swap that could touch some indexes is under way. A key that is limited to some indexes sees only how many there are."""

    async def quiet() -> bool | None:
        swaps = await client.get(f"tasks?{_PENDING}&limit=1000&types=indexSwap")
        with client.expected("tasks"):
            seen = {name for swap in swaps["results"] for pair in swap["details"]["swaps"] for name in pair["indexes"]}
            return (len(swaps["results"]) == int(swaps["total"]) and seen.isdisjoint(names)) or None

    await client.until(quiet)


async def shaped(client: Client, name: str, shape: IndexShape) -> Known:
    """Bring an index to a shape. What an earlier process left under way lands first."""
    await settled(client, name)
    known = await find(client, name)
    if known is None:
        await _change(client, name, await client.post("indexes", {"uid": name, "primaryKey": shape.primary_key}))
        known = await _found(client, name)
    if known.primary_key != shape.primary_key:
        if known.documents:
            raise TargetMismatch(f"index {name}: {known.mismatch(shape)}", hint="name another index, or empty this one")
        await _change(client, name, await client.patch(f"indexes/{name}", {"primaryKey": shape.primary_key}))
        known = await _found(client, name)
    if differing := known.differing(shape):
        await _change(client, name, await client.patch(f"indexes/{name}/settings", differing))
        known = await _found(client, name)
    return known


async def _found(client: Client, name: str) -> Known:
    known = await find(client, name)
    if known is None:
        raise TargetUnavailable(f"index {name} was deleted while it was being prepared")
    return known


async def _change(client: Client, name: str, answer: Any) -> None:
    task = await client.finish(client.task_uid(answer))
    if task.word == "index_already_exists":
        return
    task.blame(client.place)
    if not task.good:
        raise TargetMismatch(f"{client.place} does not change index {name}: {task.reason}")
