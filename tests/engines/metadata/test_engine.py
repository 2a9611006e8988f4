"""Whole runs between a real DuckDB file and a real folder: what is published follows the warehouse, and nothing is written without need."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from syncd.domain.errors import InvalidRequest, NotFound, ShrinkRefused, TargetMismatch
from syncd.domain.schedule import Every
from syncd.engines.metadata.cache import Example
from syncd.engines.metadata.snapshots import SNAPSHOTS
from syncd.runtime.schedule import next_fire
from tests.engines.metadata.world import BEGINNING, OBJECT, Crash, World

ORDERS = "CREATE TABLE orders (id BIGINT PRIMARY KEY, customer BIGINT, amount DOUBLE, ordered_at TIMESTAMP, country VARCHAR)"
ITEMS = "CREATE TABLE items (id BIGINT, order_id BIGINT, title VARCHAR, price DOUBLE, sold_at TIMESTAMP)"
ROWS = "INSERT INTO orders SELECT n, n % 5, n * 1.5, TIMESTAMP '2026-01-01' + INTERVAL (n) HOUR, 'KR' FROM range(50) AS r(n)"
SIX = ["generated_at", "generation_method", "schema", "examples", "events_tables", "schema_insights"]
GOLDEN = Path(__file__).parent / "golden.json"


def event_shard(day: str, extra: str = "") -> str:
    return f"CREATE TABLE events_{day} (event_date VARCHAR, event_timestamp BIGINT, event_name VARCHAR, user_pseudo_id VARCHAR{extra})"


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.sql(ORDERS, ITEMS, ROWS)
    return world


def examples_of(world: World, unit: str) -> set[Example]:
    return {kept.example for kept in world.sidecar.units[unit].examples}


async def test_the_first_check_publishes(world: World) -> None:
    report = await world.run()

    assert list(json.loads(world.content)) == SIX
    assert world.cache.generation_method == "deterministic"
    assert set(world.cache.schema) == {"main.items", "main.orders"}
    assert len(world.cache.examples) == 6
    assert report.findings["published"]
    assert world.actions() == ["metadata.published"]


async def test_every_example_was_carried_out_and_says_so(world: World) -> None:
    await world.run()

    kept = [each for state in world.sidecar.units.values() for each in state.examples]
    assert {each.level for each in kept} == {4}
    assert {each.passed for each in kept} == {(0, 1, 2, 3, 4)}
    assert all(each.uses for each in kept)


async def test_a_run_that_finds_nothing_new_writes_no_object(world: World) -> None:
    await world.run()
    before = world.files

    for mode, full in (("check", "false"), ("refresh", "false"), ("refresh", "true"), ("check", "false")):
        world.later(minutes=10)
        await world.run(mode, full=full)

    assert world.files == before
    assert world.actions() == ["metadata.published"]


async def test_rows_are_no_change(world: World) -> None:
    await world.run()
    before = world.files
    world.sql("INSERT INTO orders VALUES (1000, 1, 1.0, now(), 'DE')", "CREATE INDEX i ON orders (country)")

    world.later(minutes=2)
    await world.run()

    assert world.files == before


async def test_a_dropped_column_costs_exactly_the_examples_that_use_it(world: World) -> None:
    await world.run()
    kept_lines = world.content.splitlines()
    before = examples_of(world, "main.orders")
    touched = {example for example in before if "country" in example.sql}
    assert 0 < len(touched) < len(before)
    world.sql("ALTER TABLE orders DROP COLUMN country")

    world.later(seconds=90)
    report = await world.run()

    after = examples_of(world, "main.orders")
    assert before - after == touched
    assert "country" not in world.content.decode()
    untouched = [line for line in kept_lines if b"question" in line and b"country" not in line]
    assert [line for line in untouched if line not in world.content.splitlines() and line.rstrip(b",") not in world.content] == []
    assert report.findings["restructured"] == {"count": 1, "names": ["main.orders"]}
    assert world.actions()[-2:] == ["metadata.changed", "metadata.published"]


async def test_a_new_column_is_published_and_every_example_stays(world: World) -> None:
    await world.run()
    before = world.cache.examples
    world.sql("ALTER TABLE orders ADD COLUMN note VARCHAR", "COMMENT ON COLUMN items.title IS 'as printed'")

    world.later(seconds=90)
    await world.run()

    assert "note" in json.dumps(world.cache.schema["main.orders"])
    assert "as printed" in json.dumps(world.cache.schema["main.items"])
    assert world.cache.examples == before


async def test_a_dropped_table_takes_its_examples_along(world: World) -> None:
    await world.run()
    world.sql("DROP TABLE items")

    world.later(seconds=90)
    await world.run()

    assert set(world.cache.schema) == {"main.orders"}
    assert all("items" not in example.sql for example in world.cache.examples)


async def test_a_new_daily_shard_is_told_by_the_daily_refresh_and_not_before(world: World) -> None:
    world.sql(*(event_shard(f"202611{day:02}") for day in range(1, 18)))
    await world.run()
    before = world.files
    world.sql(event_shard("20261118"))

    world.later(minutes=2)
    await world.run()
    checked = world.files
    world.now = BEGINNING.replace(day=19, hour=2, minute=1)
    await world.run()

    assert checked == before
    assert "20261118" in world.content.decode()
    assert world.cache.events_tables == tuple(name for name in world.cache.schema if "events_" in name)


async def test_a_new_schema_of_new_shards_is_told_at_once(world: World) -> None:
    world.sql(*(event_shard(f"202611{day:02}") for day in range(1, 18)))
    await world.run()
    world.sql(event_shard("20261118", ", is_active_user BOOLEAN"))

    world.later(minutes=2)
    await world.run()

    assert "is_active_user" in world.content.decode()


async def test_on_sunday_everything_is_made_anew_and_published_only_if_it_differs(world: World) -> None:
    await world.run()
    before = world.files

    world.now = BEGINNING.replace(day=22, hour=3)
    report = await world.run()

    assert report.findings["made"] == {"tables": 2, "examples": 6, "rejected": 0}
    assert world.files == before


async def test_tables_can_be_made_anew_one_by_one(world: World) -> None:
    await world.run()

    report = await world.run("refresh", table="orders,main.items")

    assert report.findings["made"]["tables"] == 2  # type: ignore[index]
    with pytest.raises(InvalidRequest, match=r"'ordres' is no table; did you mean '.*orders'"):
        await world.run("refresh", table="ordres")


async def test_what_would_lose_most_tables_is_not_published_unless_somebody_says_so(world: World) -> None:
    world.sql("CREATE TABLE a (id BIGINT)", "CREATE TABLE b (id BIGINT)", "CREATE TABLE c (id BIGINT)")
    await world.run()
    before = world.files
    world.sql("DROP TABLE a", "DROP TABLE b", "DROP TABLE c")

    world.later(seconds=90)
    with pytest.raises(ShrinkRefused, match="3 of 5 tables"):
        await world.run()
    refused = world.files
    await world.run("refresh", allow_shrink="true")

    assert refused == before
    assert set(world.cache.schema) == {"main.items", "main.orders"}


async def test_a_snapshot_comes_back_in_one_step_and_holds_until_somebody_refreshes(world: World) -> None:
    await world.run()
    first = world.content
    world.sql("ALTER TABLE orders DROP COLUMN amount")
    world.later(seconds=90)
    await world.run()
    second = world.content
    [snapshot] = [name.rpartition("/")[2] for name in world.files if name.startswith(SNAPSHOTS)]

    await world.run("restore", snapshot=snapshot)
    restored = world.content
    world.later(days=5)
    await world.run()
    held, warnings = world.content, world.last.warnings if world.last else ()
    await world.run("refresh")

    assert restored == held == first
    assert snapshot in warnings[0]
    assert json.loads(world.content) | {"generated_at": ""} == json.loads(second) | {"generated_at": ""}
    with pytest.raises(NotFound, match="there is no snapshot"):
        await world.run("restore", snapshot="x")


async def test_a_crash_between_publication_and_commit_repeats_nothing(world: World) -> None:
    await world.run()
    world.sql("ALTER TABLE orders DROP COLUMN amount")
    world.later(seconds=90)
    with pytest.raises(Crash):
        await world.run(crash=True)
    published = world.files

    await world.run()

    assert world.files == published
    assert "amount" not in world.content.decode()


async def test_what_somebody_deletes_or_replaces_is_published_again(world: World) -> None:
    await world.run()
    first = world.content
    (world.published / OBJECT).unlink()

    await world.run()

    assert json.loads(world.content)["schema"] == json.loads(first)["schema"]


async def test_examples_of_an_old_file_are_kept_if_they_are_good(world: World) -> None:
    world.published.mkdir()
    good, bad = "SELECT country, count(*) AS n FROM orders GROUP BY country", "SELECT nothing FROM orders"
    old = {"generated_at": "2025-01-01T00:00:00", "schema": [], "examples": [{"question": "q", "sql": good}, {"question": "r", "sql": bad}]}
    (world.published / OBJECT).write_bytes(b"\xef\xbb\xbf" + json.dumps(old | {"extra": 1}).encode())

    await world.run()

    assert Example("q", good) in world.cache.examples
    assert bad not in world.content.decode()
    assert {kept.source for kept in world.sidecar.units["main.orders"].examples} == {"adopted", "template"}
    assert len([name for name in world.files if name.startswith(SNAPSHOTS)]) == 1


async def test_what_is_no_description_is_never_replaced(world: World) -> None:
    world.published.mkdir()
    (world.published / OBJECT).write_bytes(b"my notes")

    with pytest.raises(TargetMismatch, match="no JSON"):
        await world.run()

    assert world.content == b"my notes"


async def test_plan_tells_what_a_refresh_would_make_and_writes_nothing(world: World) -> None:
    report = await world.run("plan")

    assert report.findings["tables_to_make"] == 2
    assert not world.published.exists() or world.files == {}


async def test_verify_finds_what_is_not_as_the_warehouse_is(world: World) -> None:
    await world.run()
    same = await world.run("verify")
    world.sql("ALTER TABLE orders DROP COLUMN country")

    other = await world.run("verify")

    assert not same.drifted
    assert other.drifted
    assert other.findings["bad_examples"]


async def test_the_published_bytes_of_a_warehouse_are_the_same_on_every_run(world: World, tmp_path: Path) -> None:
    world.sql(*(event_shard(f"202611{day:02}") for day in (1, 2, 3, 5)), event_shard("20261106", ", is_active_user BOOLEAN"))
    other = World(tmp_path / "other")
    other.folder.mkdir()
    other.sql(event_shard("20261106", ", is_active_user BOOLEAN"), *(event_shard(f"202611{day:02}") for day in (5, 1, 2, 3)))
    other.sql(ITEMS, ORDERS, ROWS)

    await world.run()
    await other.run()

    assert world.content == other.content
    assert world.content.decode() == GOLDEN.read_text()


async def test_a_budget_is_kept_and_what_is_left_out_is_told(world: World) -> None:
    await world.run()
    whole = sum(world.sidecar.sections.values())
    small = World(world.folder, {"token_budget": whole * 2 // 3}, documents=world.documents)

    await small.run("refresh")

    assert sum(small.sidecar.sections.values()) <= whole * 2 // 3
    assert small.sidecar.trimmed
    assert small.last is not None
    assert "token_budget" in small.last.warnings[0]


async def test_with_the_default_polling_a_change_is_published_within_five_minutes(world: World) -> None:
    await world.run()
    world.later(seconds=1)
    changed = world.now
    world.sql("ALTER TABLE orders ADD COLUMN note VARCHAR")

    while "note" not in world.content.decode():
        due = next_fire(world.sync.schedule, world.now, BEGINNING)
        assert due is not None
        world.now = due
        await world.run()

    assert world.now - changed <= timedelta(minutes=5)
    assert world.sync.schedule == Every(timedelta(seconds=90))
