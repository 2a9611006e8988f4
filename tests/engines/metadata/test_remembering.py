from datetime import UTC, datetime

import pytest

from syncd.domain.schema import Column, Table, TableKind
from syncd.engines.metadata.folding.folding import FoldingRules, fold
from syncd.engines.metadata.remembering import Remembered, read, to_describe, together, written
from syncd.ports.warehouse import Listed

AT = datetime(2026, 11, 1, tzinfo=UTC)
DAYS = [f"a.events_202610{day:02}" for day in range(1, 31)]


def table(name: str, *columns: str) -> Table:
    return Table(name, tuple(Column(column, "STRING") for column in columns or ("id", "at")), created_at=AT)


def listed(name: str, at: datetime = AT, hint: str = "", kind: TableKind = TableKind.TABLE) -> Listed:
    return Listed(name, kind, at, hint)


REMEMBERED = Remembered({name: table(name) for name in [*DAYS, "a.orders"]})
FOLDED = fold(list(REMEMBERED.tables.values()), FoldingRules())


def test_shards_that_nobody_writes_any_more_are_not_described_again() -> None:
    names = to_describe([listed(name) for name in [*DAYS, "a.orders"]], REMEMBERED, FOLDED, everything=False)

    assert names == [*DAYS[-3:], "a.orders"]


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        pytest.param(listed(DAYS[0], at=datetime(2026, 11, 2, tzinfo=UTC)), True, id="a shard made anew"),
        pytest.param(listed(DAYS[0], kind=TableKind.VIEW), True, id="a shard that is a view now"),
        pytest.param(listed("a.events_20261031"), True, id="a new shard"),
        pytest.param(listed(DAYS[0]), False, id="an old shard"),
        pytest.param(listed("a.orders"), True, id="a table without a hint"),
    ],
)
def test_what_may_have_changed_is_described_again(now: Listed, *, expected: bool) -> None:
    assert bool(to_describe([now], REMEMBERED, FOLDED, everything=False)) is expected


def test_a_table_whose_hint_is_the_same_is_not_described_again() -> None:
    known = Remembered(REMEMBERED.tables, {"a.orders": "v1"})

    assert to_describe([listed("a.orders", hint="v1")], known, FOLDED, everything=False) == []
    assert to_describe([listed("a.orders", hint="v2")], known, FOLDED, everything=False) == ["a.orders"]


def test_a_full_refresh_describes_everything() -> None:
    assert len(to_describe([listed(name) for name in DAYS], REMEMBERED, FOLDED, everything=True)) == len(DAYS)


def test_tables_that_are_gone_are_forgotten_and_new_descriptions_count() -> None:
    known = together([listed("a.orders"), listed("a.items", hint="v1")], REMEMBERED, [table("a.items", "x"), table("a.orders", "y")])

    assert {name: each.names for name, each in known.tables.items()} == {"a.orders": ("y",), "a.items": ("x",)}
    assert known.hints == {"a.items": "v1"}


def test_what_is_remembered_is_read_back_and_kept_small() -> None:
    nested = Column("geo", "STRUCT", comment="where", fields=(Column("city", "STRING", nullable=False, flagged=True),), repeated=True)
    rich = Table(
        "a.rich",
        (nested,),
        primary_key=("geo",),
        comment="말",
        kind=TableKind.VIEW,
        partitioning="DAY(at)",
        clustering=("geo",),
        labels={"team": "x"},
        created_at=AT,
    )
    known = Remembered({**REMEMBERED.tables, "a.rich": rich}, {"a.rich": "v1"})

    text = written(known)

    assert read(text) == known
    assert text.count('"id"') == 1
    assert read(None) == Remembered()
