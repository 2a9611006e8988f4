"""Oracle keeps the promises of a source."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager

import pyarrow as pa

from syncd.connectors.oracle.dictionary import Described, describe
from syncd.connectors.oracle.horizon import Rights, Surveyor
from syncd.connectors.oracle.query import Query
from syncd.connectors.oracle.sessions import Sessions
from syncd.connectors.oracle.settings import Settings
from syncd.domain.position import positions
from syncd.domain.scan import Horizon, Position, Relation, Scan
from syncd.domain.schema import Table
from syncd.ports.connecting import Source


class OracleSource:
    """Each question has a session of its own while it lasts; a scan holds one from its first to its last row."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._sessions = Sessions(settings)
        self._rights = Rights()
        self._described: dict[Relation, Described] = {}
        """As `describe` found them last."""

    async def describe(self, relation: Relation) -> Table:
        async with self._sessions.session() as session:
            known = Relation(relation.table, relation.query)
            self._described[known] = found = await describe(session, known, self._settings)
        return found.table

    async def horizon(self, relation: Relation, watermark: str) -> Horizon:
        described = await self._known(relation)
        async with self._sessions.session() as session:
            return await Surveyor(session, described, self._settings, self._rights).horizon(watermark)

    async def unchanged(self, stamp: str) -> bool:  # noqa: ARG002 - there is no stamp
        """Nothing tells it without looking at rows."""
        return False

    async def scan(self, scan: Scan, rows: int) -> AsyncGenerator[pa.RecordBatch, None]:
        query = Query(await self._known(scan.relation), scan)
        most = min(rows, self._settings.lob_rows if query.holds_lobs else self._settings.fetch_rows)
        async with (
            self._sessions.session() as session,
            aclosing(session.batches(query.rows(), most, query.schema, query.finished, moment=bool(scan.moment))) as batches,
        ):
            async for batch in batches:
                yield batch

    async def count(self, scan: Scan) -> int:
        query = Query(await self._known(scan.relation), scan)
        async with self._sessions.session() as session:
            [[rows]] = await session.rows(query.count(), moment=bool(scan.moment))
        return int(rows)

    async def split(self, scan: Scan, parts: int) -> Sequence[Position]:
        """Places in the order at which equal numbers of rows lie between them; the server goes through the key to find them."""
        order = Scan(scan.relation, scan.order, scan.order, after=scan.after, until=scan.until, moment=scan.moment, key=scan.key)
        query = Query(await self._known(scan.relation), order)
        async with self._sessions.session() as session:
            [[rows]] = await session.rows(query.at_least(parts * self._settings.range_rows), moment=bool(scan.moment))
            parts = min(parts, int(rows) // self._settings.range_rows)
            if parts < _TWO:
                return ()
            cuts = session.batches(query.cuts(parts), parts, query.schema, query.finished, moment=bool(scan.moment))
            return [cut async for batch in cuts for cut in positions(batch, scan.order)]

    async def close(self) -> None:
        await self._sessions.close()

    async def _known(self, relation: Relation) -> Described:
        """What a relation was found to be, looked up now if it never was."""
        known = Relation(relation.table, relation.query)
        if known not in self._described:
            await self.describe(known)
        return self._described[known]


_TWO = 2


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Source]:
    source = OracleSource(settings)
    try:
        yield source
    finally:
        await source.close()
