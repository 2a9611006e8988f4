"""The ladder over a real file: what each check says, in which order, and what is told all the same."""

from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import duckdb
import pytest

from syncd import catalogue
from syncd.domain.errors import SourceUnavailable
from syncd.domain.schema import Table
from syncd.engines.metadata.checks.catalog import Catalog, Unit
from syncd.engines.metadata.checks.ladder import Ladder
from syncd.engines.metadata.checks.verdict import Level, Use, Verdict
from syncd.ports.warehouse import Examined, Listed, SchemaReader
from tests.engines.metadata.folding.warehouses import columns

NAMED = {Level.STATEMENT, Level.NAMES}


@pytest.fixture
async def reader(tmp_path: Path) -> AsyncIterator[SchemaReader]:
    file = tmp_path / "shop.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute("CREATE TABLE orders (id INTEGER, status VARCHAR, total DECIMAL(10, 2))")
        connection.execute("INSERT INTO orders VALUES (1, 'paid', 3), (2, 'secret', 4)")
    connector = catalogue.connector("duckdb")
    assert connector.schemas is not None
    async with connector.schemas(connector.settings(path=file, spill_dir=tmp_path / "spill")) as reader:
        yield reader


CATALOG = Catalog("duckdb", {"main.orders": Unit("main.orders", columns("id:INTEGER status:VARCHAR total:DECIMAL(10,2)"))})


class Told:
    """A warehouse that says of every query what it is told to say."""

    dialect = "duckdb"

    def __init__(self, *seen: Examined) -> None:
        self._seen = seen
        self.asked: list[str] = []

    async def stamp(self) -> str:
        return ""

    async def list(self, schemas: Sequence[str]) -> Sequence[Listed]:
        return ()

    async def describe(self, names: Sequence[str]) -> Sequence[Table]:
        return ()

    async def examine(self, queries: Sequence[str]) -> Sequence[Examined]:
        self.asked += queries
        if not self._seen:
            raise SourceUnavailable("nobody answers")
        return self._seen[: len(queries)]

    async def samples(self, name: str, columns: Sequence[str], count: int) -> Mapping[str, Sequence[str]]:
        return {}


class Thinks:
    """An analyser with one opinion."""

    def __init__(self, name: str, opinion: str | None) -> None:
        self._name = name
        self._opinion = opinion
        self.asked: list[str] = []

    @property
    def name(self) -> str:
        return self._name

    async def analyse(self, queries: Sequence[str]) -> Sequence[str | None]:
        self.asked += queries
        return [self._opinion for _ in queries]


def codes(verdict: Verdict) -> list[str]:
    return [complaint.code for complaint in verdict.complaints]


SEEN: dict[str, tuple[list[str], set[Level]]] = {
    "DROP TABLE orders": (["sql.not_read_only"], set()),
    "SELECT 1; SELECT 2": (["sql.not_one_statement"], set()),
    "SELECT i FROM orders LIMIT 1": (["sql.unknown_column"], {Level.STATEMENT, Level.LINTED}),
    "SELECT id FROM ordrs LIMIT 1": (["sql.unknown_table"], {Level.STATEMENT, Level.LINTED}),
    "SELECT sum(status) AS n FROM orders": (["sql.rejected"], {*NAMED, Level.LINTED}),
    "SELECT sum(CAST(status AS INTEGER)) AS n FROM orders": (["sql.failed"], {*NAMED, Level.ANALYSED, Level.LINTED}),
    "SELECT * FROM orders LIMIT 3": (["lint.select_star"], {*NAMED, Level.ANALYSED, Level.RAN}),
    "SELECT *, sum(status) OVER () AS n FROM orders LIMIT 3": (["sql.rejected", "lint.select_star"], NAMED),
    "SELECT status, count(*) AS n FROM orders GROUP BY status": ([], set(Level)),
}
"""Query -> what is told of it, in order, and the levels that it passes."""


