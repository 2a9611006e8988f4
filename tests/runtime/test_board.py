"""The board shows the newest truth, whoever reads and however slowly."""

import asyncio

from syncd.domain.run import SyncName
from syncd.domain.status import Phase, SyncStatus
from syncd.runtime.board import Board


def status(name: str, phase: Phase = Phase.IDLE) -> SyncStatus:
    return SyncStatus(SyncName(name), "search", phase)


def test_a_reader_sees_each_sync_once_in_its_newest_state() -> None:
    board = Board()
    board.post(status("a"))
    board.post(status("b"))
    start = board.revision

    board.post(status("a", Phase.QUEUED))
    board.post(status("a", Phase.RUNNING))

    assert [(each.sync, each.phase) for each in board.since(start).changed] == [("a", Phase.RUNNING)]
    assert {each.sync for each in board.since(0).changed} == {"a", "b"}


def test_a_removed_sync_is_told_to_those_who_saw_it() -> None:
    board = Board()
    board.post(status("a"))
    seen = board.revision

    board.remove(SyncName("a"))

    assert board.since(seen).removed == ("a",)
    assert board.since(0).removed == ()
    assert board.since(0).changed == ()


def test_memory_stays_constant_however_often_a_sync_changes() -> None:
    board = Board()

    for _ in range(10_000):
        board.post(status("a"))

    assert len(board.since(0).changed) == 1


async def test_no_change_slips_between_looking_and_waiting() -> None:
    board = Board()
    changed = board.changed()
    board.post(status("a"))

    await asyncio.wait_for(changed.wait(), 1)

    assert not board.changed().is_set()
