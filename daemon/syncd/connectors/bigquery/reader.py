"""The tables of one project, described."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

from syncd.connectors.bigquery import listing, sampling, tables
from syncd.connectors.bigquery.client import Client, Json, Request, connected
from syncd.connectors.bigquery.examining import SIMPLEST, dry_run, examined, is_one_query, unfit
from syncd.connectors.bigquery.failures import READ_ROWS, SEE_TABLE, Rejected
from syncd.connectors.bigquery.settings import Settings
from syncd.domain.schema import Table
from syncd.ports.warehouse import Examined, Listed

Given = TypeVar("Given")
Answer = TypeVar("Answer")


class BigQueryReader:
    """One project over REST. Its requests cost nothing."""

    dialect = "bigquery"

    def __init__(self, settings: Settings, client: Client) -> None:
        self._settings = settings
        self._client = client

    async def stamp(self) -> str:
        """Nothing tells of a whole project whether a schema has changed."""
        return ""

    async def list(self, schemas: Sequence[str]) -> Sequence[Listed]:
        found = await _all(self._tables_of, dict.fromkeys(schemas))
        return sorted((each for some in found for each in some), key=lambda each: each.name)

    async def describe(self, names: Sequence[str]) -> Sequence[Table]:
        found = await _all(self._table, names)
        return [each for each in found if each is not None]

    async def examine(self, queries: Sequence[str]) -> Sequence[Examined]:
        return await _all(self._examined, queries)

    async def samples(self, name: str, columns: Sequence[str], count: int) -> Mapping[str, Sequence[str]]:
        """Without records, flagged columns and whatever is no table: BigQuery tells rows of tables alone without a query."""
        table = await self._table(name)
        wanted = sampling.wanted(table, columns) if table is not None and count > 0 else ()
        if not wanted:
            return {}
        request = Request(f"rows of the table {name}", READ_ROWS, (*_parts(name), "data"), sampling.params(wanted, count))
        answer = await self._client.ask(request)
        with self._client.expected(request.what):
            return sampling.values(answer, wanted, count)

    async def _tables_of(self, dataset: str) -> Sequence[Listed]:
        return await listing.tables_of(self._client, dataset, self._settings.datasets)

    async def _table(self, name: str) -> Table | None:
        """A table; None if it is gone."""
        request = Request(f"the table {name}", SEE_TABLE, _parts(name), {"view": "BASIC"})
        try:
            answer = await self._client.ask(request)
        except Rejected as error:
            if error.said.gone:
                return None
            raise
        with self._client.expected(request.what):
            return tables.table(answer)

    async def _examined(self, query: str) -> Examined:
        if not is_one_query(query):
            return Examined(analysed=False, ran=False)
        try:
            answer = await self._dry_run(query)
        except Rejected as error:
            if error.said.denied:
                # The same status and reason stand for a table that is hidden, or is not there, and for jobs that are not allowed.
                await self._dry_run(SIMPLEST)
            return unfit(error.said)
        with self._client.expected("a dry run"):
            return examined(answer)

    async def _dry_run(self, query: str) -> Json:
        settings = self._settings
        return await self._client.ask(dry_run(query, settings.project, settings.location, settings.max_bytes))


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[BigQueryReader]:
    """A reader; it asks BigQuery nothing before it is asked."""
    async with connected(settings) as client:
        yield BigQueryReader(settings, client)


def _parts(name: str) -> tuple[str, ...]:
    dataset, _, table = name.partition(".")
    return "datasets", dataset, "tables", table


async def _all(work: Callable[[Given], Awaitable[Answer]], items: Iterable[Given]) -> Sequence[Answer]:
    """What comes of each item, in order. The first error ends the others, and is raised as it is."""

    async def one(item: Given) -> Answer:
        return await work(item)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(item), name="asking BigQuery") for item in items]
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from errors
    return [task.result() for task in tasks]
