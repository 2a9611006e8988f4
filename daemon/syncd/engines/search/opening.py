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
            _check_readable(mapper, table)
            digest = _digest(settings, mapper)
            shape = IndexShape(fields.primary_key, settings.target.settings)
            standing = replace(read(context.checkpoint, digest), stamp="")
            yield Work(settings, source, indexes, mapper, table, context, standing, digest, shape)


def _digest(settings: SearchSync, mapper: Mapper) -> str:
    members = [shape_of(settings), mapper.shape]
    return hashlib.sha256(json.dumps(members).encode()).hexdigest()[:16]


def _check_columns(settings: SearchSync, table: Table) -> None:
    source = settings.source
    if not source.key:
        raise SourceMismatch(f"source.key: nothing tells which columns identify a row of {table.name}", hint=_proposal(settings, table))
    for place, name in [*(("source.key", name) for name in source.key), ("source.watermark", source.watermark)]:
        if name and table.column(name) is None:
            raise SourceMismatch(
                f"{place}: {table.name} has no column '{name}'{did_you_mean(name, table.names)}", hint=_proposal(settings, table)
            )
    needs = {"source.strategy 'scn'": source.strategy == "scn", "source.deletions.versions": source.deletions.versions}
    for place, needed in needs.items():
        if needed and not table.version:
            raise SourceMismatch(f"{place}: {table.name} has no versions of its rows", hint=_proposal(settings, table))


def _check_readable(mapper: Mapper, table: Table) -> None:
    for column in table.columns:
        if column.obstacle and column.name in mapper.columns:
            raise SourceMismatch(
                f"column '{column.name}' of {table.name} has the type {column.type}, which cannot be read", hint=column.obstacle
            )


def _proposal(settings: SearchSync, table: Table) -> str:
    """What the source itself would set, and what there is to choose from."""
    source, proposed = settings.source, []
    if table.primary_key and list(table.primary_key) != list(source.key):
        proposed.append(f"key = {json.dumps(table.primary_key, ensure_ascii=False)}")
    if table.proposed_watermark not in ("", source.watermark) and source.strategy == "watermark":
        proposed.append(f"watermark = {json.dumps(table.proposed_watermark, ensure_ascii=False)}")
    columns = f"its columns are {', '.join(table.names)}"
    return f"the source proposes {' and '.join(proposed)}; {columns}" if proposed else columns
