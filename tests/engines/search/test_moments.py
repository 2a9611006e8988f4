"""Runs read one moment where the source can look back, and miss nothing where it cannot or not any more."""

from typing import Any

import pytest

from syncd.domain.scan import Scan
from tests.engines.search.versioned import Versioned, row
from tests.engines.search.world import Crash, World

EITHER_WAY = pytest.mark.parametrize("parameters", [{}, {"replace": "true"}], ids=["in place", "replace"])


def meanwhile(source: Versioned) -> None:
    """One row behind, one ahead of where any reading stands; one gone, one new."""
    at = source.now + 1
    source.change([row(2, "changed", at), row(39, "changed", at), row(41, "new", at)], removed=[38])


def once(source: Versioned, page: int, happens: Any) -> None:
    """Let something happen before a certain page of the load, once."""

    def before(scan: Scan, number: int) -> None:
        if number == page and scan.order == ("id",) and "name" in scan.columns:
            source.before_page = lambda scan, number: None
            happens()

    source.before_page = before


def loads(source: Versioned) -> list[Scan]:
    return [scan for scan in source.scans if scan.order == ("id",) and "name" in scan.columns]


async def test_a_full_run_reads_one_moment(world: World, source: Versioned) -> None:
    before = world.expected()
    once(source, 2, lambda: meanwhile(source))

    await world.run("full")

    assert world.documents == before
    assert world.standing.watermark == "50"
    await world.run()
    assert world.documents == world.expected() | {"38": row(38)}


@EITHER_WAY
async def test_a_load_that_is_cut_off_goes_on_at_its_moment(world: World, source: Versioned, parameters: dict[str, str]) -> None:
    with pytest.raises(Crash):
        await world.run("full", crash_after=10, parameters=parameters)
    meanwhile(source)

    await world.run("full", parameters=parameters)

    [first, second] = loads(source)[:2]
    assert first.moment
    assert second.moment == first.moment
    assert (first.after, second.after) == (None, ("10",))
    assert "moment.gone" not in world.actions()
    await world.run()
    assert {mark: world.documents[mark] for mark in world.expected()} == world.expected()


@EITHER_WAY
async def test_a_moment_that_ends_in_the_middle_of_a_load_loses_nothing(
    world: World, source: Versioned, parameters: dict[str, str]
) -> None:
    def end() -> None:
        meanwhile(source)
        source.forgotten = source.now

    once(source, 3, end)

    await world.run("full", parameters=parameters)

    assert world.documents == world.expected()
    [first, second] = loads(source)[:2]
    assert first.moment
    assert not second.moment
    assert second.after is not None
    assert world.actions().count("moment.gone") == 1
    assert any("is forgotten" in warning for warning in world.warnings)


async def test_the_warning_goes_with_the_next_run_that_needs_none(world: World, source: Versioned) -> None:
    once(source, 3, lambda: setattr(source, "forgotten", source.now + 1))
    await world.run("full")
    assert world.warnings
    source.change([row(1, "changed", source.now + 1)])

    await world.run()

    assert world.warnings == ()


async def test_a_moment_that_ended_between_two_attempts_is_given_up_for_good(world: World, source: Versioned) -> None:
    with pytest.raises(Crash):
        await world.run("full", crash_after=10)
    meanwhile(source)
    source.forgotten = source.now
    with pytest.raises(Crash):
        await world.run("full", crash_after=10)
    meanwhile(source)

    await world.run()

    assert [bool(scan.moment) for scan in loads(source)] == [True, False, False]
    assert world.documents == world.expected()
    assert world.actions().count("moment.gone") == 1


async def test_a_source_that_may_not_look_back_is_read_again_where_it_changed_meanwhile(world: World, source: Versioned) -> None:
    source.caveats = ("no right to look back",)
    once(source, 2, lambda: meanwhile(source))

    await world.run("full")

    assert world.documents == world.expected()
    assert world.warnings == ("no right to look back",)
    assert world.standing.caveats == ("no right to look back",)


