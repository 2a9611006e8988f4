"""Metadata values to messages and back: one function for each type, no decisions."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from syncapi.v1 import metadata_pb2 as pb
from syncd.domain.errors import InvalidRequest
from syncd.rpc import wire

if TYPE_CHECKING:
    from syncd.ports.metadata_control import CacheStatus, CacheView, CostView, DifferenceView, PromptContext, SnapshotView, Wanting


def info(view: CacheView) -> pb.CacheInfo:
    return pb.CacheInfo(
        sha256=view.sha256,
        generation=view.generation,
        size=view.size,
        not_modified=view.content is None,
        published_at=wire.moment(view.published_at),
        checked_at=wire.moment(view.checked_at),
        age=wire.length(max(0.0, (datetime.now(UTC) - view.checked_at).total_seconds())),
        stale=view.stale,
    )


def cost(view: CostView) -> pb.ModelCost:
    return pb.ModelCost(
        requests=view.requests,
        failed=view.failed,
        input_tokens=view.input_tokens,
        output_tokens=view.output_tokens,
        kept_tokens=view.kept_tokens,
        reused_tokens=view.reused_tokens,
        dollars=view.dollars,
        unpriced=view.unpriced,
    )


def wanting(each: Wanting) -> pb.WantingTable:
    return pb.WantingTable(table=each.unit, reason=each.reason, examples_from=wire.moment(each.examples_from))


def status(view: CacheStatus) -> pb.CacheStatus:
    message = pb.CacheStatus(
        sync=view.sync,
        object=view.object,
        generation=view.generation,
        sha256=view.sha256,
        size=view.size,
        method=view.method,
        published_at=wire.moment(view.published_at),
        checked_at=wire.moment(view.checked_at),
        changed_at=wire.moment(view.changed_at),
        refreshed_at=wire.moment(view.refreshed_at),
        full_at=wire.moment(view.full_at),
        pinned=view.pinned,
        tables=view.tables,
        families=view.families,
        shards=view.shards,
        examples_by_level=view.examples_by_level,
        examples_by_source=view.examples_by_source,
        rejected=view.rejected,
        wanting=map(wanting, view.wanting),
        tokens=view.tokens,
        token_budget=view.token_budget,
        counter=view.counter,
        trimmed=view.trimmed,
        cost_today=cost(view.cost_today),
        cost_last=cost(view.cost_last),
        costs=[pb.CostLine(run=line.run, table=line.table, model=line.model, cost=cost(line.cost)) for line in view.costs],
        hits=view.reads.hits,
        stale=view.reads.stale,
        misses=view.reads.misses,
        unmodified=view.reads.unmodified,
    )
    if view.detect_to_publish is not None:
        message.detect_to_publish.CopyFrom(wire.length(view.detect_to_publish.total_seconds()))
    if view.copy_age is not None:
        message.copy_age.CopyFrom(wire.length(view.copy_age.total_seconds()))
    return message


def snapshot(view: SnapshotView) -> pb.Snapshot:
    return pb.Snapshot(id=view.id, published_at=wire.moment(view.published_at), size=view.size, sha256=view.sha256, current=view.current)


def difference(view: DifferenceView) -> pb.MetadataDifference:
    return pb.MetadataDifference(what=view.what, name=view.name, change=view.change, before=view.before, after=view.after)


def context(view: PromptContext) -> pb.GetPromptContextResponse:
    return pb.GetPromptContextResponse(
        text=view.text, tokens=view.tokens, counter=view.counter, left_out=view.left_out, generation=view.generation, sha256=view.sha256
    )


def budget(tokens: int) -> int:
    """How many tokens somebody wishes. Raises `InvalidRequest`."""
    if tokens < 0:
        raise InvalidRequest(f"token_budget is {tokens}", fields={"token_budget": "0 or more"})
    return tokens
