"""What every `Source` promises. A connector's test subclasses `SourceContract`, and `LookingBackContract` if its source can look back."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

import pyarrow as pa
import pytest

from syncd.domain.errors import SourceMismatch
from syncd.domain.position import position, positions
from syncd.domain.scan import GONE, Position, Relation, Scan, Since
from syncd.ports.connecting import Source


class Kind(Enum):
    """A column's type, whatever the system calls it."""

    INTEGER = "integer"
    TEXT = "text"
    MOMENT = "moment"
    """A timestamp without a zone, with microseconds."""


@dataclass(frozen=True)
class Sample:
    """A table to make. Names are lower case and taken literally."""

    columns: Mapping[str, Kind]
    rows: Sequence[tuple[object, ...]] = ()
    primary_key: tuple[str, ...] = ()
    required: tuple[str, ...] = field(default=())
    """Columns that refuse NULL."""
    name: str = "products"


Make = Callable[..., Awaitable[Source]]
"""Makes samples and answers an open source that holds them; called once in a test."""

Change = Callable[..., Awaitable[None]]
"""`change(rows=…, removed=…)`: writes rows of the sample in place of those with the same first column, and removes those whose first
column has one of some values, in one transaction."""

PRODUCTS = Relation(table="products")
NOON = datetime(2026, 3, 1, 12, 0, 0, 123456)  # noqa: DTZ001 - the column has no zone either
BY_KEY = Scan(relation=PRODUCTS, order=("id",), key=("id",))
BY_TIME = Scan(relation=PRODUCTS, order=("changed", "id"), key=("id",))
COMPOSITE = Scan(relation=PRODUCTS, order=("changed", "country", "id"), key=("country", "id"))
STOCK = Sample({"id": Kind.INTEGER, "name": Kind.TEXT, "changed": Kind.MOMENT}, [], primary_key=("id",), required=("name",))


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def stock(*changed: float | None) -> Sample:
    """Rows with the ids 1, 2, …, changed some seconds after noon; None is NULL."""
    return replace(STOCK, rows=[(n, f"name {n}", None if when is None else at(when)) for n, when in enumerate(changed, 1)])


def keyless(*rows: tuple[int | None, float | None]) -> Sample:
    """Rows of id and change, where the id may be NULL."""
    return Sample({"id": Kind.INTEGER, "changed": Kind.MOMENT}, [(key, None if when is None else at(when)) for key, when in rows])


def countries() -> Sample:
    """Forty rows with a composite key and few different watermarks, in no order."""
    rows = [(("KR", "FR", "O'Hara")[n % 3], n * 7 % 41, None if n % 11 == 0 else at(n % 4)) for n in range(1, 41)]
    return Sample({"country": Kind.TEXT, "id": Kind.INTEGER, "changed": Kind.MOMENT}, rows)


async def batches(source: Source, scan: Scan, rows: int = 1000) -> list[pa.RecordBatch]:
    return [batch async for batch in source.scan(scan, rows)]


async def read(source: Source, scan: Scan, column: str = "id", rows: int = 1000) -> list[Any]:
    """One column of all rows of a scan."""
    return [value for batch in await batches(source, scan, rows) for value in batch.column(column).to_pylist()]


async def stands(source: Source, scan: Scan, rows: int = 1000) -> list[Position]:
    """The positions of all rows of a scan."""
    return [each for batch in await batches(source, scan, rows) for each in positions(batch, scan.order)]


@asynccontextmanager
async def scanning(source: Source, scan: Scan, rows: int) -> AsyncIterator[AsyncIterator[pa.RecordBatch]]:
    """The batches of a scan that may be left before its end."""
    async with aclosing(source.scan(scan, rows)) as found:
        yield found


def instant(text: str | None) -> datetime:
    """Watermark text as a moment, whatever its fraction looks like."""
    assert text is not None
    return datetime.fromisoformat(text.replace("T", " ").rstrip("Z"))


