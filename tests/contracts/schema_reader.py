"""What every `SchemaReader` promises. A connector's test subclasses `SchemaReaderContract`, and `NestingContract` if its tables nest."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import pytest

from syncd.domain.errors import SourceMismatch
from syncd.domain.schema import Column, Table, TableKind
from syncd.ports.warehouse import SchemaReader
from tests.contracts.source import Kind


@dataclass(frozen=True)
class Sample:
    """A table to make. Names are lower case here; a warehouse spells them as it likes."""

    name: str
    columns: Mapping[str, Kind]
    rows: Sequence[tuple[object, ...]] = ()
    required: tuple[str, ...] = ()
    """Columns that refuse NULL."""
    comment: str = ""
    comments: Mapping[str, str] = field(default_factory=dict)
    """Of columns."""


class Warehouse(Protocol):
    """A warehouse that tests can change, with an open reader of it.

    Each `SchemaReader` is tested through a small class of this kind. Names are those of the samples: lower case, without the schema.
    """

    reader: SchemaReader
    schema: str
    """The one that all samples are made in; it is there from the beginning, and empty."""

    def listed(self, table: str) -> str:
        """The name of a table as listings have it: `main.customers`."""

    def spelt(self, column: str) -> str:
        """The name of a column as descriptions have it."""

    def sql(self, table: str) -> str:
        """The name of a table as queries have it."""

    async def create(self, *samples: Sample) -> None: ...

    async def create_view(self, name: str, of: str) -> None:
        """A view with all columns of a table."""

    async def insert(self, table: str, row: tuple[object, ...]) -> None: ...

    async def add(self, table: str, column: str) -> None:
        """Add a column of text."""

    async def rename(self, table: str, column: str, to: str) -> None: ...

    async def drop_column(self, table: str, column: str) -> None: ...

    async def comment(self, table: str, column: str, comment: str) -> None:
        """Comment on a column."""

    async def drop(self, table: str) -> None: ...

    async def rows(self, table: str) -> int:
        """How many rows a table has. Raises if there is no such table."""


Change = Callable[[], Awaitable[None]]

CUSTOMERS = Sample(
    "customers",
    {"id": Kind.INTEGER, "city": Kind.TEXT, "joined": Kind.MOMENT},
    [(1, "Seoul", None), (2, "Paris", None), (3, "Seoul", None), (4, None, None)],
    required=("id",),
    comment="Who has bought something.",
    comments={"city": "Where they live; Müller's too."},
)
ORDERS = Sample("orders", {"id": Kind.INTEGER, "note": Kind.TEXT}, [(1, "first"), (2, "second")])


async def described(warehouse: Warehouse, *names: str) -> Sequence[Table]:
    return await warehouse.reader.describe([warehouse.listed(name) for name in names])


class SchemaReaderContract:
    """A subclass has the fixture `warehouse`, a `Warehouse`."""

    # ── listing ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def test_tables_and_views_are_listed_in_order_of_name(self, warehouse: Warehouse) -> None:
        await warehouse.create(ORDERS, CUSTOMERS)
        await warehouse.create_view("latest", "orders")

        listed = await warehouse.reader.list([warehouse.schema])

        assert [(each.name, each.kind) for each in listed] == [
            (warehouse.listed("customers"), TableKind.TABLE),
            (warehouse.listed("latest"), TableKind.VIEW),
            (warehouse.listed("orders"), TableKind.TABLE),
        ]

    async def test_a_schema_without_tables_lists_nothing(self, warehouse: Warehouse) -> None:
        assert list(await warehouse.reader.list([warehouse.schema])) == []

    async def test_an_unknown_schema_is_a_mismatch_that_names_it(self, warehouse: Warehouse) -> None:
        with pytest.raises(SourceMismatch, match="nosuch_schema") as caught:
            await warehouse.reader.list([warehouse.schema, "nosuch_schema"])

        assert caught.value.hint

    async def test_the_dialect_is_known(self, warehouse: Warehouse) -> None:
        assert warehouse.reader.dialect in {"bigquery", "duckdb", "oracle"}

    # ── describing ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def test_a_table_is_described(self, warehouse: Warehouse) -> None:
        await warehouse.create(CUSTOMERS)

        [table] = await described(warehouse, "customers")

        assert table.name == warehouse.listed("customers")
        assert table.names == tuple(map(warehouse.spelt, CUSTOMERS.columns))
        assert [column.nullable for column in table.columns] == [False, True, True]
        assert all(column.type and not column.fields and not column.repeated for column in table.columns)
        assert table.kind is TableKind.TABLE

    async def test_comments_are_described(self, warehouse: Warehouse) -> None:
        await warehouse.create(CUSTOMERS)

        [table] = await described(warehouse, "customers")

        assert table.comment == "Who has bought something."
        assert [column.comment for column in table.columns] == ["", "Where they live; Müller's too.", ""]

    async def test_a_view_is_described(self, warehouse: Warehouse) -> None:
        await warehouse.create(CUSTOMERS)
        await warehouse.create_view("everybody", "customers")

        [view] = await described(warehouse, "everybody")

        assert view.names == tuple(map(warehouse.spelt, CUSTOMERS.columns))
        assert view.kind is TableKind.VIEW

    async def test_tables_are_described_in_the_order_asked_for(self, warehouse: Warehouse) -> None:
        await warehouse.create(CUSTOMERS, ORDERS)

        tables = await described(warehouse, "orders", "customers")

        assert [table.name for table in tables] == [warehouse.listed("orders"), warehouse.listed("customers")]

    async def test_nothing_asked_is_nothing_described(self, warehouse: Warehouse) -> None:
        assert list(await warehouse.reader.describe([])) == []

    async def test_a_table_that_is_gone_since_the_listing_is_left_out(self, warehouse: Warehouse) -> None:
        await warehouse.create(CUSTOMERS, ORDERS)
        listed = await warehouse.reader.list([warehouse.schema])
        await warehouse.drop("customers")

        tables = await warehouse.reader.describe([each.name for each in listed])

        assert [table.name for table in tables] == [warehouse.listed("orders")]

    # ── changes ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def test_a_new_row_changes_no_description(self, warehouse: Warehouse) -> None:
        await warehouse.create(CUSTOMERS)
        before = await described(warehouse, "customers")

        await warehouse.insert("customers", (5, "Rome", None))

        assert await described(warehouse, "customers") == before

    async def test_a_new_column_changes_the_description(self, warehouse: Warehouse) -> None:
        await warehouse.create(CUSTOMERS)

        await self._changes(warehouse, lambda: warehouse.add("customers", "street"))

        [table] = await described(warehouse, "customers")
        assert table.names[-1] == warehouse.spelt("street")

    async def test_a_renamed_column_changes_the_description(self, warehouse: Warehouse) -> None:
        await warehouse.create(CUSTOMERS)

        await self._changes(warehouse, lambda: warehouse.rename("customers", "city", "town"))

        [table] = await described(warehouse, "customers")
        assert warehouse.spelt("town") in table.names
        assert warehouse.spelt("city") not in table.names

    async def test_a_dropped_column_changes_the_description(self, warehouse: Warehouse) -> None:
        await warehouse.create(CUSTOMERS)

        await self._changes(warehouse, lambda: warehouse.drop_column("customers", "city"))

        [table] = await described(warehouse, "customers")
        assert table.names == (warehouse.spelt("id"), warehouse.spelt("joined"))

    async def test_another_comment_changes_the_description(self, warehouse: Warehouse) -> None:
        await warehouse.create(CUSTOMERS)

        await self._changes(warehouse, lambda: warehouse.comment("customers", "city", "Where they lived."))

        [table] = await described(warehouse, "customers")
        assert table.columns[1].comment == "Where they lived."

    @staticmethod
    async def _changes(warehouse: Warehouse, change: Change) -> None:
        """Neither the stamp nor the hint may be the same across a change, unless they are empty."""
        before = await warehouse.reader.stamp()
        [listed] = await warehouse.reader.list([warehouse.schema])

        await change()

        after = await warehouse.reader.stamp()
        [again] = await warehouse.reader.list([warehouse.schema])
        assert not before or before != after
        assert not listed.hint or listed.hint != again.hint

    # ── examining ────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def test_a_good_query_is_analysed(self, warehouse: Warehouse) -> None:
        await warehouse.create(CUSTOMERS)

        [found] = await warehouse.reader.examine([f"SELECT city, COUNT(*) AS n FROM {warehouse.sql('customers')} GROUP BY city"])

        assert found.analysed
        assert found.problem == ""

    async def test_an_unknown_column_is_told_with_its_name(self, warehouse: Warehouse) -> None:
        await warehouse.create(CUSTOMERS)

        [found] = await warehouse.reader.examine([f"SELECT citty FROM {warehouse.sql('customers')}"])

        assert "citty" in found.problem.lower()
        assert not found.analysed
        assert not found.ran

    async def test_each_query_is_answered_alone_in_the_order_asked_for(self, warehouse: Warehouse) -> None:
        await warehouse.create(CUSTOMERS)
        good, bad = (f"SELECT COUNT({column}) AS n FROM {warehouse.sql('customers')}" for column in ("city", "citty"))

        found = await warehouse.reader.examine([bad, good, bad, good])

        assert [each.analysed for each in found] == [False, True, False, True]

    async def test_nothing_asked_is_nothing_examined(self, warehouse: Warehouse) -> None:
        assert list(await warehouse.reader.examine([])) == []

    @pytest.mark.parametrize(
        "statement",
        [
            pytest.param("DELETE FROM {} WHERE 1 = 1", id="a deletion"),
            pytest.param("DROP TABLE {}", id="a definition"),
            pytest.param("SELECT 1; DELETE FROM {} WHERE 1 = 1", id="a second statement"),
            pytest.param("INSERT INTO {0} SELECT * FROM {0}", id="an insertion"),
        ],
    )
    async def test_whatever_a_query_says_nothing_is_written(self, warehouse: Warehouse, statement: str) -> None:
        await warehouse.create(CUSTOMERS)

        [found] = await warehouse.reader.examine([statement.format(warehouse.sql("customers"))])

        assert not found.ran
        assert await warehouse.rows("customers") == 4

    # ── samples ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def test_samples_are_different_values_as_text_without_null(self, warehouse: Warehouse) -> None:
        await warehouse.create(CUSTOMERS)
        city, number = warehouse.spelt("city"), warehouse.spelt("id")

        found = await warehouse.reader.samples(warehouse.listed("customers"), [city, number], 10)

        assert {name: sorted(values) for name, values in found.items()} == {city: ["Paris", "Seoul"], number: ["1", "2", "3", "4"]}

    async def test_samples_are_no_more_than_asked_for(self, warehouse: Warehouse) -> None:
        await warehouse.create(CUSTOMERS)
        number = warehouse.spelt("id")

        found = await warehouse.reader.samples(warehouse.listed("customers"), [number], 2)

        assert list(found) == [number]
        assert len(found[number]) == 2


class NestingContract:
    """For tables whose columns have fields. A subclass has the fixture `nested`, a reader, and the name of a table.

    The table is `id INTEGER, place {city TEXT, at {lat REAL, lon REAL}}, params list of {key TEXT, value INTEGER}, tags list of TEXT`.
    """

    async def test_fields_are_described_down_to_the_leaves(self, nested: tuple[SchemaReader, str]) -> None:
        reader, name = nested

        [table] = await reader.describe([name])

        leaves = [path for column in table.columns for path, _ in column.leaves()]
        assert leaves == ["id", "place.city", "place.at.lat", "place.at.lon", "params.key", "params.value", "tags"]

    async def test_lists_are_told(self, nested: tuple[SchemaReader, str]) -> None:
        reader, name = nested

        [table] = await reader.describe([name])

        assert [(column.name, column.repeated) for column in table.columns] == [
            ("id", False),
            ("place", False),
            ("params", True),
            ("tags", True),
        ]
        assert all(not leaf.repeated for column in table.columns if column.fields for _, leaf in column.leaves())

    async def test_the_type_of_a_column_with_fields_does_not_repeat_them(self, nested: tuple[SchemaReader, str]) -> None:
        reader, name = nested

        [table] = await reader.describe([name])

        assert all("city" not in column.type and "key" not in column.type for column in _within(table.columns))


def _within(columns: Sequence[Column]) -> list[Column]:
    return [each for column in columns for each in (column, *_within(column.fields))]
