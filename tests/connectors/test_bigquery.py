"""BigQuery as a warehouse, tried on a stand-in for its REST API."""

import os
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest

from syncd.connectors.bigquery import Settings
from syncd.domain.errors import SourceMismatch, SourceUnavailable
from syncd.domain.schema import Column, Table, TableKind
from syncd.ports.warehouse import Examined, SchemaReader
from tests.connectors.bigquery_warehouses import Emulated, StandIn, opened, settings
from tests.contracts.schema_reader import NestingContract, SchemaReaderContract
from tests.servers.bigquery.judging import Judged
from tests.servers.bigquery.server import PROJECT, Answer, BigQuery, Call, always, once, page_token, refusal

Json = dict[str, Any]
ID: Json = {"name": "id", "type": "INTEGER"}
NAME: Json = {"name": "name", "type": "STRING"}
EMULATOR = os.environ.get("SYNCD_BQEMULATOR", "")
"""The address of a running `bqemulator`, such as `http://127.0.0.1:9050`; without it, its tests do not exist."""


@pytest.fixture
def server() -> Iterator[BigQuery]:
    with BigQuery() as started:
        yield started


@pytest.fixture
async def reader(server: BigQuery) -> AsyncIterator[SchemaReader]:
    async with opened(settings(server)) as found:
        yield found


class TestBigQuery(SchemaReaderContract):
    @pytest.fixture
    def warehouse(self, server: BigQuery, reader: SchemaReader) -> StandIn:
        return StandIn(server, reader)


if EMULATOR:

    class TestEmulated(SchemaReaderContract):
        @pytest.fixture
        async def warehouse(self) -> AsyncIterator[Emulated]:
            emulated = Emulated(EMULATOR, PROJECT)
            with closing(emulated):
                emulated.open()
                async with opened(Settings(project=PROJECT, endpoint=EMULATOR)) as emulated.reader:
                    yield emulated

        test_an_unknown_schema_is_a_mismatch_that_names_it = None  # type: ignore[assignment] # it lists nothing there
        test_a_view_is_described = None  # type: ignore[assignment] # its views have no columns


class TestRecords(NestingContract):
    @pytest.fixture
    def nested(self, server: BigQuery, reader: SchemaReader) -> tuple[SchemaReader, str]:
        at = [{"name": "lat", "type": "FLOAT"}, {"name": "lon", "type": "FLOAT"}]
        place = [{"name": "city", "type": "STRING"}, {"name": "at", "type": "RECORD", "fields": at}]
        params = [{"name": "key", "type": "STRING"}, {"name": "value", "type": "INTEGER"}]
        server.put(
            "shop.events",
            ID,
            {"name": "place", "type": "RECORD", "fields": place},
            {"name": "params", "type": "RECORD", "mode": "REPEATED", "fields": params},
            {"name": "tags", "type": "STRING", "mode": "REPEATED"},
        )
        return reader, "shop.events"


# ── listing ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("count", "pages"),
    [
        pytest.param(999, 1, id="not quite a page"),
        pytest.param(1000, 1, id="a page"),
        pytest.param(1001, 2, id="a page and a table"),
        pytest.param(2500, 3, id="two pages and a half"),
    ],
)
async def test_every_table_is_listed_once_however_many_pages_there_are(
    server: BigQuery, reader: SchemaReader, count: int, pages: int
) -> None:
    names = [f"shop.t{number:04}" for number in range(count)]
    for name in names:
        server.put(name)

    listed = await reader.list(["shop"])

    assert [each.name for each in listed] == names
    assert [call.params["maxResults"] for call in server.calls] == ["1000"] * pages


async def test_datasets_are_listed_together_in_order_of_name(server: BigQuery, reader: SchemaReader) -> None:
    for name in ("web.b", "shop.z", "web.a"):
        server.put(name)

    listed = await reader.list(["web", "shop", "web"])

    assert [each.name for each in listed] == ["shop.z", "web.a", "web.b"]


async def test_a_listing_knows_the_kind_and_the_birth_of_a_table(server: BigQuery, reader: SchemaReader) -> None:
    for number, kind in enumerate(("TABLE", "VIEW", "MATERIALIZED_VIEW", "EXTERNAL", "SNAPSHOT", "SOMETHING_NEW")):
        server.put(f"shop.t{number}", type=kind)

    listed = await reader.list(["shop"])

    assert [each.kind for each in listed] == list(TableKind)
    assert {each.created_at for each in listed} == {datetime(2026, 3, 1, 12, tzinfo=UTC)}


