"""Dead letters."""

import pyarrow as pa

from syncd.domain.dead_letter import DeadLetter
from syncd.domain.run import SyncName
from syncd.ports.ledger import Ledger, LetterQuery
from syncd.ports.running import Scope
from tests.ledger.world import SHOP, START, Clock, a_receipt, a_run, whole_log

ALL = LetterQuery()


async def refuse(ledger: Ledger, *marks: str, sync: str = SHOP, number: int = 1, text: str = "") -> list[int]:
    """Have rows refused; answers the ids of all dead letters of the sync."""
    receipt = a_receipt(dict.fromkeys(marks, 5), refused=range(len(marks)), text=text)
    await ledger.syncs.commit(a_run(number, sync=sync), receipt, Scope.LIVE)
    return [letter.id for letter in await ledger.rows.rows(SyncName(sync)).letters()]


async def marks(ledger: Ledger, query: LetterQuery = ALL) -> list[str]:
    return [letter.mark for letter in await ledger.rows.letters(query)]


async def test_a_refused_row_becomes_a_dead_letter_with_everything_that_is_known(ledger: Ledger) -> None:
    (number,) = await refuse(ledger, "a\0", text="한")

    (letter,) = await ledger.rows.letters(LetterQuery())

    assert letter == DeadLetter(
        id=number,
        sync=SHOP,
        run=a_run().id,
        mark="a\0",
        key='["a\0"]',
        document='{"text":"한"}',
        code="invalid_document_id",
        reason="row 0 has no usable id",
        first_seen=START,
        last_seen=START,
        attempts=1,
    )
    assert (await ledger.syncs.load([SHOP]))[SHOP].dead_letters == 1


async def test_a_row_that_is_refused_again_keeps_its_letter(ledger: Ledger, clock: Clock) -> None:
    (number,) = await refuse(ledger, "a")
    clock.forward(hours=1)

    await refuse(ledger, "a", number=2, text="new")

    (letter,) = await ledger.rows.letters(LetterQuery())
    assert (letter.id, letter.run, letter.attempts, letter.document) == (number, a_run(2).id, 2, '{"text":"new"}')
    assert (letter.first_seen, letter.last_seen) == (START, clock.now)


async def test_a_row_that_is_stored_or_gone_loses_its_letter(ledger: Ledger) -> None:
    await refuse(ledger, "stored", "gone", "refused again", "not touched")

    await ledger.syncs.commit(a_run(), a_receipt({"refused again": 1, "stored": 2}, gone=["gone"], refused=[0]), Scope.LIVE)

    assert await marks(ledger) == ["refused again", "not touched"]


async def test_the_letters_of_another_sync_stay(ledger: Ledger) -> None:
    await refuse(ledger, "a")
    await refuse(ledger, "a", sync="other", number=2)

    await ledger.syncs.commit(a_run(), a_receipt({"a": 1}), Scope.LIVE)

    assert [letter.sync for letter in await ledger.rows.letters(LetterQuery())] == ["other"]


async def test_a_long_document_is_cut_at_a_whole_character(ledger: Ledger) -> None:
    await refuse(ledger, "a", text="한" * 40_000)

    (letter,) = await ledger.rows.letters(LetterQuery())

    assert 64 * 1024 - 3 < len(letter.document.encode()) <= 64 * 1024
    assert letter.document.endswith("한")


async def test_letters_are_paged_in_order_of_id_and_selected(ledger: Ledger) -> None:
    first, second, third = await refuse(ledger, "a", "b", "c")
    await refuse(ledger, "d", sync="other", number=2)

    assert await marks(ledger, LetterQuery(limit=3)) == ["a", "b", "c"]
    assert await marks(ledger, LetterQuery(after=third)) == ["d"]
    assert await marks(ledger, LetterQuery(sync="other")) == ["d"]
    assert await marks(ledger, LetterQuery(sync=SHOP, ids=(first, third), after=first)) == ["c"]
    assert [letter.id for letter in await ledger.rows.rows(SHOP).letters(after=first, limit=1)] == [second]


async def test_a_dropped_letter_makes_its_row_unknown(ledger: Ledger) -> None:
    first, _ = await refuse(ledger, "a\0", "b")

    await ledger.rows.rows(SHOP).drop_letters([first, 999])

    assert await marks(ledger) == ["b"]
    assert (await ledger.rows.rows(SHOP).known(pa.array(["a\0", "b"]))).to_pylist() == [None, 5]


async def test_discarding_forgets_letters_but_not_rows_and_is_told_in_the_audit_log(ledger: Ledger) -> None:
    first, _ = await refuse(ledger, "a", "b")

    count = await ledger.rows.discard(SHOP, [first], "ada")

    assert count == 1
    assert await marks(ledger) == ["b"]
    assert (await ledger.rows.rows(SHOP).known(pa.array(["a"]))).to_pylist() == [5]
    entry = (await whole_log(ledger))[-1].entry
    assert (entry.action, entry.sync, entry.actor, entry.detail) == ("dead_letters.discarded", SHOP, "ada", {"dead_letters": 1})


async def test_discarding_without_ids_forgets_all_letters_of_the_sync(ledger: Ledger) -> None:
    await refuse(ledger, "a", "b")
    await refuse(ledger, "c", sync="other", number=2)

    count = await ledger.rows.discard(SHOP, [], "ada")

    assert count == 2
    assert await marks(ledger) == ["c"]
