"""Where a sync stands: what the ledger says, compared with what is there."""

import json
from dataclasses import replace

from syncd.domain.audit import Entry
from syncd.domain.errors import DriftRefused
from syncd.engines.search.checkpoint import Standing
from syncd.engines.search.quiet import warnings
from syncd.engines.search.replacing import discard_shadow, keep_previous, rolled_back
from syncd.engines.search.work import Work
from syncd.ports.running import Progress, RowTurn


async def find_standing(work: Work) -> None:
    """Compare what the ledger says with what is there, and begin anew where they do not belong together."""
    await _note_drift(work)
    if work.standing.unnamed:
        await keep_previous(work)
    replaces = work.context.run.mode == "full" and (work.says("replace") or work.says("rollback"))
    backfill = work.standing.backfill
    if backfill and backfill.kind == "replace" and not replaces:
        await discard_shadow(work)
    state = await work.indexes.inspect(work.settings.target.index, work.shape) if replaces else await work.live.prepare(work.shape)
    work.found_empty = state is None or state.documents == 0
    await _note_identity(work, state.identity if state else "")
    if work.lost:
        await _note_loss(work)


async def _note_loss(work: Work) -> None:
    """A backfill under way has lost its moment with the first scan that missed one, for good; changes may be read as of another one."""
    standing = work.standing
    entry = Entry("moment.gone", detail={"reason": work.lost})
    backfill = replace(standing.backfill, adrift=True) if standing.backfill else None
    standing = replace(standing, backfill=backfill, caveats=(*standing.caveats, *work.apologies))
    work.context.tell(Progress(warnings=warnings(work.settings, standing)))
    await work.advance(standing, RowTurn.KEEP, entry)


async def _note_identity(work: Work, found: str) -> None:
    standing = work.standing
    if found == standing.identity or (standing.backfill and found == standing.backfill.swap_to):
        return
    if standing.previous and found == standing.previous.identity:
        await rolled_back(work)
    elif not standing.identity:
        await work.advance(replace(standing, identity=found))
    else:
        entry = Entry("index.lost", detail={"index": work.settings.target.index, "expected": standing.identity, "found": found})
        await work.advance(Standing(shape=work.digest, identity=found, columns=standing.columns), RowTurn.CLEAR_LIVE, entry)


async def _note_drift(work: Work) -> None:
    now = tuple((column.name, column.type) for column in work.table.columns)
    before = work.standing.columns
    if before == now:
        return
    entry = Entry("schema.drifted", detail=_drift(dict(before), dict(now)))
    if before and work.settings.drift == "halt" and not work.says("accept_drift"):
        raise DriftRefused(
            f"the columns of {work.table.name} changed: {json.dumps(entry.detail, ensure_ascii=False)}",
            hint="look at the mapping; then start a run with -p accept_drift=true",
        )
    await work.advance(replace(work.standing, columns=now), RowTurn.KEEP, *((entry,) if before else ()))


def _drift(before: dict[str, str], now: dict[str, str]) -> dict[str, object]:
    return {
        "added": [name for name in now if name not in before],
        "removed": [name for name in before if name not in now],
        "changed": [f"{name}: {before[name]} -> {now[name]}" for name in now if name in before and before[name] != now[name]],
    }
