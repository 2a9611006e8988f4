"""Changes by the source's own versions, and deletions that it remembers."""

from typing import Any

import pytest

from syncd.domain.errors import SourceMismatch
from syncd.domain.scan import Scan
from tests.engines.search.versioned import Versioned, row
from tests.engines.search.world import Crash, World


@pytest.fixture
def by_version(world: World) -> World:
    world.settings |= {"strategy": "scn", "watermark": None}
    return world


@pytest.fixture
def remembering(world: World) -> World:
    world.settings |= {"deletions": {"versions": True}}
    return world


async def test_changes_are_found_by_version_whatever_their_columns_say(by_version: World, source: Versioned) -> None:
    await by_version.run("full")
    source.change([row(1, "changed", at=3), row(2, "changed", at=None), row(41, "new")])

    await by_version.run()

    assert by_version.documents == by_version.expected()
    assert by_version.sent == 40 + 3
    scan = source.scans[-1]
    assert scan.order == ("scn", "id")
    assert scan.since
    assert not scan.since.lookback


async def test_a_transaction_that_commits_late_has_a_late_version(by_version: World, source: Versioned) -> None:
    await by_version.run("full")
    late = source.begin()
    late.rows += [row(2, "late", late.began), row(40, "late", late.began)]
    source.change([row(1, "early")])

    await by_version.run()
    source.commit(late)
    await by_version.run()

    assert by_version.documents == by_version.expected()


async def test_changes_by_version_go_on_where_they_were_cut_off(by_version: World, source: Versioned) -> None:
    await by_version.run("full")
    source.change([row(number, "changed") for number in range(1, 21)])
    with pytest.raises(Crash):
        await by_version.run(crash_after=7)

    await by_version.run()

    assert source.scans[-1].after == (str(source.now), "7")
    assert by_version.documents == by_version.expected()


@pytest.mark.parametrize("settings", [{"strategy": "scn", "watermark": None}, {"deletions": {"versions": True}}])
async def test_a_source_without_versions_is_a_mismatch(world: World, source: Versioned, settings: dict[str, Any]) -> None:
    world.settings |= settings
    source.looks_back = False

    with pytest.raises(SourceMismatch, match="products has no versions of its rows"):
        await world.run("full")


async def test_deleted_rows_are_found_without_comparing_keys(remembering: World, source: Versioned) -> None:
    await remembering.run("full")
    await remembering.run()
    scans = len(source.scans)
    source.change([row(3, "changed", source.now)], removed=[1, 40])
    source.change([row(1, "again", source.now)])
    source.change(removed=[7])

    await remembering.run()

    assert remembering.documents == remembering.expected()
    assert not [scan for scan in source.scans[scans:] if scan.columns == ("id",)]
    assert remembering.actions() == []


async def test_a_row_that_is_deleted_after_the_moment_of_a_load_goes_with_the_next_run(remembering: World, source: Versioned) -> None:
    def before(scan: Scan, number: int) -> None:
        if number == 2 and scan.order == ("id",):
            source.before_page = lambda scan, number: None
            source.change(removed=[38])

    source.before_page = before
    await remembering.run("full")
    assert "38" in remembering.documents

    await remembering.run()

    assert remembering.documents == remembering.expected()


async def test_deletions_that_are_forgotten_are_found_by_comparing_keys_in_the_same_run(remembering: World, source: Versioned) -> None:
    await remembering.run("full")
    source.change([row(3, "changed", source.now)], removed=[1, 40])
    source.forgotten_removals = source.now

    await remembering.run()

    assert remembering.documents == remembering.expected()
    assert remembering.actions() == ["moment.gone"]
    assert "is forgotten" in remembering.warnings[0]

    source.change(removed=[2])
    await remembering.run()

    assert remembering.documents == remembering.expected()
    assert remembering.actions() == ["moment.gone"]
    assert remembering.warnings == ()


async def test_after_a_load_that_lost_its_moment_deletions_are_remembered_from_its_end(remembering: World, source: Versioned) -> None:
    def before(scan: Scan, number: int) -> None:
        if number == 2 and scan.order == ("id",):
            source.change(removed=[1, 38])
            source.forgotten = source.forgotten_removals = source.now
            source.before_page = lambda scan, number: None

    source.before_page = before
    await remembering.run("full")
    assert remembering.documents == remembering.expected()
    source.change(removed=[2])

    await remembering.run()

    assert remembering.documents == remembering.expected()
    assert remembering.actions() == ["moment.gone"]


async def test_where_memory_was_not_asked_for_before_keys_are_compared_once(world: World, source: Versioned) -> None:
    await world.run("full")
    await world.run()
    source.change(removed=[1])
    await world.run()
    assert "1" in world.documents
    world.settings |= {"deletions": {"versions": True}}

    await world.run()

    assert world.documents == world.expected()
    source.change(removed=[2])
    await world.run()
    assert world.documents == world.expected()
    assert len([scan for scan in source.scans if scan.columns == ("id",)]) == 1
    assert world.actions() == []


async def test_a_source_that_may_not_look_back_cannot_tell_deletions(remembering: World, source: Versioned) -> None:
    source.caveats = ("FLASHBACK is not granted.",)

    with pytest.raises(SourceMismatch, match="FLASHBACK is not granted"):
        await remembering.run("full")


async def test_a_crash_between_deletions_is_made_good(remembering: World, source: Versioned) -> None:
    await remembering.run("full")
    source.change(removed=list(range(1, 6)))
    for number in range(6, 11):
        source.change(removed=[number])
    with pytest.raises(Crash):
        await remembering.run(crash_after=0)
    source.change([row(2, "again", source.now)], removed=[20])

    await remembering.run()

    assert remembering.documents == remembering.expected()


async def test_a_plan_counts_deletions_whether_remembered_or_not(remembering: World, source: Versioned) -> None:
    await remembering.run("full")
    source.change(removed=[1, 2])

    remembered = await remembering.run("plan")
    source.forgotten_removals = source.now
    compared = await remembering.run("plan")

    assert (remembered.findings["delete"], compared.findings["delete"]) == (2, 2)
    assert remembering.actions() == []


@pytest.mark.parametrize("settings", [{"key": None}, {"key": ["nr"]}, {"watermark": "att"}])
async def test_a_wrong_or_missing_key_or_watermark_is_answered_with_a_proposal(world: World, settings: dict[str, Any]) -> None:
    world.settings |= settings

    with pytest.raises(SourceMismatch) as caught:
        await world.run("full")

    wanted = {'key = ["id"]': "key" in settings, 'watermark = "at"': "watermark" in settings}
    assert {text: text in caught.value.hint for text in wanted} == wanted
    assert "its columns are id, name, at" in caught.value.hint


async def test_with_the_key_a_missing_watermark_is_proposed_too(world: World) -> None:
    world.settings |= {"key": None, "watermark": None}

    with pytest.raises(SourceMismatch) as caught:
        await world.run("full")

    assert 'key = ["id"] and watermark = "at"' in caught.value.hint


async def test_without_a_watermark_every_run_reads_one_moment(world: World, source: Versioned) -> None:
    world.settings |= {"watermark": None}
    await world.run("full")
    source.change([row(1, "changed")])
    before = world.expected()
    source.before_page = lambda scan, number: source.change([row(40, f"page {number}")])

    await world.run()

    assert world.documents == before
    assert world.sent == 41
