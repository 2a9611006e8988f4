"""Metadata syncs, as people see them: freshness, checks, tokens, costs, snapshots."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp

from syncapi.v1.metadata_pb2 import CacheStatus, MetadataDifference, ModelCost, Snapshot
from syncctl import diff_view, words
from syncctl.view import Block, Cell, Column, Facts, Heading, Line, Span, Table, quiet

_SNAPSHOTS = [Column("SNAPSHOT", whole=True), Column("PUBLISHED", whole=True), Column("SIZE", right=True), Column("SHA256", spare=1)]
_DIFFERENCES = [Column("WHAT", whole=True), Column("NAME", least=20), Column("CHANGE", whole=True), Column("BEFORE"), Column("AFTER")]
_COSTS = [
    Column("TABLE"),
    Column("MODEL", whole=True, spare=2),
    Column("REQUESTS", right=True),
    Column("FAILED", right=True),
    Column("READ", right=True),
    Column("WRITTEN", right=True),
    Column("DOLLARS", right=True),
    Column("RUN", whole=True, spare=1),
]
_WANTING = [Column("TABLE"), Column("WHY", least=20), Column("EXAMPLES OF", whole=True)]
_CHANGES = {"added": Span("added", "good"), "removed": Span("removed", "bad"), "changed": Span("changed", "warn")}
_DIGEST = 12


def status(found: CacheStatus, now: datetime) -> Iterator[Block]:
    """Everything that is known of one published object."""
    made = [*_published(found, now), *_made(found)] if found.generation else [("published", Span("nothing yet", "warn"))]
    yield Facts([("object", found.object), *made, *_asked(found)])
    if not found.generation:
        yield Line(quiet(f"`syncctl metadata refresh {found.sync}` publishes"))
    if found.pinned:
        yield Line(Span(f"the snapshot {found.pinned} was restored and holds; `syncctl metadata refresh {found.sync}` ends it", "warn"))
    if found.wanting:
        yield Heading("Want for examples")
        yield Table(_WANTING, [(each.table, each.reason, _day(each.examples_from)) for each in found.wanting], indent=2)
    if found.trimmed:
        yield Heading("Left out to keep the budget")
        for each in found.trimmed:
            yield Line(each, indent=2)
    if found.costs:
        yield Heading("Costs of today")
        rows = [(line.table, line.model, *_cost_row(line.cost), line.run) for line in found.costs]
        yield Table(_COSTS, rows, indent=2)


def _published(found: CacheStatus, now: datetime) -> Iterator[tuple[str, Cell]]:
    told = quiet(f"  generation {found.generation}, {words.size(found.size)}, sha256 {found.sha256[:_DIGEST]}…")
    yield "published", (_ago(found.published_at, now), told)
    yield "made", found.method
    yield "checked", _ago(found.checked_at, now)
    if found.HasField("changed_at"):
        took = found.detect_to_publish.ToTimedelta().total_seconds()
        known = found.HasField("detect_to_publish")
        yield "changed", (_ago(found.changed_at, now), quiet(f"  published {words.duration(took)} after the check began") if known else "")
    yield "refreshed", _ago(found.refreshed_at, now)
    yield "made anew", _ago(found.full_at, now)


def _made(found: CacheStatus) -> Iterator[tuple[str, Cell]]:
    families = "1 family" if found.families == 1 else f"{words.number(found.families)} families"
    folded = f", and {families} of {words.plural(found.shards, 'shard')}" if found.families else ""
    tokens = sum(found.tokens.values())
    yield "tables", f"{words.number(found.tables)}{folded}"
    yield "examples", _counts(found.examples_by_level)
    if found.examples_by_source:
        yield "examples by", _counts(found.examples_by_source)
    yield "rejected", _counts(found.rejected)
    over = "warn" if tokens > found.token_budget else ""
    counted = quiet(f"  {_counts(found.tokens)}; counted by {found.counter}")
    yield "tokens", (Span(f"{words.number(tokens)} of {words.number(found.token_budget)}", over), counted)


def _asked(found: CacheStatus) -> Iterator[tuple[str, Cell]]:
    age = f"; the copy is {words.roughly(found.copy_age.ToTimedelta().total_seconds())} old" if found.HasField("copy_age") else ""
    yield "cost today", _cost(found.cost_today)
    yield "cost of the last run", _cost(found.cost_last)
    yield "reads", f"{found.hits} fresh, {found.stale} stale, {found.misses} from the store, {found.unmodified} unmodified{age}"


def _counts(members: Mapping[str, int]) -> str:
    return ", ".join(f"{words.number(count)} {name}" for name, count in sorted(members.items()) if count) or "none"


def _cost(cost: ModelCost) -> Cell:
    if not cost.requests:
        return quiet("nothing")
    failed = f", {words.number(cost.failed)} failed" if cost.failed else ""
    return (_dollars(cost, "$"), quiet(f"  {words.plural(cost.requests, 'request')}{failed}"))


def _dollars(cost: ModelCost, sign: str = "") -> str:
    """What is known of the price: nothing, a part, or all."""
    if not cost.unpriced:
        return f"{sign}{cost.dollars:,.4f}"
    return f"{sign}{cost.dollars:,.4f} + unknown" if cost.unpriced < cost.requests else "unknown"


def _cost_row(cost: ModelCost) -> tuple[str, ...]:
    read = cost.input_tokens + cost.kept_tokens + cost.reused_tokens
    return (*map(words.number, (cost.requests, cost.failed, read, cost.output_tokens)), _dollars(cost))


def snapshots(found: Sequence[Snapshot], now: datetime) -> Iterator[Block]:
    """One a row, newest first."""
    if not found:
        yield Line("no snapshots: nothing was ever replaced")
        return
    rows = [
        (
            each.id,
            (_ago(each.published_at, now), Span("  published now", "good") if each.current else ""),
            words.size(each.size),
            each.sha256,
        )
        for each in found
    ]
    yield Table(_SNAPSHOTS, rows)


def differences(found: Sequence[MetadataDifference]) -> Iterator[Block]:
    """One a row, and a diff below for texts that fill more than a line."""
    if not found:
        yield Line("nothing differs")
        return
    yield Table(_DIFFERENCES, list(map(_difference, found)))
    for each in found:
        if "\n" in each.before.rstrip("\n") or "\n" in each.after.rstrip("\n"):
            yield Heading(f"{each.what} {each.name}")
            yield from diff_view.between(json.dumps(each.before), json.dumps(each.after), indent=2)


def _difference(each: MetadataDifference) -> list[Cell]:
    before, after = (diff_view.short(text) if text else quiet("–") for text in (each.before, each.after))
    return [each.what, each.name, _CHANGES.get(each.change, each.change), before, after]


def _ago(stamp: Timestamp, now: datetime) -> str:
    return words.relative(stamp.ToDatetime(UTC), now) if stamp.ByteSize() else "never"


def _day(stamp: Timestamp) -> str:
    return f"{stamp.ToDatetime(UTC):%Y-%m-%d}" if stamp.ByteSize() else "none"
