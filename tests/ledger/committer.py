"""Commits for ever, telling each thing on a line as soon as it is durable. Tests start it to kill it."""

import asyncio
import itertools
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from syncd.domain.audit import Entry
from syncd.domain.batch import Checkpoint
from syncd.domain.run import RunId
from syncd.ledger.book import open_ledger
from syncd.ports.ledger import AuditQuery, Ledger
from syncd.ports.running import Advance, RowTurn, Scope
from tests.ledger.world import a_receipt, a_run, begun, ended


def say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - the parent reads it


async def one_run(ledger: Ledger, life: str, number: int) -> None:
    run = await begun(ledger, replace(a_run(number), id=RunId(f"{life}-{number:08d}")))
    for step in range(5):
        reached = f"{life}-{number:08d}-{step}"
        rows = {f"{number}-{step}-{row}": row + 1 for row in range(50)}
        await ledger.syncs.commit(run, a_receipt(rows, refused=[3, 7], reaches=reached), Scope.SHADOW)
        say(reached)
    reached = f"{life}-{number:08d}-9"
    promotion = Advance(Checkpoint(reached), RowTurn.PROMOTE, entries=(Entry("schema.drifted", run=run.id),))
    await ledger.syncs.advance(run, promotion, "")
    say(reached)
    await ended(ledger, run)
    await ledger.audit.query(AuditQuery(limit=1))


async def main(state_dir: Path, life: str) -> None:
    async with open_ledger(state_dir, lambda: datetime.now(UTC)) as ledger:
        for number in itertools.count(1):
            await one_run(ledger, life, number)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