async def test_each_level_tells_what_it_has_against_a_query_and_lint_is_always_told(reader: SchemaReader) -> None:
    ladder = Ladder(CATALOG, reader)

    verdicts = await ladder.check(list(SEEN))

    found = {sql: (codes(verdict), set(verdict.passed)) for sql, verdict in zip(SEEN, verdicts, strict=True)}
    assert found == SEEN
    assert [verdict.good for verdict in verdicts] == [not complaints for complaints, _ in SEEN.values()]
    assert (verdicts[-1].level, verdicts[-1].by) == (Level.LINTED, ("duckdb",))
    assert verdicts[-1].uses == {Use("main.orders", "status")}
    assert "secret" not in str(verdicts)


async def test_what_the_text_alone_rules_out_nobody_else_is_asked() -> None:
    told, analyser = Told(Examined(analysed=False, ran=False)), Thinks("a", "")
    ladder = Ladder(CATALOG, told, (analyser,))

    await ladder.check(["DROP TABLE orders", "SELECT x FROM orders", "SELECT id FROM orders LIMIT 1"])

    assert told.asked == analyser.asked == ["SELECT id FROM orders LIMIT 1"]


QUERY = "SELECT id FROM orders LIMIT 1"
SILENT = Examined(analysed=False, ran=False)


@pytest.mark.parametrize(
    ("seen", "opinions", "by", "complaints"),
    [
        pytest.param(Examined(analysed=True, ran=False), ["no"], ("duckdb",), [], id="the warehouse has looked"),
        pytest.param(Examined(analysed=False, ran=False, problem="bad"), [""], ("duckdb",), ["bad"], id="the warehouse rejects"),
        pytest.param(SILENT, ["", "no"], ("0",), [], id="the first one accepts"),
        pytest.param(SILENT, ["no", ""], ("0",), ["no"], id="the first one rejects"),
        pytest.param(SILENT, [None, "no"], ("1",), ["no"], id="the first one cannot tell"),
        pytest.param(SILENT, [None, None], (), [], id="nobody can tell"),
    ],
)
async def test_the_warehouse_counts_and_then_the_first_who_can_tell(
    seen: Examined, opinions: list[str | None], by: tuple[str, ...], complaints: list[str]
) -> None:
    analysers = [Thinks(str(number), opinion) for number, opinion in enumerate(opinions)]
    ladder = Ladder(CATALOG, Told(seen), analysers)

    [verdict] = await ladder.check([QUERY])

    assert verdict.by == by
    assert [complaint.message for complaint in verdict.complaints] == complaints


async def test_without_anybody_to_ask_a_query_is_good_by_its_names() -> None:
    ladder = Ladder(CATALOG, Told(SILENT))

    [verdict] = await ladder.check([QUERY])

    assert (verdict.good, verdict.level) == (True, Level.NAMES)


@pytest.mark.parametrize(
    ("read", "cap", "good"),
    [
        pytest.param(2_000, 1_000, False, id="more"),
        pytest.param(1_000, 1_000, True, id="as much"),
        pytest.param(2_000, None, True, id="no cap"),
        pytest.param(None, 1_000, True, id="it cannot tell"),
    ],
)
async def test_a_query_may_read_no_more_than_the_cap(read: int | None, cap: int | None, good: bool) -> None:
    told = Told(Examined(analysed=True, ran=False, bytes=read))
    ladder = Ladder(CATALOG, told, most_bytes=cap)

    [verdict] = await ladder.check([QUERY])

    assert verdict.good == good
    assert [complaint.level for complaint in verdict.complaints] == [] if good else [Level.LINTED]


async def test_a_warehouse_that_cannot_be_asked_is_an_error_and_no_verdict() -> None:
    ladder = Ladder(CATALOG, Told())

    with pytest.raises(SourceUnavailable, match="nobody answers"):
        await ladder.check([QUERY])


async def test_nobody_is_asked_about_nothing() -> None:
    ladder = Ladder(CATALOG, Told())

    verdicts = await ladder.check(["DROP TABLE orders"])

    assert [codes(verdict) for verdict in verdicts] == [["sql.not_read_only"]]
    assert list(await ladder.check([])) == []
