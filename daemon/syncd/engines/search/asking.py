"""Modes that only look: what a run would do, what became of one row, what stands in the way."""

import asyncio
import json
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace

import orjson

from syncd.domain.batch import Finding, Severity
from syncd.domain.errors import InvalidRequest
from syncd.domain.scan import GONE, Position, Scan
from syncd.engines.search.changes import Window, changed_scan, clock_fell_back, compare_keys, look, since
from syncd.engines.search.keysets import KeySets, Side
from syncd.engines.search.removed import remembers, removed
from syncd.engines.search.work import Work
from syncd.kit.threads import beside
from syncd.ports.running import Progress, Report, Scope

_SAMPLE_ROWS = 100_000


async def plan(work: Work) -> Report:
    """What the next run would do, changing nothing; `mode=full` asks about a full run."""
    standing = work.standing
    everything = work.context.run.parameters.get("mode") == "full" or not standing.complete or standing.shape != work.digest
    reached = await look(work)
    since_then = None if everything else standing.watermark
    window = Window(since_then, standing.log_watermark, standing.exact, standing.moment, reached.moment)
    if clock_fell_back(reached.now, window.watermark, work.lookback):
        window = replace(window, watermark=None)
    scan = changed_scan(work, window)
    work.context.tell(Progress(doing="reading", total=await work.source.count(replace(scan, gone=""))))
    found = await _counted(work, window, scan, everything=everything)
    state = await work.indexes.inspect(work.settings.target.index, work.shape)
    forgotten = work.settings.source.deletions.versions and not remembers(work, window)
    if state and (everything or forgotten):
        async with beside(KeySets) as sets:
            await compare_keys(work, work.live, sets)
            found["delete"] = await asyncio.to_thread(sets.count_only_in, Side.INDEX)
    bound = since(work, window)
    return Report(
        {
            "mode": "full" if everything else "incremental",
            "reads": f"{bound.column} >= {bound.value}, looking back {bound.lookback.total_seconds():g} s" if bound else "every row",
            "index": {"name": work.settings.target.index, "documents": state.documents if state else "will be created"},
            **found,
            **({"rows_without_watermark": reached.nulls} if reached.nulls else {}),
            **({"caveats": list(reached.caveats)} if reached.caveats else {}),
            **_as_rows("findings", state.findings if state else ()),
        }
    )


async def _counted(work: Work, window: Window, scan: Scan, *, everything: bool) -> dict[str, int]:
    """Read what a run would read, and count what would become of it."""
    found = {"read": 0, "send": 0, "unchanged": 0, "delete": 0}
    async with aclosing(work.pieces(scan)) as pieces:
        async for piece in pieces:
            kept = piece if everything or not work.trusts_memory else await work.unsent(piece, Scope.LIVE)
            work.context.tell(Progress(unchanged=kept.read))
            found["read"] += piece.read
            found["send"] += kept.rows.num_rows
            found["unchanged"] += piece.rows.num_rows - kept.rows.num_rows
            found["delete"] += 0 if everything else len(kept.gone)
    if not everything:
        async with aclosing(removed(work, window, Scope.LIVE, work.standing.written())) as batches:
            async for batch in batches:
                found["send"] += batch.rows.num_rows
                found["delete"] += len(batch.gone)
    return found


async def explain(work: Work) -> Report:
    """One row, everywhere it can be: in the source, mapped, in the index, in the ledger."""
    key = _key_of(work)
    rows: list[dict[str, object]] = []
    source = work.settings.source
    scan = replace(work.scan(), keys=(key,))
    async with aclosing(work.source.scan(replace(scan, columns=()), 10)) as pages:
        async for page in pages:
            rows += [{name: str(value) for name, value in row.items()} for row in page.to_pylist()]
    mapped = [piece async for piece in work.pieces(scan)]
    mark = next(
        (mark for piece in mapped for mark in piece.rows.column("mark").to_pylist() + piece.gone.to_pylist()),
        "__".join(str(part) for part in key),
    )
    stored = [orjson.loads(text) async for listing in work.live.documents([mark]) for text in listing.column("document").to_pylist()]
    trace = await work.context.rows.trace(mark)
    letters = [letter for letter in await work.context.rows.letters() if letter.mark == mark or letter.key == json.dumps(list(key))]
    return Report(
        {
            "key": dict(zip(source.key, key, strict=True)),
            "source": rows or "no such row",
            "deleted_in_source": any(row.get(GONE) == "True" for row in rows),
            "document": [orjson.loads(text) for piece in mapped for text in piece.rows.column("document").to_pylist()] or "none",
            "index": stored or "not in the index",
            "last_touched": {"run": trace.run, "at": trace.at.isoformat(), "fingerprint": f"{trace.fingerprint:016x}"}
            if trace
            else "never",
            "dead_letter": [{"id": letter.id, "code": letter.code, "reason": letter.reason} for letter in letters] or "none",
        }
    )


