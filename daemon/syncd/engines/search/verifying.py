"""Comparing source and index: how many, which keys, which contents; and mending exactly what differs."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from functools import partial

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from syncd.domain.batch import Batch
from syncd.engines.search.keysets import KeySets, Side
from syncd.engines.search.work import Work, batch_of, deletions
from syncd.kit.threads import beside
from syncd.ports.connecting import IndexState
from syncd.ports.running import Progress, Report

_LISTED = 100
"""So many ids of each kind stand in the report."""


@dataclass(slots=True)
class Drift:
    """Ids that differ. `refused` are missing, but known as dead letters."""

    missing: list[str] = field(default_factory=list)
    extra: list[str] = field(default_factory=list)
    different: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.missing or self.extra or self.different)

    def as_findings(self) -> dict[str, object]:
        named = {"missing": self.missing, "extra": self.extra, "different": self.different, "refused": self.refused}
        return {kind: {"count": len(ids), "ids": ids[:_LISTED]} for kind, ids in named.items() if ids}


async def verify(work: Work) -> Report:
    """Tell what is missing, extra and different in the index; with `repair`, send and delete exactly that."""
    async with beside(KeySets) as sets:
        await _fill(work, sets)
        drift = await _drift(work, sets)
        counts = {"rows": await asyncio.to_thread(sets.count, Side.SOURCE), "documents": await asyncio.to_thread(sets.count, Side.INDEX)}
        doubled = await asyncio.to_thread(sets.doubled, Side.SOURCE)
    findings: dict[str, object] = {**counts, **({"doubled_keys": doubled} if doubled else {}), **drift.as_findings()}
    if drift and work.says("repair"):
        await _repair(work, drift)
        findings["repaired"] = True
        return Report(findings)
    return Report(findings, drifted=bool(drift))


async def _fill(work: Work, sets: KeySets) -> None:
    work.context.tell(Progress(doing="reading the index"))
    state = await work.indexes.inspect(work.settings.target.index, work.shape) or IndexState("", 0)
    async with aclosing(work.live.documents()) as listings:
        async for listing in listings:
            digests = await asyncio.to_thread(_digests, listing.column("document"), state.hidden)
            await asyncio.to_thread(sets.add, Side.INDEX, listing.column("id"), digests)
    total = await work.source.count(replace(work.scan(), gone=""))
    work.context.tell(Progress(doing="reading the source", total=total))
    async with aclosing(work.pieces(work.scan())) as pieces:
        async for piece in pieces:
            work.context.tell(Progress(unchanged=piece.read))
            digests = await asyncio.to_thread(_digests, piece.rows.column("document"), state.hidden, state.kept)
            await asyncio.to_thread(sets.add, Side.SOURCE, piece.rows.column("mark"), digests)


def _digests(documents: pa.Array, hidden: frozenset[str], kept: Callable[[str], float] = float) -> pa.Int64Array:
    """One number for each document, the same for the same content: the order of keys, the spelling of numbers and `hidden` do not count.

    `kept` is what the index makes of a number.
    """
    read = orjson.loads if kept is float else partial(json.loads, parse_float=kept, parse_int=partial(_integer, kept))
    texts = (orjson.dumps(_shown(read(text), hidden), option=orjson.OPT_SORT_KEYS) for text in documents.to_pylist())
    return pa.array([hash(text) for text in texts], pa.int64())


def _integer(kept: Callable[[str], float], text: str) -> float:
    value = int(text)
    return value if -(2**63) <= value < 2**64 else kept(text)


def _shown(document: dict[str, object], hidden: frozenset[str]) -> object:
    return _plain({name: member for name, member in document.items() if name not in hidden} if hidden else document)


def _plain(value: object) -> object:
    """`1.0` and `1` are one number in JSON, and a number beyond 64 bits comes back as the nearest double."""
    match value:
        case dict():
            return {name: _plain(member) for name, member in value.items()}
        case list():
            return [_plain(member) for member in value]
        case float() if value.is_integer() and abs(value) < 2**63:
            return int(value)
        case _:
            return value


async def _drift(work: Work, sets: KeySets) -> Drift:
    drift = Drift()
    missing = [ids for chunk in await asyncio.to_thread(list, sets.only_in(Side.SOURCE)) for ids in [chunk]]
    dead = await _dead_marks(work)
    for ids in missing:
        for mark in ids.to_pylist():
            (drift.refused if mark in dead else drift.missing).append(mark)
    drift.extra = _listed(await asyncio.to_thread(list, sets.only_in(Side.INDEX)))
    different = _listed(await asyncio.to_thread(list, sets.different()))
    drift.different = [mark for mark in different if mark not in dead]
    drift.refused += [mark for mark in different if mark in dead]
    return drift


def _listed(chunks: Sequence[pa.StringArray]) -> list[str]:
    return [str(mark) for chunk in chunks for mark in chunk.to_pylist()]


async def _dead_marks(work: Work) -> set[str]:
    marks: set[str] = set()
    after = 0
    while letters := await work.context.rows.letters(after):
        marks |= {letter.mark for letter in letters}
        after = letters[-1].id
    return marks


async def _repair(work: Work, drift: Drift) -> None:
    work.context.tell(Progress(doing="repairing"))
    reaches = work.standing.written()

    async def mending() -> AsyncGenerator[Batch, None]:
        wanted = pa.array([*drift.missing, *drift.different], pa.string())
        if len(wanted):
            async with aclosing(work.pieces(work.scan())) as pieces:
                async for piece in pieces:
                    rows = piece.rows.filter(pc.is_in(piece.rows.column("mark"), wanted))
                    if rows.num_rows:
                        yield batch_of(replace(piece, rows=rows, gone=piece.gone.slice(0, 0), read=0), reaches)
        for ids in _chunks(drift.extra, work.settings.batch_rows):
            yield deletions(pa.array(ids, pa.string()), reaches)

    await work.store(work.live, mending())


def _chunks(ids: list[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(ids), size):
        yield ids[start : start + size]