async def test_a_table_that_two_pages_show_is_listed_once(server: BigQuery, reader: SchemaReader) -> None:
    server.put("shop.a")
    first = {"kind": "bigquery#tableList", "tables": [server.tables["shop.a"]], "nextPageToken": page_token(0)}
    server.trouble = once(Answer(first))

    listed = await reader.list(["shop"])

    assert [each.name for each in listed] == ["shop.a"]


@pytest.mark.parametrize(
    ("page", "told"),
    [
        pytest.param({"nextPageToken": "again"}, "the same page", id="a token that comes twice"),
        pytest.param({"totalItems": 1001}, "1000 of 1001", id="a full page without a token and more to come"),
    ],
)
async def test_a_listing_that_cannot_be_whole_is_no_listing(server: BigQuery, reader: SchemaReader, page: Json, told: str) -> None:
    server.put("shop.a")
    full = [server.tables["shop.a"]] * 1000
    server.trouble = always(Answer({"kind": "bigquery#tableList", "tables": full, **page}))

    with pytest.raises(SourceUnavailable, match=told):
        await reader.list(["shop"])


async def test_an_unknown_dataset_is_told_with_one_that_was_perhaps_meant(server: BigQuery, reader: SchemaReader) -> None:
    server.put("analytics.events")

    with pytest.raises(SourceMismatch, match=r"no dataset analytic; did you mean 'analytics'\?"):
        await reader.list(["analytic"])


async def test_an_unknown_dataset_is_told_although_datasets_may_not_be_listed(server: BigQuery, reader: SchemaReader) -> None:
    server.trouble = lambda call: refusal(403, "accessDenied") if call.path == ("datasets",) else None

    with pytest.raises(SourceMismatch, match="has no dataset analytic"):
        await reader.list(["analytic"])


async def test_only_allowed_datasets_are_listed(server: BigQuery) -> None:
    server.put("analytics.events")

    async with opened(settings(server, datasets=["shops"])) as reader:
        with pytest.raises(SourceMismatch, match="analytics is not among the `datasets`"):
            await reader.list(["analytics"])

    assert server.calls == []


# ── describing ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_400_shards_are_listed_and_described_a_few_at_once(server: BigQuery, reader: SchemaReader) -> None:
    names = [f"ga.events_{number}" for number in range(20250000, 20250400)]
    for name in names:
        server.put(name, ID)
    full = threading.Barrier(8)

    def wait_for_seven_others(call: Call) -> None:
        if call.path[-1] in {name.partition(".")[2] for name in names}:
            full.wait(10)

    server.trouble = wait_for_seven_others

    found = await reader.describe([each.name for each in await reader.list(["ga"])])

    assert [table.name for table in found] == names
    assert len(server.calls) == 401
    assert server.most == 8


