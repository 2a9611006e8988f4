"""Metadata syncs, as people see them: freshness, checks, tokens, costs, snapshots."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp

from syncapi.v1.metadata_pb2 import CacheStatus, MetadataDifference, ModelCost, Snapshot
from syncctl import words
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
    yield Facts([*_published(found, now), *_made(found)])
    if found.pinned:
        yield Line(Span(f"the snapshot {found.pinned} was restored and holds; `syncctl metadata refresh` ends it", "warn"))
    if found.wanting:
        yield Heading("want for examples")
        yield Table(_WANTING, [(each.table, each.reason, _day(each.examples_from)) for each in found.wanting], indent=2)
    if found.trimmed:
        yield Heading("left out to keep the budget")
        for each in found.trimmed:
            yield Line(each, indent=2)
    if found.costs:
        yield Heading("costs of today")
        rows = [(line.table, line.model, *_cost_row(line.cost), line.run) for line in found.costs]
        yield Table(_COSTS, rows, indent=2)


def _published(found: CacheStatus, now: datetime) -> list[tuple[str, Cell]]:
    if not found.generation:
        return [("object", found.object), ("published", Span("nothing yet", "warn"))]
    took = found.detect_to_publish.seconds + found.detect_to_publish.nanos / 1e9
    rows: list[tuple[str, Cell]] = [
        ("object", found.object),
        ("published", (_ago(found.published_at, now), quiet(f"  {words.size(found.size)}, sha256 {found.sha256[:_DIGEST]}…"))),
        ("made", found.method),
        ("checked", _ago(found.checked_at, now)),
    ]
    if found.HasField("changed_at"):
        known = found.HasField("detect_to_publish")
        told = quiet(f"  published {words.duration(took)} after the check began") if known else ""
        rows.append(("changed", (_ago(found.changed_at, now), told)))
    rows += [("refreshed", _ago(found.refreshed_at, now)), ("made anew", _ago(found.full_at, now))]
    return rows


def _made(found: CacheStatus) -> list[tuple[str, Cell]]:
    tokens = sum(found.tokens.values())
    reads = f"{found.hits} fresh, {found.stale} stale, {found.misses} from the store, {found.unmodified} unmodified"
    age = f"; the copy is {words.roughly(found.copy_age.seconds)} old" if found.HasField("copy_age") else ""
    families = words.plural(found.families, "family").replace("familys", "families")
    return [
        ("tables", f"{words.number(found.tables)}, and {families} of {words.plural(found.shards, 'shard')}"),
        ("examples", f"{_counts(found.examples_by_level)}; by {_counts(found.examples_by_source)}"),
        ("rejected", _counts(found.rejected)),
        ("tokens", f"{tokens:,} of {found.token_budget:,}: {_counts(found.tokens)} ({found.counter})"),
        ("cost today", _cost(found.cost_today)),
        ("cost of the last run", _cost(found.cost_last)),
        ("reads", reads + age),
    ]


def _counts(members: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in sorted(members.items()) if count) or "none"


def _cost(cost: ModelCost) -> Cell:
    if not cost.requests:
        return quiet("nothing")
    unknown = f", and {words.plural(cost.unpriced, 'request')} of unknown price" if cost.unpriced else ""
    failed = f", {cost.failed} failed" if cost.failed else ""
    return f"${cost.dollars:.4f} in {words.plural(cost.requests, 'request')}{failed}{unknown}"


def _cost_row(cost: ModelCost) -> tuple[str, str, str, str, str]:
    read = cost.input_tokens + cost.kept_tokens + cost.reused_tokens
    dollars = "unknown" if cost.unpriced == cost.requests else f"{cost.dollars:.4f}"
    return str(cost.requests), str(cost.failed), words.number(read), words.number(cost.output_tokens), dollars


def snapshots(found: Sequence[Snapshot], now: datetime) -> Iterator[Block]:
    """One a row, newest first."""
    if not found:
        yield Line(quiet("no snapshots: nothing was ever replaced"))
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
    """One a row."""
    if not found:
        yield Line(quiet("no difference"))
        return
    yield Table(_DIFFERENCES, [(each.what, each.name, _CHANGES.get(each.change, each.change), each.before, each.after) for each in found])


def _ago(stamp: Timestamp, now: datetime) -> str:
    return words.relative(stamp.ToDatetime(UTC), now) if stamp.seconds else "never"


def _day(stamp: Timestamp) -> str:
    return f"{stamp.ToDatetime(UTC):%Y-%m-%d}" if stamp.seconds else "none"