class SourceContract:
    """A subclass has the fixture `make`, a `Make`."""

    # ── describing ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def test_a_table_is_described(self, make: Make) -> None:
        source = await make(stock(0))

        table = await source.describe(PRODUCTS)

        assert table.name == "products"
        assert table.names == ("id", "name", "changed")
        assert table.primary_key == ("id",)
        assert [column.nullable for column in table.columns] == [False, False, True]
        assert all(column.type for column in table.columns)

    async def test_the_schema_is_what_a_scan_of_all_columns_yields(self, make: Make) -> None:
        source = await make(stock(0))

        table = await source.describe(PRODUCTS)

        [batch] = await batches(source, BY_KEY)
        assert batch.schema.names == table.schema.names
        assert batch.schema.types == table.schema.types

    async def test_a_query_is_described(self, make: Make) -> None:
        source = await make(stock(0))

        table = await source.describe(Relation(query='select "name" as "title", "id" from "products"'))

        assert table.names == ("title", "id")

    async def test_an_unknown_table_is_a_mismatch_that_names_a_similar_one(self, make: Make) -> None:
        source = await make(stock(0))

        with pytest.raises(SourceMismatch, match=r"prodcts.*did you mean 'products'"):
            await source.describe(Relation(table="prodcts"))

    @pytest.mark.parametrize(
        "scan",
        [
            pytest.param(replace(BY_KEY, order=("changd", "id")), id="in the order"),
            pytest.param(replace(BY_KEY, columns=("id", "changd")), id="among the columns"),
            pytest.param(replace(BY_KEY, since=Since("changd", "2026-01-01")), id="as the watermark"),
            pytest.param(replace(BY_KEY, key=("changd",), keys=(("1",),)), id="in the key"),
        ],
    )
    async def test_an_unknown_column_is_a_mismatch_that_names_a_similar_one(self, make: Make, scan: Scan) -> None:
        source = await make(stock(0))

        with pytest.raises(SourceMismatch, match=r"changd.*did you mean 'changed'"):
            await batches(source, scan)

    @pytest.mark.parametrize("predicate", ['"nosuch" = 1', '"id" = ', '"id" = 1)'])
    async def test_a_predicate_that_is_none_is_a_mismatch(self, make: Make, predicate: str) -> None:
        source = await make(stock(0))

        with pytest.raises(SourceMismatch):
            await batches(source, replace(BY_KEY, gone=predicate))

    async def test_a_query_that_is_none_is_a_mismatch(self, make: Make) -> None:
        source = await make(stock(0))

        with pytest.raises(SourceMismatch):
            await source.describe(Relation(query='select * frm "products"'))

    # ── scanning ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    @pytest.mark.parametrize("scan", [BY_KEY, BY_TIME])
    async def test_an_empty_table_has_no_batches(self, make: Make, scan: Scan) -> None:
        source = await make(stock())

        assert await batches(source, scan) == []
        assert await source.count(scan) == 0

    async def test_rows_come_in_the_order_of_the_key(self, make: Make) -> None:
        source = await make(replace(STOCK, rows=[(n * 37 % 101, "x", NOON) for n in range(1, 101)]))

        assert await read(source, BY_KEY) == list(range(1, 101))

    async def test_rows_come_in_the_order_of_watermark_and_key_those_without_a_watermark_first(self, make: Make) -> None:
        source = await make(stock(5, None, 3, 5, 1, None, 3))

        assert await read(source, BY_TIME) == [2, 6, 5, 3, 7, 1, 4]

    async def test_rows_without_a_key_are_yielded_first(self, make: Make) -> None:
        source = await make(keyless((2, 0), (None, 5), (1, 0), (None, 3)))

        assert await read(source, BY_KEY) == [None, None, 1, 2]

    async def test_rows_without_a_key_are_part_of_a_scan_since_a_watermark(self, make: Make) -> None:
        source = await make(keyless((2, 1), (None, 1), (1, 2), (None, 0), (None, None), (3, None)))

        assert await read(source, replace(BY_TIME, since=Since("changed", str(at(1))))) == [None, 2, 1]

    @pytest.mark.parametrize("rows", [1, 3, 7, 1000])
    async def test_batches_hold_some_rows_and_never_too_many(self, make: Make, rows: int) -> None:
        source = await make(stock(*range(20)))

        found = await batches(source, BY_TIME, rows)

        assert all(0 < batch.num_rows <= rows for batch in found)
        assert sum(batch.num_rows for batch in found) == 20

    @pytest.mark.parametrize("rows", [1, 2, 3, 5, 100])
    async def test_equal_watermarks_across_batches_lose_and_double_nothing(self, make: Make, rows: int) -> None:
        source = await make(countries())

        found = await stands(source, COMPOSITE, rows)

        assert len(found) == len(set(found)) == 40

    async def test_columns_come_as_asked(self, make: Make) -> None:
        source = await make(stock(0))

        [batch] = await batches(source, replace(BY_KEY, columns=("changed", "id")))

        assert batch.schema.names == ["changed", "id"]
        assert batch.column("changed").to_pylist() == [NOON]

    async def test_a_query_is_scanned(self, make: Make) -> None:
        source = await make(stock(0, 1, 2))
        query = Relation(query='select "id" * 10 as "tens" from "products" where "id" > 1')

        assert await stands(source, Scan(relation=query, order=("tens",))) == [("20",), ("30",)]

    async def test_large_tables_come_whole_and_begin_at_once(self, make: Make) -> None:
        source = await make(replace(STOCK, rows=[(n, "x" * 200, at(n % 50)) for n in range(12_345)]))

        async with scanning(source, BY_TIME, 500) as found:
            first = await anext(found)

        assert first.num_rows <= 500
        assert sorted(await read(source, BY_TIME, rows=500)) == list(range(12_345))

    async def test_two_scans_at_once_do_not_disturb_each_other(self, make: Make) -> None:
        source = await make(stock(*range(50)))

        async with scanning(source, BY_KEY, 10) as one, scanning(source, BY_TIME, 10) as two:
            pairs = [(await anext(one), await anext(two)) for _ in range(5)]

        assert all(left.column("id") == right.column("id") for left, right in pairs)

    # ── resuming ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    @pytest.mark.parametrize("rows", [1, 7, 1000])
    async def test_a_scan_resumes_strictly_behind_any_row(self, make: Make, rows: int) -> None:
        source = await make(countries())
        whole = await stands(source, COMPOSITE)

        for split, after in enumerate(whole):
            assert await stands(source, replace(COMPOSITE, after=after), rows) == whole[split + 1 :]

    async def test_a_scan_since_a_watermark_resumes_strictly_behind_any_row(self, make: Make) -> None:
        source = await make(countries())
        scan = replace(COMPOSITE, since=Since("changed", str(at(2))))
        whole = await stands(source, scan)

        for split, after in enumerate(whole):
            assert await stands(source, replace(scan, after=after)) == whole[split + 1 :]

    async def test_a_position_that_no_row_has_any_more_is_fine(self, make: Make) -> None:
        source = await make(stock(0, 1, 2, 3))

        assert await read(source, replace(BY_TIME, after=(str(at(1.5)), "77"))) == [3, 4]

    async def test_the_last_row_of_each_batch_leads_to_the_next_batch(self, make: Make) -> None:
        source = await make(countries())
        whole = await stands(source, COMPOSITE)

        found: list[Position] = []
        after: Position | None = None
        while True:
            async with scanning(source, replace(COMPOSITE, after=after), 7) as rest:
                batch = await anext(rest, None)
            if batch is None:
                break
            found += positions(batch, COMPOSITE.order)
            after = position(batch, batch.num_rows - 1, COMPOSITE.order)

        assert found == whole

    # ── parts ────────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def test_a_scan_ends_with_the_rows_at_any_position(self, make: Make) -> None:
        source = await make(countries())
        whole = await stands(source, COMPOSITE)

        for end, until in enumerate(whole, 1):
            assert await stands(source, replace(COMPOSITE, until=until), 7) == whole[:end]

    async def test_a_scan_between_two_positions_has_the_rows_between_them(self, make: Make) -> None:
        source = await make(countries())
        whole = await stands(source, COMPOSITE)

        for start in range(0, 40, 3):
            for end in range(start, 40, 5):
                assert await stands(source, replace(COMPOSITE, after=whole[start], until=whole[end])) == whole[start + 1 : end + 1]

    async def test_a_scan_may_end_where_no_row_is(self, make: Make) -> None:
        source = await make(stock(0, 1, 2, 3))

        assert await read(source, replace(BY_TIME, until=(str(at(1.5)), "77"))) == [1, 2]
        assert await read(source, replace(BY_TIME, since=Since("changed", str(at(1))), until=(str(at(2)), "3"))) == [2, 3]

    @pytest.mark.parametrize("parts", [2, 4, 7])
    @pytest.mark.parametrize(
        ("sample", "scan"),
        [
            pytest.param(stock(), BY_KEY, id="nothing"),
            pytest.param(stock(0), BY_KEY, id="one row"),
            pytest.param(stock(*range(5000)), BY_KEY, id="many rows"),
            pytest.param(keyless(*((n * n * n if n % 10 else None, 0) for n in range(1, 2000))), BY_KEY, id="uneven, some without a key"),
            pytest.param(countries(), replace(COMPOSITE, order=("country", "id")), id="a composite key"),
        ],
    )
    async def test_positions_cut_a_scan_into_parts_that_hold_every_row_once(
        self, make: Make, sample: Sample, scan: Scan, parts: int
    ) -> None:
        source = await make(sample)

        cuts = await source.split(scan, parts)

        ranges = zip([None, *cuts], [*cuts, None], strict=True)
        found = [each for after, until in ranges for each in await stands(source, replace(scan, after=after, until=until))]
        assert len(cuts) < parts
        assert not any(None in cut for cut in cuts)
        assert found == await stands(source, scan)

    # ── since, gone, keys ────────────────────────────────────────────────────────────────────────────────────────────────

    async def test_since_is_inclusive(self, make: Make) -> None:
        source = await make(stock(0, 1, 2, 3))

        assert await read(source, replace(BY_TIME, since=Since("changed", str(at(2))))) == [3, 4]

    async def test_since_looks_back(self, make: Make) -> None:
        source = await make(stock(0, 1, 2, 3))

        assert await read(source, replace(BY_TIME, since=Since("changed", str(at(3)), timedelta(seconds=2)))) == [2, 3, 4]

    async def test_rows_without_a_watermark_are_not_part_of_a_scan_since_one(self, make: Make) -> None:
        source = await make(stock(None, 1, None))

        assert await read(source, replace(BY_TIME, since=Since("changed", "1970-01-01 00:00:00"))) == [2]

    async def test_a_numeric_watermark_ignores_lookback(self, make: Make) -> None:
        source = await make(stock(0, 1, 2))

        assert await read(source, replace(BY_KEY, since=Since("id", "2", timedelta(hours=1)))) == [2, 3]

    async def test_the_deletion_predicate_is_a_column_and_null_counts_as_false(self, make: Make) -> None:
        source = await make(stock(0, None, 2))

        found = await batches(source, replace(BY_KEY, columns=("id",), gone='"changed" > "changed" or "changed" is not null and "id" = 3'))

        assert [batch.schema.names for batch in found] == [["id", GONE]]
        assert found[0].column(GONE).to_pylist() == [False, False, True]

    async def test_a_deletion_predicate_that_is_null_is_false(self, make: Make) -> None:
        source = await make(stock(None))

        assert await read(source, replace(BY_KEY, gone='"changed" = "changed"'), GONE) == [False]

    async def test_keys_restrict_a_scan_to_exactly_these(self, make: Make) -> None:
        source = await make(stock(*range(10)))
        scan = replace(BY_KEY, keys=(("7",), ("404",), ("3",)))

        assert await read(source, scan) == [3, 7]
        assert await source.count(scan) == 2

    async def test_no_keys_are_no_rows(self, make: Make) -> None:
        source = await make(stock(*range(10)))

        assert await batches(source, replace(BY_KEY, keys=())) == []

    async def test_thousands_of_keys_are_fine(self, make: Make) -> None:
        source = await make(replace(STOCK, rows=[(n, "x", NOON) for n in range(6000)]))
        wanted = tuple((str(n),) for n in range(0, 12_000, 3))

        assert await read(source, replace(BY_KEY, keys=wanted)) == list(range(0, 6000, 3))

    async def test_composite_keys_match_as_a_whole(self, make: Make) -> None:
        source = await make(Sample({"country": Kind.TEXT, "id": Kind.INTEGER}, [("KR", 1), ("KR", 2), ("FR", 1), ("FR", 2)]))
        scan = Scan(relation=PRODUCTS, order=("country", "id"), key=("country", "id"), keys=(("KR", "2"), ("FR", "1"), ("DE", "1")))

        assert await stands(source, scan) == [("FR", "1"), ("KR", "2")]

    @pytest.mark.parametrize("key", ["it's", 'say "hi"', "'; drop table products; --", "\\", "100%", "한국어 🌶️", "a\nb", "?", ":1"])
    async def test_odd_text_keys_are_taken_literally(self, make: Make, key: str) -> None:
        source = await make(Sample({"id": Kind.TEXT}, [(key,), ("other",), ("it",)]))

        assert await read(source, replace(BY_KEY, keys=((key,),))) == [key]
        assert key not in await read(source, replace(BY_KEY, after=(key,)))

    async def test_text_that_is_no_value_of_the_key_is_the_key_of_no_row(self, make: Make) -> None:
        source = await make(stock(0, 1))

        assert await read(source, replace(BY_KEY, keys=(("one",), ("2",)))) == [2]

    async def test_an_order_that_starts_at_what_is_no_value_is_a_mismatch(self, make: Make) -> None:
        source = await make(stock(0, 1))

        with pytest.raises(SourceMismatch):
            await batches(source, replace(BY_KEY, after=("one",)))

    @pytest.mark.parametrize(
        "part",
        [
            pytest.param({}, id="whole"),
            pytest.param({"since": Since("changed", str(at(2)))}, id="since"),
            pytest.param({"after": (str(at(2)), "3")}, id="after"),
            pytest.param({"until": (str(at(2)), "3")}, id="until"),
            pytest.param({"keys": (("1",), ("3",))}, id="keys"),
        ],
    )
    async def test_a_count_is_the_rows_of_the_scan(self, make: Make, part: dict[str, Any]) -> None:
        source = await make(stock(0, 1, 2, 2, 3, None))
        scan = replace(BY_TIME, **part)

        assert await source.count(scan) == len(await read(source, scan))

    # ── the horizon ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def test_the_horizon_is_the_highest_watermark(self, make: Make) -> None:
        source = await make(stock(3, 9, 4))

        horizon = await source.horizon(PRODUCTS, "changed")

        assert instant(horizon.reaches) == at(9)
        assert horizon.nulls == 0

    async def test_the_horizon_is_where_the_next_scan_begins(self, make: Make) -> None:
        source = await make(stock(3, 9, 4))
        horizon = await source.horizon(PRODUCTS, "changed")

        assert await read(source, replace(BY_TIME, since=Since("changed", str(horizon.reaches)))) == [2]

    async def test_a_watermark_in_the_future_does_not_carry_the_horizon_away(self, make: Make) -> None:
        far = timedelta(days=366 * 75).total_seconds()
        source = await make(stock(3, far, 4))

        horizon = await source.horizon(PRODUCTS, "changed")

        assert horizon.reaches is not None
        assert abs(instant(horizon.reaches) - datetime.now(UTC).replace(tzinfo=None)) < timedelta(minutes=5)
        assert instant(horizon.reaches) <= instant(horizon.now)

    async def test_the_horizon_counts_rows_without_a_watermark(self, make: Make) -> None:
        source = await make(stock(None, 1, None))

        horizon = await source.horizon(PRODUCTS, "changed")

        assert instant(horizon.reaches) == at(1)
        assert horizon.nulls == 2

    @pytest.mark.parametrize("sample", [stock(), stock(None)])
    async def test_without_any_watermark_there_is_no_horizon(self, make: Make, sample: Sample) -> None:
        source = await make(sample)

        horizon = await source.horizon(PRODUCTS, "changed")

        assert horizon.reaches is None
        assert horizon.nulls == len(sample.rows)

    async def test_a_numeric_watermark_has_no_clock_and_no_cap(self, make: Make) -> None:
        source = await make(replace(STOCK, rows=[(9_000_000_000_000_000, "x", None), (5, "y", None)]))

        horizon = await source.horizon(PRODUCTS, "id")

        assert horizon.reaches == "9000000000000000"
        assert horizon.now is None

    async def test_an_unknown_watermark_is_a_mismatch(self, make: Make) -> None:
        source = await make(stock(0))

        with pytest.raises(SourceMismatch, match="did you mean 'changed'"):
            await source.horizon(PRODUCTS, "chnged")