async def test_a_table_is_described_with_all_that_bigquery_tells_of_it(server: BigQuery, reader: SchemaReader) -> None:
    server.put(
        "shop.orders",
        {"name": "id", "type": "INTEGER", "mode": "REQUIRED", "description": "Of the order."},
        {"name": "mail", "type": "STRING", "policyTags": {"names": ["projects/p/locations/eu/taxonomies/1/policyTags/2"]}},
        {"name": "lines", "type": "RECORD", "mode": "REPEATED", "fields": [NAME]},
        description="What was bought.",
        labels={"team": "sales", "cost": "low"},
        timePartitioning={"type": "DAY", "field": "at"},
        requirePartitionFilter=True,
        clustering={"fields": ["shop", "id"]},
        tableConstraints={"primaryKey": {"columns": ["id"]}},
    )

    [table] = await reader.describe(["shop.orders"])

    assert table == Table(
        name="shop.orders",
        columns=(
            Column("id", "INT64", nullable=False, comment="Of the order."),
            Column("mail", "STRING", flagged=True),
            Column("lines", "STRUCT", repeated=True, fields=(Column("name", "STRING"),)),
        ),
        primary_key=("id",),
        comment="What was bought.",
        partitioning="DAY(at), filter required",
        clustering=("shop", "id"),
        labels={"cost": "low", "team": "sales"},
        created_at=datetime(2026, 3, 1, 12, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("field", "written"),
    [
        pytest.param({"type": "INTEGER"}, "INT64", id="a whole number"),
        pytest.param({"type": "FLOAT"}, "FLOAT64", id="a number"),
        pytest.param({"type": "BOOLEAN"}, "BOOL", id="yes or no"),
        pytest.param({"type": "INT64"}, "INT64", id="a type that is written the new way"),
        pytest.param({"type": "NUMERIC"}, "NUMERIC", id="an exact number"),
        pytest.param({"type": "NUMERIC", "precision": "10", "scale": "2"}, "NUMERIC(10, 2)", id="one with a scale"),
        pytest.param({"type": "BIGNUMERIC", "precision": "40"}, "BIGNUMERIC(40)", id="one with a precision alone"),
        pytest.param({"type": "STRING", "maxLength": "3"}, "STRING(3)", id="a short text"),
        pytest.param({"type": "RANGE", "rangeElementType": {"type": "DATE"}}, "RANGE<DATE>", id="a span"),
        pytest.param({"type": "JSON"}, "JSON", id="a document"),
    ],
)
async def test_types_are_written_as_in_sql(server: BigQuery, reader: SchemaReader, field: Json, written: str) -> None:
    server.put("shop.t", {"name": "c", **field})

    [table] = await reader.describe(["shop.t"])

    assert table.columns == (Column("c", written),)


@pytest.mark.parametrize(
    ("told", "said"),
    [
        pytest.param({}, "", id="none"),
        pytest.param({"timePartitioning": {"type": "HOUR"}}, "HOUR(_PARTITIONTIME)", id="by arrival"),
        pytest.param({"timePartitioning": {"type": "MONTH", "field": "m"}}, "MONTH(m)", id="by a month"),
        pytest.param(
            {"timePartitioning": {"type": "DAY", "field": "d", "requirePartitionFilter": True}}, "DAY(d), filter required", id="the old way"
        ),
        pytest.param(
            {"rangePartitioning": {"field": "id", "range": {"start": "0", "end": "100", "interval": "10"}}},
            "RANGE(id, 0 to 100 by 10)",
            id="by a number",
        ),
        pytest.param({"externalDataConfiguration": {"hivePartitioningOptions": {"fields": ["dt"]}}}, "HIVE(dt)", id="by folders"),
    ],
)
async def test_partitioning_is_said_as_a_person_would(server: BigQuery, reader: SchemaReader, told: Json, said: str) -> None:
    server.put("shop.t", ID, **told)

    [table] = await reader.describe(["shop.t"])

    assert table.partitioning == said


async def test_a_404_that_is_not_bigquerys_makes_no_table_disappear(server: BigQuery) -> None:
    server.trouble = always(Answer(b"<h1>Not Found</h1>", 404))

    async with opened(settings(server, patience="1s")) as reader:
        with pytest.raises(SourceUnavailable, match="not in BigQuery's words"):
            await reader.describe(["shop.a"])


async def test_names_that_are_no_words_reach_the_server_whole(server: BigQuery, reader: SchemaReader) -> None:
    server.put("shop.주문 2026/a?b#c%", ID)

    [table] = await reader.describe(["shop.주문 2026/a?b#c%"])

    assert table.name == "shop.주문 2026/a?b#c%"


# ── examining ────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_query_is_looked_at_in_a_dry_run_and_told_with_its_bytes(server: BigQuery) -> None:
    server.judged["SELECT 2"] = Judged(bytes=12_345)

    async with opened(settings(server, location="EU", max_bytes=1000)) as reader:
        [found] = await reader.examine(["SELECT 2"])

    assert found == Examined(analysed=True, ran=False, bytes=12_345)
    [call] = server.calls
    assert call.body == {
        "jobReference": {"projectId": PROJECT, "location": "EU"},
        "configuration": {
            "dryRun": True,
            "query": {"query": "SELECT 2", "useLegacySql": False, "useQueryCache": False, "maximumBytesBilled": "1000"},
        },
    }


@pytest.mark.parametrize(
    ("judged", "problem"),
    [
        pytest.param(Judged("Unrecognized name: evnt; Did you mean event?"), "Unrecognized name: evnt; Did you mean event?", id="a name"),
        pytest.param(Judged("Not found: Table demo:a.b", 404, "notFound"), "Not found: Table demo:a.b", id="a table that is not there"),
        pytest.param(Judged("too\nlong " * 200), "too long", id="a message of many lines"),
        pytest.param(Judged(kind="DELETE"), "it is a DELETE, expected a SELECT", id="a statement that writes"),
        pytest.param(Judged(kind="SCRIPT"), "it is a SCRIPT, expected a SELECT", id="several statements"),
    ],
)
async def test_what_is_wrong_with_a_query_is_told(server: BigQuery, reader: SchemaReader, judged: Judged, problem: str) -> None:
    server.judged["SELECT 2"] = judged

    [found] = await reader.examine(["SELECT 2"])

    assert found.problem.startswith(problem)
    assert len(found.problem) <= 501
    assert not found.analysed
    assert not found.ran


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param("DELETE FROM shop.t WHERE true", id="a deletion"),
        pytest.param("-- SELECT\n# SELECT\n/* SELECT */ CALL shop.empty()", id="a call behind comments"),
        pytest.param("SELECT 1; DROP TABLE shop.t", id="a second statement"),
        pytest.param("EXECUTE IMMEDIATE 'DROP TABLE shop.t'", id="a statement in a text"),
        pytest.param("SELECTED", id="another word"),
        pytest.param("/**/" * 50 + "CALL shop.empty()", id="a call behind many comments"),
        pytest.param("", id="nothing"),
    ],
)
async def test_what_is_not_one_query_does_not_even_reach_the_server(server: BigQuery, reader: SchemaReader, statement: str) -> None:
    assert await reader.examine([statement]) == [Examined(analysed=False, ran=False)]
    assert server.calls == []


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("SELECT 1;\n", id="a semicolon at the end"),
        pytest.param("with a as (select 1) select * from a", id="with a part that has a name"),
        pytest.param("(SELECT 1) UNION ALL (SELECT 2)", id="in parentheses"),
        pytest.param("-- yes\n/* and\nno */ # well\n(/* x */ SELECT 1)", id="behind comments"),
    ],
)
async def test_a_query_is_looked_at_however_it_begins(server: BigQuery, reader: SchemaReader, query: str) -> None:
    [found] = await reader.examine([query])

    assert found.analysed