async def test_a_source_without_moments_needs_no_closing_pass(world: World, source: Versioned) -> None:
    source.looks_back = False

    await world.run("full")

    assert len([scan for scan in source.scans if scan.since]) == 0
    assert world.documents == world.expected()


async def test_an_incremental_run_reads_one_moment(world: World, source: Versioned) -> None:
    await world.run("full")
    source.change([row(number, "changed", source.now + 1) for number in range(1, 21)])
    before = world.expected()
    source.before_page = lambda scan, number: source.change([row(20, "later", source.now + 1)]) if scan.since else None

    await world.run()

    assert world.documents == before
    source.before_page = lambda scan, number: None
    await world.run()
    assert world.documents == world.expected()


async def test_changes_that_are_cut_off_go_on_at_their_moment(world: World, source: Versioned) -> None:
    await world.run("full")
    source.change([row(number, "changed", source.now + 1) for number in range(1, 21)])
    with pytest.raises(Crash):
        await world.run(crash_after=5)
    meanwhile(source)

    await world.run()

    first, second = [scan for scan in source.scans if scan.since][-2:]
    assert second.moment == first.moment
    assert second.after is not None
    await world.run()
    assert {mark: world.documents[mark] for mark in world.expected()} == world.expected()


async def test_a_moment_that_ends_while_changes_are_read_loses_nothing(world: World, source: Versioned) -> None:
    await world.run("full")
    source.change([row(number, "changed", source.now + 1) for number in range(1, 31)])

    def before(scan: Scan, number: int) -> None:
        if scan.since and number == 2 and scan.moment:
            source.change([row(1, "later", source.now + 1), row(30, "later", source.now + 1)])
            source.forgotten = source.now

    source.before_page = before
    await world.run()

    assert world.documents == world.expected()
    assert world.actions() == ["moment.gone"]
    assert world.standing.exact
    assert "could not look back" in world.warnings[0]


async def test_a_source_that_cannot_look_back_at_all_is_tried_again_once_only(world: World, source: Versioned) -> None:
    await world.run("full")
    source.forgotten = 1_000_000
    source.change([row(1, "changed", source.now + 1)])

    await world.run()
    await world.run()

    assert world.documents == world.expected()
    assert world.actions() == ["moment.gone", "moment.gone"]


@pytest.mark.parametrize("forgets", [False, True], ids=["one moment", "as it is"])
async def test_a_transaction_that_commits_late_is_not_missed(world: World, source: Versioned, forgets: bool) -> None:
    await world.run("full")
    late = source.begin()
    source.change([row(1, "early", source.now + 1)])
    late.rows.append(row(2, "late", late.began))
    if forgets:
        source.forgotten = 1_000_000

    await world.run()
    source.commit(late)
    await world.run()

    assert world.documents == world.expected()


async def test_a_transaction_that_commits_late_in_a_load_without_a_moment_is_not_missed(world: World, source: Versioned) -> None:
    late = source.begin()
    late.rows += [row(2, "late", late.began), row(39, "late", late.began)]
    source.change([row(3, "early", source.now + 1)])

    def end() -> None:
        source.forgotten = 1_000_000

    once(source, 3, end)
    await world.run("full")
    source.commit(late)
    await world.run()

    assert world.documents == world.expected()


async def test_caveats_are_warnings_and_a_finding(world: World, source: Versioned) -> None:
    await world.run("full")
    source.caveats = ("no right to read V$TRANSACTION",)

    await world.run()
    report = await world.run("doctor")

    assert world.warnings == ("no right to read V$TRANSACTION",)
    assert "no right to read V$TRANSACTION" in str(report.findings)


async def test_unfit_rows_are_refused_with_the_reason_of_the_source(world: World, source: Versioned) -> None:
    source.unfit = {7: "column name holds a date before the year 1"}

    await world.run("full")

    assert world.refused == {"7": ("unfit_value", "column name holds a date before the year 1")}
    assert set(world.documents) == set(world.expected()) - {"7"}
