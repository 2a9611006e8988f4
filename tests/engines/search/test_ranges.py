"""A load reads several ranges at once, and each goes on from its own place."""

import random
from contextlib import suppress

import pytest

from syncd.domain.scan import Scan
from tests.engines.search.versioned import Versioned, row
from tests.engines.search.world import Crash, World

EITHER_WAY = pytest.mark.parametrize("parameters", [{}, {"replace": "true"}], ids=["in place", "replace"])


@pytest.fixture
def wide(world: World, source: Versioned) -> World:
    """160 rows, read by four."""
    source.change([row(number) for number in range(1, 161)])
    world.settings["readers"] = 4
    return world


def parts(source: Versioned) -> list[Scan]:
    return [scan for scan in source.scans if scan.order == ("id",) and "name" in scan.columns]


@EITHER_WAY
async def test_a_load_is_cut_into_ranges_that_hold_every_row_once(wide: World, source: Versioned, parameters: dict[str, str]) -> None:
    await wide.run("full", parameters=parameters)

    assert wide.documents == wide.expected()
    assert wide.sent == 160
    assert [(scan.after, scan.until) for scan in parts(source)[:4]] == [
        (None, ("40",)),
        (("40",), ("80",)),
        (("80",), ("120",)),
        (("120",), None),
    ]
    assert len({scan.moment for scan in parts(source)[:4]}) == 1


async def test_ranges_are_read_at_the_same_time(wide: World, source: Versioned) -> None:
    begun: list[str] = []
    source.before_page = lambda scan, number: begun.append(f"{scan.until} {number}")

    await wide.run("full")

    assert {text.split(" ")[-1] for text in begun[:4]} == {"0"}


async def test_one_reader_reads_one_range(wide: World, source: Versioned) -> None:
    wide.settings["readers"] = 1

    await wide.run("full")

    assert [(scan.after, scan.until) for scan in parts(source)] == [(None, None)]


async def test_a_source_that_answers_no_positions_is_read_by_one(wide: World, source: Versioned) -> None:
    source.parts = 1

    await wide.run("full")

    assert [(scan.after, scan.until) for scan in parts(source)] == [(None, None)]
    assert wide.documents == wide.expected()


@EITHER_WAY
@pytest.mark.parametrize("seed", range(4))
async def test_a_load_that_is_cut_off_again_and_again_goes_on_in_each_range(
    wide: World, source: Versioned, parameters: dict[str, str], seed: int
) -> None:
    draw = random.Random(seed)
    for _ in range(3):
        with pytest.raises(Crash):
            await wide.run("full", crash_after=draw.randint(1, 40), parameters=parameters)
    assert wide.standing.backfill
    ranges = wide.standing.backfill.ranges
    stands = [int(each.after[0] or 0) if each.after else 0 for each in ranges]

    await wide.run("full", parameters=parameters)

    assert [each.until for each in ranges] == [("40",), ("80",), ("120",), None]
    assert all(40 * part <= place <= 40 * part + 40 for part, place in enumerate(stands))
    assert [scan.after for scan in parts(source)[-4:] if not scan.since][-4:] == [each.after for each in ranges]
    assert wide.documents == wide.expected()


async def test_what_a_checkpoint_has_passed_is_in_the_index(wide: World, source: Versioned) -> None:
    """Ranges get on at different paces, and batches of all of them are under way when it ends."""
    source.before_page = lambda scan, number: source.change()
    with pytest.raises(Crash):
        await wide.run("full", crash_after=30)

    assert wide.standing.backfill
    passed = [
        number
        for part, each in enumerate(wide.standing.backfill.ranges)
        for number in range(40 * part + 1, int(each.after[0] or 0) + 1 if each.after else 0)
    ]

    assert len(passed) >= 20
    assert {str(number) for number in passed} <= set(wide.documents)


async def test_stored_ranges_stay_when_the_readers_change(wide: World, source: Versioned) -> None:
    with pytest.raises(Crash):
        await wide.run("full", crash_after=20)
    cut = len(parts(source))
    wide.settings["readers"] = 2

    await wide.run("full")

    assert [scan.until for scan in parts(source)[cut:]] == [("40",), ("80",), ("120",), None]
    assert wide.documents == wide.expected()


@EITHER_WAY
async def test_a_moment_that_ends_in_one_of_the_ranges_loses_nothing(wide: World, source: Versioned, parameters: dict[str, str]) -> None:
    def before(scan: Scan, number: int) -> None:
        if number == 2 and scan.until == ("120",):
            source.before_page = lambda scan, number: None
            at = source.now + 1
            source.change([row(number, "changed", at) for number in (1, 50, 119, 160)] + [row(161, "new", at)], removed=[100])
            source.forgotten = source.now

    source.before_page = before
    await wide.run("full", parameters=parameters)

    assert wide.documents == wide.expected()
    assert wide.actions().count("moment.gone") == 1
    last = [scan for scan in parts(source) if not scan.moment and not scan.since][:4]
    assert [scan.until for scan in last] == [("40",), ("80",), ("120",), None]
    assert all(scan.after for scan in last)


@pytest.mark.parametrize("mode", ["full", "incremental"])
async def test_a_run_that_fails_leaves_no_scan_open_behind_it(wide: World, source: Versioned, mode: str) -> None:
    await wide.run("full")
    source.change([row(number, "changed", at=60) for number in range(1, 21)], removed=[30, 31])

    for commits in range(5):
        with suppress(Crash):
            await wide.run(mode, crash_after=commits)

        assert source.reading == 0
