"""Warehouses for the contract: the stand-in, and a running emulator. And how both are opened."""

import uuid
from typing import Any

import requests

from syncd.connectors.bigquery import CONNECTOR, Settings
from syncd.ports.warehouse import SchemaReader
from tests.contracts.schema_reader import Sample
from tests.contracts.source import Kind
from tests.servers.bigquery.server import PROJECT, BigQuery

Json = dict[str, Any]
TYPES = {Kind.INTEGER: "INTEGER", Kind.TEXT: "STRING", Kind.MOMENT: "DATETIME"}
SECONDS = 20


def fields(sample: Sample) -> list[Json]:
    """The schema of a sample, as the REST API writes it."""
    return [
        {
            "name": name,
            "type": TYPES[kind],
            "mode": "REQUIRED" if name in sample.required else "NULLABLE",
            "description": sample.comments.get(name, ""),
        }
        for name, kind in sample.columns.items()
    ]


def settings(server: BigQuery, **more: object) -> Settings:
    given = {"project": PROJECT, "endpoint": server.url, "timeout": "5s", "patience": "5s", **more}
    return Settings.model_validate(given)


def hasty(server: BigQuery, **more: object) -> Settings:
    """Settings with which nothing is tried again for long."""
    return settings(server, **{"timeout": "200ms", "patience": "200ms", **more})


def opened(given: Settings) -> Any:
    assert CONNECTOR.schemas is not None
    return CONNECTOR.schemas(given)


class StandIn:
    """The tables of the stand-in, for the contract."""

    schema = "shop"

    def __init__(self, server: BigQuery, reader: SchemaReader) -> None:
        self.reader = reader
        self._server = server
        server.datasets.append(self.schema)

    def listed(self, table: str) -> str:
        return f"{self.schema}.{table}"

    def spelt(self, column: str) -> str:
        return column

    def sql(self, table: str) -> str:
        return f"`{self.schema}.{table}`"

    async def create(self, *samples: Sample) -> None:
        for sample in samples:
            name = self.listed(sample.name)
            self._server.put(name, *fields(sample), description=sample.comment)
            for row in sample.rows:
                await self.insert(sample.name, row)

    async def create_view(self, name: str, of: str) -> None:
        self._server.put(self.listed(name), *self._fields(of), type="VIEW")

    async def insert(self, table: str, row: tuple[object, ...]) -> None:
        cells = tuple(None if value is None else str(value) for value in row)
        self._server.rows.setdefault(self.listed(table), []).append(cells)

    async def add(self, table: str, column: str) -> None:
        self._fields(table).append({"name": column, "type": "STRING"})

    async def rename(self, table: str, column: str, to: str) -> None:
        self._found(table, column)["name"] = to

    async def drop_column(self, table: str, column: str) -> None:
        self._fields(table).remove(self._found(table, column))

    async def comment(self, table: str, column: str, comment: str) -> None:
        self._found(table, column)["description"] = comment

    async def drop(self, table: str) -> None:
        del self._server.tables[self.listed(table)]

    async def rows(self, table: str) -> int:
        return len(self._server.rows[self.listed(table)])

    def _fields(self, table: str) -> list[Json]:
        found: list[Json] = self._server.tables[self.listed(table)]["schema"]["fields"]
        return found

    def _found(self, table: str, column: str) -> Json:
        return next(field for field in self._fields(table) if field["name"] == column)


class Emulated:
    """A dataset of its own in a running `bqemulator`, for the contract: an opinion on BigQuery that is not ours.

    Its schemas cannot be changed in place, so a table is made anew.
    """

    def __init__(self, url: str, project: str) -> None:
        self.reader: SchemaReader
        self.schema = f"shop_{uuid.uuid4().hex[:8]}"
        self._url = f"{url}/bigquery/v2/projects/{project}/datasets"
        self._made: dict[str, Json] = {}

    def open(self) -> None:
        self._ask("POST", "", {"datasetReference": {"datasetId": self.schema}})

    def close(self) -> None:
        self._ask("DELETE", f"/{self.schema}?deleteContents=true")

    def listed(self, table: str) -> str:
        return f"{self.schema}.{table}"

    def spelt(self, column: str) -> str:
        return column

    def sql(self, table: str) -> str:
        return f"`{self.schema}.{table}`"

    async def create(self, *samples: Sample) -> None:
        for sample in samples:
            self._make(sample.name, {"description": sample.comment, "schema": {"fields": fields(sample)}})
            for row in sample.rows:
                await self.insert(sample.name, row)

    async def create_view(self, name: str, of: str) -> None:
        self._make(name, {"view": {"query": f"SELECT * FROM {self.sql(of)}", "useLegacySql": False}})

    async def insert(self, table: str, row: tuple[object, ...]) -> None:
        names = [field["name"] for field in self._fields(table)]
        self._ask("POST", f"/{self.schema}/tables/{table}/insertAll", {"rows": [{"json": dict(zip(names, row, strict=True))}]})

    async def add(self, table: str, column: str) -> None:
        self._fields(table).append({"name": column, "type": "STRING"})
        await self._anew(table)

    async def rename(self, table: str, column: str, to: str) -> None:
        self._field(table, column)["name"] = to
        await self._anew(table)

    async def drop_column(self, table: str, column: str) -> None:
        self._fields(table).remove(self._field(table, column))
        await self._anew(table)

    async def comment(self, table: str, column: str, comment: str) -> None:
        self._field(table, column)["description"] = comment
        await self._anew(table)

    async def drop(self, table: str) -> None:
        self._ask("DELETE", f"/{self.schema}/tables/{table}")

    async def rows(self, table: str) -> int:
        return int(self._ask("GET", f"/{self.schema}/tables/{table}/data")["totalRows"])

    async def _anew(self, table: str) -> None:
        await self.drop(table)
        self._make(table, self._made[table])

    def _make(self, table: str, made: Json) -> None:
        self._made[table] = made
        self._ask("POST", f"/{self.schema}/tables", {"tableReference": {"datasetId": self.schema, "tableId": table}, **made})

    def _fields(self, table: str) -> list[Json]:
        found: list[Json] = self._made[table]["schema"]["fields"]
        return found

    def _field(self, table: str, column: str) -> Json:
        return next(field for field in self._fields(table) if field["name"] == column)

    def _ask(self, method: str, path: str, body: Json | None = None) -> Json:
        answer = requests.request(method, f"{self._url}{path}", json=body, timeout=SECONDS)
        assert answer.ok, answer.text
        return dict(answer.json()) if answer.content else {}