class LookingBackContract:
    """For a source whose tables have versions. A subclass has the fixtures `make` and `change`, a `Make` and a `Change`."""

    async def test_a_moment_shows_the_rows_as_they_were(self, make: Make, change: Change) -> None:
        source = await make(stock(0, 1, 2))
        moment = (await source.horizon(PRODUCTS, "changed")).moment

        await change(rows=[(2, "new", at(9)), (4, "four", at(9))], removed=[1])

        assert moment
        assert await read(source, replace(BY_KEY, moment=moment), "name") == ["name 1", "name 2", "name 3"]
        assert await source.count(replace(BY_KEY, moment=moment)) == 3
        assert await read(source, BY_KEY, "name") == ["new", "name 3", "four"]

    async def test_a_scan_of_a_moment_does_not_see_what_happens_meanwhile(self, make: Make, change: Change) -> None:
        source = await make(stock(*range(1000)))
        moment = (await source.horizon(PRODUCTS, "changed")).moment

        async with scanning(source, replace(BY_TIME, moment=moment), 100) as found:
            names = (await anext(found)).column("name").to_pylist()
            await change(rows=[(1, "new", at(5000)), (990, "new", at(5000))], removed=[500])
            names += [name async for batch in found for name in batch.column("name").to_pylist()]

        assert names == [f"name {n}" for n in range(1, 1001)]

    @pytest.mark.parametrize("after", [None, ("40",)])
    async def test_parts_of_a_moment_hold_every_row_of_it(self, make: Make, change: Change, after: Position | None) -> None:
        source = await make(stock(*range(2000)))
        scan = replace(BY_KEY, after=after, moment=(await source.horizon(PRODUCTS, "changed")).moment)
        before = await read(source, scan)

        await change(rows=[(5000, "new", at(1))], removed=[50, 1999])
        cuts = await source.split(scan, 4)

        ranges = zip([after, *cuts], [*cuts, None], strict=True)
        assert [each for start, end in ranges for each in await read(source, replace(scan, after=start, until=end))] == before

    async def test_changed_rows_have_a_version_behind_the_moment_before(self, make: Make, change: Change) -> None:
        source = await make(stock(0, 1, 2))
        version = (await source.describe(PRODUCTS)).version
        moment = (await source.horizon(PRODUCTS, version)).moment

        await change(rows=[(2, "new", at(-5))])

        scan = Scan(PRODUCTS, (version, "id"), ("id", "name", version), since=Since(version, moment), key=("id",))
        found = {row["id"]: row for batch in await batches(source, scan) for row in batch.to_pylist()}
        assert found[2]["name"] == "new"
        assert found[2][version] > int(moment)

    async def test_a_scan_since_a_version_resumes_strictly_behind_any_row(self, make: Make, change: Change) -> None:
        source = await make(stock(0, 1, 2))
        version = (await source.describe(PRODUCTS)).version
        for number in (3, 1, 2, 3):
            await change(rows=[(number, "new", at(9))])
        scan = Scan(PRODUCTS, (version, "id"), ("id", version), since=Since(version, "0"), key=("id",))
        whole = await stands(source, scan)

        assert len(whole) == 3
        for split, after in enumerate(whole):
            assert await stands(source, replace(scan, after=after)) == whole[split + 1 :]

    async def test_a_horizon_of_the_version_misses_nothing_that_comes_later(self, make: Make, change: Change) -> None:
        source = await make(stock(0, 1, 2))
        version = (await source.describe(PRODUCTS)).version

        horizon = await source.horizon(PRODUCTS, version)
        await change(rows=[(1, "new", at(-5))])

        assert horizon.exact
        assert horizon.nulls == 0
        assert horizon.now is None
        scan = Scan(PRODUCTS, (version, "id"), ("id", version), since=Since(version, str(horizon.reaches)), key=("id",))
        assert 1 in await read(source, scan)

    async def test_rows_that_were_removed_between_two_moments_are_told(self, make: Make, change: Change) -> None:
        source = await make(stock(*range(10)))
        version = (await source.describe(PRODUCTS)).version
        await change(removed=[1])
        start = (await source.horizon(PRODUCTS, "changed")).moment
        await change(rows=[(2, "new", at(11))], removed=[5])
        await change(removed=[4, 3])
        end = (await source.horizon(PRODUCTS, "changed")).moment
        await change(removed=[6])

        removed, order = Relation(table="products", removed=True), (version, "id")
        scan = Scan(removed, order, order, since=Since(version, start), moment=end, key=("id",))

        found = await stands(source, scan, 2)
        assert [number for _, number in found if number != "1"] == ["5", "3", "4"]
        assert all(int(start) <= int(when) <= int(end) for when, _ in found if when is not None)
        assert await stands(source, replace(scan, after=found[-2])) == found[-1:]