def _key_of(work: Work) -> Position:
    expected = f"a JSON array with a text for each of {', '.join(work.settings.source.key)}"
    try:
        key = json.loads(work.context.run.parameters["key"])
    except (KeyError, ValueError):
        raise InvalidRequest("which row? the parameter 'key' is missing or no JSON", fields={"parameters.key": expected}) from None
    if not isinstance(key, list) or len(key) != len(work.settings.source.key):
        raise InvalidRequest(f"the key of this sync has {len(work.settings.source.key)} columns", fields={"parameters.key": expected})
    return tuple(None if part is None else str(part) for part in key)


async def doctor(work: Work) -> Report:
    """What will not work, or not well, and what to do about it."""
    findings = [Finding(Severity.WARNING, "number_as_text", warning) for warning in work.mapper.warnings]
    state = await work.indexes.inspect(work.settings.target.index, work.shape)
    findings += (
        state.findings if state else [Finding(Severity.NOTE, "index_missing", "the index does not exist yet; the first run creates it")]
    )
    findings += await _about_watermark(work)
    findings += await _about_rows(work)
    return Report(_as_rows("findings", findings) or {"findings": "nothing to complain about"})


async def _about_watermark(work: Work) -> list[Finding]:
    reached = await look(work)
    found = [Finding(Severity.WARNING, "caveat", caveat) for caveat in reached.caveats]
    if not work.watermark:
        proposed = f", perhaps to {work.table.proposed_watermark}" if work.table.proposed_watermark else " if there is such a column"
        message = f"without a watermark every incremental run reads all rows; set source.watermark{proposed}"
        return [*found, Finding(Severity.NOTE, "no_watermark", message)]
    deletions = work.settings.source.deletions
    if reached.nulls:
        found.append(
            Finding(Severity.WARNING, "null_watermark", f"{reached.nulls:,} rows have no {work.watermark}; only full runs see them")
        )
    if not (deletions.soft or deletions.log or deletions.versions or deletions.reconcile):
        found.append(
            Finding(Severity.WARNING, "no_deletions", "incremental runs see no deletions; set source.deletions, or run full now and then")
        )
    return found


async def _about_rows(work: Work) -> list[Finding]:
    """Map a sample and let the target say what it would refuse."""
    seen = 0
    refused: dict[str, tuple[int, str]] = {}
    async with beside(KeySets) as sets:
        async with aclosing(work.pieces(work.scan())) as pieces:
            async for piece in pieces:
                work.context.tell(Progress(doing="looking at rows", unchanged=piece.read))
                await asyncio.to_thread(sets.add, Side.SOURCE, piece.rows.column("mark"))
                for refusal in await asyncio.to_thread(work.live.unfit, piece.rows):
                    mark = piece.rows.column("mark")[refusal.row].as_py()
                    why = work.reasons.pop(mark, refusal)
                    code, reason = why.code, why.reason
                    count, example = refused.get(code, (0, f"key {piece.rows.column('key')[refusal.row].as_py()}: {reason}"))
                    refused[code] = (count + 1, example)
                seen += piece.read
                if seen >= _SAMPLE_ROWS and not work.says("all"):
                    break
        doubled = await asyncio.to_thread(sets.doubled, Side.SOURCE)
    found = [
        Finding(Severity.PROBLEM, code, f"{count:,} of {seen:,} rows will be refused; first: {example}")
        for code, (count, example) in refused.items()
    ]
    if doubled:
        found.append(
            Finding(Severity.PROBLEM, "doubled_key", f"{doubled:,} document ids stand for several rows each: the key is not unique")
        )
    return found


def _as_rows(name: str, findings: Sequence[Finding]) -> dict[str, object]:
    return (
        {name: [{"severity": finding.severity.value, "code": finding.code, "message": finding.message} for finding in findings]}
        if findings
        else {}
    )
