"""From settings to a run at work: connections, columns, mapping, and what the ledger says."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from syncd.domain.errors import SourceMismatch
from syncd.domain.schema import Table
from syncd.engines.search.checkpoint import read, shape_of
from syncd.engines.search.fields import fields_of
from syncd.engines.search.mapping import Mapper
from syncd.engines.search.settings import SearchSync
from syncd.engines.search.work import Work
from syncd.kit.text import did_you_mean
from syncd.kit.threads import beside
from syncd.ports.connecting import Connections, IndexShape
from syncd.ports.running import RunContext


@asynccontextmanager
async def opened(settings: SearchSync, connections: Connections, context: RunContext) -> AsyncIterator[Work]:
    """Open what a run needs. Raises `SourceMismatch` or `MappingInvalid` if the source is not what the settings say."""
    async with (
        connections.source(settings.source.connection) as source,
        connections.indexes(settings.target.connection) as indexes,
    ):
        table = await source.describe(settings.source.relation)
        _check_columns(settings, table)
        fields = fields_of(settings, table.names)
        async with beside(lambda: Mapper(fields, settings.source.key)) as mapper:
            await asyncio.to_thread(mapper.bind, table.schema)
            digest = _digest(settings, mapper)
            shape = IndexShape(fields.primary_key, settings.target.settings)
            standing = replace(read(context.checkpoint, digest), stamp="")
            yield Work(settings, source, indexes, mapper, table, context, standing, digest, shape, {})


def _digest(settings: SearchSync, mapper: Mapper) -> str:
    members = [shape_of(settings), mapper.shape]
    return hashlib.sha256(json.dumps(members).encode()).hexdigest()[:16]


def _check_columns(settings: SearchSync, table: Table) -> None:
    wanted = {"source.key": list(settings.source.key), "source.watermark": [settings.source.watermark] if settings.source.watermark else []}
    for place, names in wanted.items():
        for name in names:
            if table.column(name) is None:
                proposal = f"; its primary key is {', '.join(table.primary_key)}" if place == "source.key" and table.primary_key else ""
                raise SourceMismatch(
                    f"{place}: {table.name} has no column '{name}'{did_you_mean(name, table.names)}{proposal}",
                    hint=f"its columns are {', '.join(table.names)}",
                )
