"""Looking again at rows that the target once refused."""

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from syncd.domain.batch import Batch
from syncd.domain.dead_letter import DeadLetter
from syncd.domain.scan import Position
from syncd.engines.search.work import Work, batch_of
from syncd.ports.running import Progress, Report, Scope

_AT_ONCE = 500


async def retry(work: Work) -> Report:
    """Read the rows of all dead letters anew and send them as they are now.

    A row that is not found under its key was deleted, or mended by giving it another key; then everything is compared with what was
    sent before, which finds it whatever its key and watermark are now. A dead letter goes when its row is stored, or no longer there.
    """
    letters = [letter async for letter in _letters(work)]
    work.context.tell(Progress(doing="looking at dead letters", total=len(letters)))
    keys = [key for letter in letters if (key := _key(letter)) is not None]
    found = _Found()
    for start in range(0, len(keys), _AT_ONCE):
        await work.store(work.live, _rows(work, tuple(keys[start : start + _AT_ONCE]), found))
    if found.rows < len(letters):
        work.context.tell(Progress(doing="comparing everything with what was sent"))
        await work.store(work.live, _everything_unsent(work, pa.array([letter.mark for letter in letters], pa.string())))
    left = [letter async for letter in _letters(work)]
    gone = [letter.id for letter in left if letter.run != work.context.run.id]
    await work.context.rows.drop_letters(gone)
    return Report({"dead_letters": len(letters), "left": len(left) - len(gone)})


async def _everything_unsent(work: Work, dead: pa.StringArray) -> AsyncGenerator[Batch, None]:
    async with aclosing(work.pieces(work.scan())) as pieces:
        async for piece in pieces:
            kept = await work.unsent(piece, Scope.LIVE)
            wanted = pc.or_(pc.is_in(piece.rows.column("mark"), kept.rows.column("mark")), pc.is_in(piece.rows.column("mark"), dead))
            rows = piece.rows.filter(wanted)
            if rows.num_rows:
                yield Batch(rows, piece.gone.slice(0, 0), work.standing.written(), rows.num_rows)


@dataclass(slots=True)
class _Found:
    rows: int = 0


async def _letters(work: Work) -> AsyncGenerator[DeadLetter, None]:
    after = 0
    while page := await work.context.rows.letters(after):
        for letter in page:
            yield letter
        after = page[-1].id


def _key(letter: DeadLetter) -> Position | None:
    key = json.loads(letter.key)
    return None if None in key else tuple(key)


async def _rows(work: Work, keys: tuple[Position, ...], found: _Found) -> AsyncGenerator[Batch, None]:
    async with aclosing(work.pieces(replace(work.scan(), keys=keys))) as pieces:
        async for piece in pieces:
            found.rows += piece.read
            if piece.rows.num_rows or len(piece.gone):
                yield batch_of(piece, work.standing.written())
