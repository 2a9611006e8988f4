"""The small documents that syncs keep beside their checkpoint."""

import sqlite3
from importlib.resources import files
from pathlib import Path

import pytest

from syncd.domain.audit import Entry
from syncd.domain.batch import Checkpoint
from syncd.domain.run import SyncName
from syncd.ledger.book import open_ledger
from syncd.ports.ledger import Change, Ledger
from syncd.ports.running import Advance
from tests.ledger.world import SHOP, Clock, a_run, whole_log

HERE = Checkpoint("here")
CAFE = SyncName("cafe")
DECIDED = Entry("conflict.decided", sync=SHOP, actor="ada")


async def keep(ledger: Ledger, *names: str, sync: SyncName = SHOP) -> None:
    """Keep documents whose texts are their names in capitals."""
    run = a_run([SHOP, CAFE].index(sync), sync=sync)
    await ledger.syncs.advance(run, Advance(HERE, documents={name: name.upper() for name in names}), "")


async def names(ledger: Ledger, prefix: str = "", after: str = "", limit: int = 1000) -> list[str]:
    return [name for name, _ in await ledger.documents.of(SHOP).list(prefix, after, limit)]


async def test_a_sync_that_never_ran_keeps_nothing(ledger: Ledger) -> None:
    kept = ledger.documents.of(SHOP)

    assert await kept.get("state/base") is None
    assert await kept.list("") == []


async def test_an_advance_writes_documents_together_with_the_checkpoint(ledger: Ledger) -> None:
    await ledger.syncs.advance(a_run(), Advance(HERE, documents={"state/base": '{"한글": "\\u0000"}'}), "")

    assert await ledger.documents.of(SHOP).get("state/base") == '{"한글": "\\u0000"}'
    assert (await ledger.syncs.load([SHOP]))[SHOP].checkpoint == HERE


async def test_an_advance_replaces_removes_and_leaves_the_others(ledger: Ledger) -> None:
    await keep(ledger, "gone", "new", "old")

    await ledger.syncs.advance(a_run(), Advance(HERE, documents={"gone": None, "new": "newer", "never there": None}), "")

    assert await ledger.documents.of(SHOP).list("") == [("new", "newer"), ("old", "OLD")]


async def test_an_advance_that_fails_keeps_neither_documents_nor_checkpoint(ledger: Ledger) -> None:
    step = Advance(HERE, documents={"state/base": "{}", "no text": "\ud800"})

    with pytest.raises(UnicodeEncodeError):
        await ledger.syncs.advance(a_run(), step, "")

    assert await names(ledger) == []
    assert (await ledger.syncs.load([SHOP]))[SHOP].checkpoint is None


@pytest.mark.parametrize(
    ("prefix", "after", "limit", "found"),
    [
        pytest.param("", "", 9, ["conflict/1", "conflict/2", "conflict/가", "conflicts", "state/base"], id="everything"),
        pytest.param("conflict/", "", 9, ["conflict/1", "conflict/2", "conflict/가"], id="what begins with a prefix"),
        pytest.param("conflict/", "", 2, ["conflict/1", "conflict/2"], id="the first page"),
        pytest.param("conflict/", "conflict/2", 2, ["conflict/가"], id="the page behind it"),
        pytest.param("conflict_", "", 9, [], id="a prefix is no pattern"),
        pytest.param("state/*", "", 9, [], id="nor of the other kind"),
    ],
)
async def test_documents_are_listed_in_order_of_name(ledger: Ledger, prefix: str, after: str, limit: int, found: list[str]) -> None:
    await keep(ledger, "state/base", "conflict/2", "conflict/가", "conflicts", "conflict/1")

    assert await names(ledger, prefix, after, limit) == found


async def test_each_sync_keeps_its_own_and_a_name_is_found_in_all(ledger: Ledger) -> None:
    await keep(ledger, "state/base", sync=SHOP)
    await keep(ledger, "state/base", "more", sync=CAFE)

    assert await names(ledger) == ["state/base"]
    assert await ledger.documents.find("state/base") == [(CAFE, "STATE/BASE"), (SHOP, "STATE/BASE")]
    assert await ledger.documents.find("more") == [(CAFE, "MORE")]


async def test_a_person_writes_documents_of_a_sync_that_never_ran_and_the_audit_log_tells(ledger: Ledger) -> None:
    await ledger.documents.put(SHOP, {"decision/1": "central", "decision/2": None}, DECIDED)

    assert await ledger.documents.of(SHOP).list("") == [("decision/1", "central")]
    assert [line.entry for line in await whole_log(ledger)] == [DECIDED]


async def test_a_reset_forgets_the_state_of_this_sync_alone(ledger: Ledger) -> None:
    await keep(ledger, "state/base", "State/base", "statement", "history/1")
    await keep(ledger, "state/base", sync=CAFE)

    await ledger.syncs.change(SHOP, Change(reset=True), Entry("sync.reset", sync=SHOP))

    assert await names(ledger) == ["State/base", "history/1", "statement"]
    assert await ledger.documents.of(CAFE).get("state/base") == "STATE/BASE"


async def test_documents_outlive_the_process(tmp_path: Path, clock: Clock) -> None:
    async with open_ledger(tmp_path, clock) as ledger:
        await keep(ledger, "state/base")

    async with open_ledger(tmp_path, clock) as ledger:
        assert await names(ledger) == ["state/base"]


async def test_a_file_of_the_first_version_is_brought_up_with_what_it_holds(tmp_path: Path, clock: Clock) -> None:
    with sqlite3.connect(tmp_path / "state.db") as db:
        db.executescript((files("syncd.ledger") / "schema" / "0001_books.sql").read_text())
        db.execute("INSERT INTO syncs (name, checkpoint) VALUES (?, ?)", (SHOP, HERE))
        db.execute("PRAGMA user_version = 1")
    db.close()

    async with open_ledger(tmp_path, clock) as ledger:
        await ledger.documents.put(SHOP, {"decision/1": "central"}, DECIDED)

        assert await names(ledger) == ["decision/1"]
        assert (await ledger.syncs.load([SHOP]))[SHOP].checkpoint == HERE