async def test_a_problem_within_a_job_is_told_as_well(server: BigQuery, reader: SchemaReader) -> None:
    result = {"reason": "invalidQuery", "message": "no such column"}
    server.trouble = always(Answer({"status": {"state": "DONE", "errorResult": result}}))

    [found] = await reader.examine(["SELECT 2"])

    assert found == Examined(analysed=False, ran=False, problem="no such column")


async def test_a_fault_within_a_job_that_passes_is_no_problem_of_the_query(server: BigQuery, reader: SchemaReader) -> None:
    server.trouble = always(Answer({"status": {"state": "DONE", "errorResult": {"reason": "backendError", "message": "later"}}}))

    with pytest.raises(SourceUnavailable, match="later"):
        await reader.examine(["SELECT 2"])


async def test_a_table_that_may_not_be_seen_is_a_problem_of_the_query(server: BigQuery, reader: SchemaReader) -> None:
    server.judged["SELECT 2"] = Judged("Access Denied: Table secret.t", 403, "accessDenied")

    [found] = await reader.examine(["SELECT 2"])

    assert found.problem.startswith("Access Denied: Table secret.t; is there such a table")
    assert "bigquery.tables.getData" in found.problem


async def test_who_may_create_no_jobs_is_told_the_permission_and_the_role(server: BigQuery, reader: SchemaReader) -> None:
    server.trouble = always(refusal(403, "accessDenied"))

    with pytest.raises(SourceMismatch) as caught:
        await reader.examine(["SELECT 2"])

    assert "bigquery.jobs.create" in caught.value.hint
    assert "roles/bigquery.jobUser" in caught.value.hint


# ── samples ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_samples_are_read_without_a_query_and_never_of_flagged_columns_or_records(server: BigQuery, reader: SchemaReader) -> None:
    server.put(
        "shop.t",
        {"name": "mail", "type": "STRING", "policyTags": {"names": ["x"]}},
        {"name": "place", "type": "RECORD", "fields": [NAME]},
        {"name": "tags", "type": "STRING", "mode": "REPEATED"},
        {"name": "at", "type": "TIMESTAMP"},
    )
    server.rows["shop.t"] = [
        ("a@b.c", {"f": [{"v": "Rome"}]}, [{"v": "new"}, {"v": "red"}], "1772366400123456"),
        ("d@e.f", None, [{"v": "red"}, {"v": "big"}], "not a number"),
    ]

    found = await reader.samples("shop.t", ["at", "tags", "place", "mail", "nothing"], 5)

    assert found == {"tags": ["new", "red", "big"], "at": ["2026-03-01T12:00:00.123456+00:00", "not a number"]}
    assert [call.path[-1] for call in server.calls] == ["t", "data"]
    assert server.calls[1].params["selectedFields"] == "tags,at"
    assert server.calls[1].params["maxResults"] == "100"


@pytest.mark.parametrize(
    ("name", "count"),
    [
        pytest.param("shop.view", 3, id="of a view"),
        pytest.param("shop.gone", 3, id="of a table that is gone"),
        pytest.param("shop.t", 0, id="that nobody wants"),
    ],
)
async def test_samples_that_cannot_be_had_are_none(server: BigQuery, reader: SchemaReader, name: str, count: int) -> None:
    server.put("shop.t", ID)
    server.put("shop.view", ID, type="VIEW")

    assert await reader.samples(name, ["id"], count) == {}
