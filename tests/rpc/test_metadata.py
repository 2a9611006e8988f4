"""What the service `Metadata` promises, over a real socket."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc

from syncapi.v1 import common_pb2, metadata_pb2_grpc
from syncapi.v1 import metadata_pb2 as pb
from syncd.domain.run import SyncName
from syncd.ports.metadata_control import CacheStatus, Refreshing
from syncd.rpc import metadata_wire
from syncd.rpc.behind import Behind
from syncd.rpc.server import serving
from syncd.settings.daemon import ListenSection
from tests.rpc.metadata_desk import CONTENT, NOON, RUN, MetadataDesk, a_cost, a_snapshot, a_status, digest
from tests.rpc.test_control_plane import detail, info
from tests.runtime.world import Play, opened, sync

CHUNK = 256 * 1024
BINARY = bytes(range(256)) * 1024
"""As long as a chunk."""


@pytest.fixture
def desk() -> MetadataDesk:
    return MetadataDesk()


@pytest.fixture
async def channel(tmp_path: Path, desk: MetadataDesk) -> AsyncIterator[grpc.aio.Channel]:
    socket = tmp_path / "syncd.sock"
    async with (
        opened(tmp_path, Play(), sync("a")) as world,
        serving(Behind(world.daemon, world.ledger, "1.2.3", metadata=desk), [ListenSection(socket=socket)], 1.0),
        grpc.aio.insecure_channel(f"unix:{socket}") as channel,
    ):
        yield channel


@pytest.fixture
def metadata(channel: grpc.aio.Channel) -> Any:
    return metadata_pb2_grpc.MetadataStub(channel)


async def received(metadata: Any, **asked: str) -> tuple[pb.CacheInfo, list[bytes]]:
    """The first message, which has to tell what is known, and the chunks."""
    call = metadata.GetCache(pb.GetCacheRequest(**{"sync": "warehouse", **asked}))
    first, *rest = [message async for message in call]
    assert [message.WhichOneof("part") for message in (first, *rest)] == ["info", *["chunk"] * len(rest)]
    return first.info, [message.chunk for message in rest]


@pytest.mark.parametrize(
    ("content", "sizes"),
    [
        pytest.param(b"", [], id="an empty object"),
        pytest.param(b"\xef\xbb\xbf{}", [5], id="a byte order mark, no newline"),
        pytest.param(b"{}\r\n\n", [5], id="newlines at its end"),
        pytest.param(BINARY, [CHUNK], id="just a chunk"),
        pytest.param(BINARY + b"\x00", [CHUNK, 1], id="a byte more than a chunk"),
        pytest.param(BINARY * 17 + b"\xff\n", [CHUNK] * 17 + [2], id="more than a message can hold"),
    ],
)
async def test_the_published_bytes_come_byte_for_byte_in_chunks(
    metadata: Any, desk: MetadataDesk, content: bytes, sizes: list[int]
) -> None:
    desk.content = content

    told, chunks = await received(metadata)

    assert b"".join(chunks) == content
    assert list(map(len, chunks)) == sizes
    assert (told.sha256, told.size, told.generation, told.not_modified) == (digest(content), len(content), 7, False)


async def test_the_bytes_come_with_when_they_were_published_and_how_old_the_copy_is(metadata: Any, desk: MetadataDesk) -> None:
    desk.stale = "the store does not answer"

    told, _ = await received(metadata)

    checked = NOON + timedelta(minutes=1)
    assert (told.published_at.ToDatetime(UTC), told.checked_at.ToDatetime(UTC), told.stale) == (NOON, checked, "the store does not answer")
    assert timedelta() <= datetime.now(UTC) - checked - told.age.ToTimedelta() < timedelta(seconds=30)


@pytest.mark.parametrize("known", [digest(CONTENT), digest(CONTENT).upper()], ids=["as it is told", "in capitals"])
async def test_a_reader_that_has_the_bytes_gets_none(metadata: Any, known: str) -> None:
    told, chunks = await received(metadata, if_none_match=known)

    assert (told.not_modified, told.sha256, told.size, chunks) == (True, digest(CONTENT), len(CONTENT), [])


async def test_a_reader_that_has_other_bytes_gets_them_all(metadata: Any) -> None:
    told, chunks = await received(metadata, if_none_match=digest(b"older"))

    assert (told.not_modified, b"".join(chunks)) == (False, CONTENT)


async def test_an_empty_object_is_not_taken_for_one_that_the_reader_has(metadata: Any, desk: MetadataDesk) -> None:
    desk.content = b""

    assert (await received(metadata, if_none_match=digest(b"older")))[0].not_modified is False
    assert (await received(metadata, if_none_match=digest(b"")))[0].not_modified is True


async def test_a_reader_that_leaves_in_the_middle_leaves_the_next_one_all(metadata: Any, desk: MetadataDesk) -> None:
    desk.content = BINARY * 40
    call = metadata.GetCache(pb.GetCacheRequest(sync="warehouse"))
    await call.read()
    call.cancel()

    _, chunks = await received(metadata)

    assert b"".join(chunks) == desk.content


async def test_the_status_tells_everything_there_is_to_know(metadata: Any, desk: MetadataDesk) -> None:
    status = (await metadata.GetCacheStatus(pb.GetCacheStatusRequest(sync="warehouse"))).status

    told = desk.told
    plain = ("object", "generation", "sha256", "size", "method", "pinned", "tables", "families", "shards", "token_budget", "counter")
    moments = ("published_at", "checked_at", "changed_at", "refreshed_at", "full_at")
    counts = ("examples_by_level", "examples_by_source", "rejected", "tokens")
    assert [getattr(status, name) for name in plain] == [getattr(told, name) for name in plain]
    assert [getattr(status, name).ToDatetime(UTC) for name in moments] == [getattr(told, name) for name in moments]
    assert [dict(getattr(status, name)) for name in counts] == [getattr(told, name) for name in counts]
    assert (status.sync, list(status.trimmed)) == ("warehouse", ["descriptions of columns of reviews"])
    assert (status.hits, status.stale, status.misses, status.unmodified) == (1, 2, 3, 4)
    assert (status.detect_to_publish.ToTimedelta(), status.copy_age.ToTimedelta()) == (told.detect_to_publish, told.copy_age)
    assert [(each.table, each.HasField("examples_from")) for each in status.wanting] == [("orders", True), ("reviews", False)]
    assert (status.cost_today, status.cost_last) == (metadata_wire.cost(told.cost_today), metadata_wire.cost(told.cost_last))
    assert [(line.run, line.table, line.model, line.cost.unpriced) for line in status.costs] == [(RUN, "orders", "model-x", 1)]


def test_every_figure_of_a_cost_has_its_place() -> None:
    message = metadata_wire.cost(a_cost(unpriced=3))

    assert message == pb.ModelCost(
        requests=12, failed=2, input_tokens=8_000, output_tokens=1_500, kept_tokens=2_000, reused_tokens=20_000, dollars=0.25, unpriced=3
    )


async def test_what_nobody_knows_is_not_told_as_zero(metadata: Any, desk: MetadataDesk) -> None:
    desk.told = CacheStatus(SyncName("warehouse"), "metadata_cache.json")

    status = (await metadata.GetCacheStatus(pb.GetCacheStatusRequest(sync="warehouse"))).status

    unknown = ("published_at", "checked_at", "changed_at", "refreshed_at", "full_at", "detect_to_publish", "copy_age")
    assert [name for name in unknown if status.HasField(name)] == []
    assert status.generation == 0


async def test_a_moment_of_no_time_at_all_is_told(metadata: Any, desk: MetadataDesk) -> None:
    desk.told = a_status(detect_to_publish=timedelta(), copy_age=timedelta())

    status = (await metadata.GetCacheStatus(pb.GetCacheStatusRequest(sync="warehouse"))).status

    assert (status.HasField("detect_to_publish"), status.detect_to_publish, status.HasField("copy_age")) == (True, Duration(), True)


@pytest.mark.parametrize(
    ("asked", "understood"),
    [
        pytest.param({}, Refreshing(actor="root (uid 0)"), id="whatever has changed"),
        pytest.param({"tables": ["orders", "ga.events_*"]}, Refreshing(("orders", "ga.events_*"), actor="root (uid 0)"), id="some tables"),
        pytest.param({"full": True}, Refreshing(full=True, actor="root (uid 0)"), id="everything"),
        pytest.param({"allow_shrink": True}, Refreshing(allow_shrink=True, actor="root (uid 0)"), id="also what has shrunk"),
        pytest.param({"request_id": "r-1"}, Refreshing(request_id="r-1", actor="root (uid 0)"), id="once"),
    ],
)
async def test_a_refresh_is_passed_on_with_who_asked(metadata: Any, desk: MetadataDesk, asked: Any, understood: Refreshing) -> None:
    run = (await metadata.RefreshCache(pb.RefreshCacheRequest(sync="warehouse", **asked))).run

    assert desk.done == [("refresh", understood, "root (uid 0)")]
    assert (run.id, run.mode, run.state, run.actor) == (RUN, "refresh", common_pb2.RUN_STATE_QUEUED, "root (uid 0)")
    assert run.request_id == understood.request_id


async def test_a_snapshot_is_told_with_its_size_and_whether_it_is_published(metadata: Any, desk: MetadataDesk) -> None:
    desk.kept = [a_snapshot(1, current=True)]

    answer = await metadata.ListSnapshots(pb.ListSnapshotsRequest(sync="warehouse"))

    one = answer.snapshots[0]
    assert (one.id, one.size, one.sha256, one.current) == ("20250630T120000Z-1", 1001, digest(b"1"), True)
    assert (one.published_at.ToDatetime(UTC), answer.next_page_token) == (NOON, "")


async def paged(metadata: Any, size: int, token: str = "") -> tuple[list[int], str]:
    """Numbers of the snapshots of a page, and what asks for the next one."""
    answer = await metadata.ListSnapshots(pb.ListSnapshotsRequest(sync="warehouse", page_size=size, page_token=token))
    return [int(each.id.rpartition("-")[2]) for each in answer.snapshots], answer.next_page_token


async def test_snapshots_page_newest_first_and_the_last_page_says_so(metadata: Any) -> None:
    first, token = await paged(metadata, 3)
    rest, end = await paged(metadata, 3, token)

    assert (first, rest, end) == ([11, 10, 9], [8], "")


async def test_a_page_that_is_just_full_asks_for_no_more(metadata: Any) -> None:
    assert await paged(metadata, 4) == ([11, 10, 9, 8], "")


async def test_a_page_holds_fifty_snapshots_unless_told_otherwise(metadata: Any, desk: MetadataDesk) -> None:
    desk.kept = [a_snapshot(number) for number in range(60, 0, -1)]

    found, token = await paged(metadata, 0)

    assert (len(found), bool(token)) == (50, True)


async def test_what_is_published_between_two_pages_neither_repeats_nor_hides_a_snapshot(metadata: Any, desk: MetadataDesk) -> None:
    _, token = await paged(metadata, 2)
    desk.kept.insert(0, a_snapshot(12))

    assert await paged(metadata, 2, token) == ([9, 8], "")


async def test_pages_end_where_retention_has_removed_the_rest(metadata: Any, desk: MetadataDesk) -> None:
    _, token = await paged(metadata, 2)
    del desk.kept[1:]

    assert await paged(metadata, 2, token) == ([], "")


async def test_a_diff_tells_what_is_added_removed_and_changed(metadata: Any, desk: MetadataDesk) -> None:
    request = pb.DiffSnapshotsRequest(sync="warehouse", before="20250630T120000Z-8", after="20250630T120000Z-9")
    answer = await metadata.DiffSnapshots(request)

    assert desk.done == [("diff", "20250630T120000Z-8", "20250630T120000Z-9")]
    told = [(each.what, each.name, each.change, each.before, each.after) for each in answer.differences]
    assert told == [(each.what, each.name, each.change, each.before, each.after) for each in desk.found]


async def test_a_snapshot_is_restored_by_whoever_asks(metadata: Any, desk: MetadataDesk) -> None:
    run = (await metadata.RestoreSnapshot(pb.RestoreSnapshotRequest(sync="warehouse", snapshot="20250630T120000Z-8"))).run

    assert (run.id, run.mode, run.actor) == (RUN, "restore", "root (uid 0)")
    assert desk.done == [("restore", "20250630T120000Z-8", "root (uid 0)")]


async def test_a_context_tells_its_tokens_and_what_did_not_fit(metadata: Any) -> None:
    request = pb.GetPromptContextRequest(sync="warehouse", tables=["orders", "customers"], token_budget=199)
    answer = await metadata.GetPromptContext(request)

    assert (answer.text, answer.tokens, answer.counter) == ('{"schema": {"orders": "größe"}}', 100, "o200k_base")
    assert (list(answer.left_out), answer.generation, answer.sha256) == (["customers"], 7, digest(CONTENT))


NOT_FOUND, REFUSED, INVALID = grpc.StatusCode.NOT_FOUND, grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.INVALID_ARGUMENT
CALLS = {
    "GetCache": pb.GetCacheRequest,
    "GetCacheStatus": pb.GetCacheStatusRequest,
    "RefreshCache": pb.RefreshCacheRequest,
    "ListSnapshots": pb.ListSnapshotsRequest,
    "DiffSnapshots": pb.DiffSnapshotsRequest,
    "RestoreSnapshot": pb.RestoreSnapshotRequest,
    "GetPromptContext": pb.GetPromptContextRequest,
}


async def refusal(metadata: Any, call: str, request: Message) -> tuple[grpc.StatusCode, str]:
    asked = getattr(metadata, call)(request)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await (asked.read() if call == "GetCache" else asked)
    return caught.value.code(), info(caught.value).reason


async def test_every_call_refuses_a_sync_that_is_none_of_its_own(metadata: Any, desk: MetadataDesk) -> None:
    for call, kind in CALLS.items():
        assert await refusal(metadata, call, kind(sync="no")) == (NOT_FOUND, "sync.unknown")
        assert await refusal(metadata, call, kind(sync="products")) == (REFUSED, "sync.not_metadata")
    assert desk.done == []


@pytest.mark.parametrize(
    ("call", "asked", "refused"),
    [
        pytest.param("RestoreSnapshot", {"snapshot": "no"}, (NOT_FOUND, "snapshot.unknown"), id="no such snapshot to restore"),
        pytest.param("DiffSnapshots", {"before": "no"}, (NOT_FOUND, "snapshot.unknown"), id="no such snapshot to compare"),
        pytest.param("DiffSnapshots", {"after": "no"}, (NOT_FOUND, "snapshot.unknown"), id="no such snapshot to compare with"),
        pytest.param("GetPromptContext", {"tables": ["no"]}, (NOT_FOUND, "table.unknown"), id="no such table"),
        pytest.param("GetPromptContext", {"token_budget": -1}, (INVALID, "request.invalid"), id="less than no tokens"),
        pytest.param("ListSnapshots", {"page_size": -1}, (INVALID, "request.invalid"), id="less than no snapshot"),
        pytest.param("ListSnapshots", {"page_token": "a"}, (INVALID, "request.invalid"), id="another token"),
    ],
)
async def test_what_cannot_be_answered_is_refused_with_a_stable_code(
    metadata: Any, desk: MetadataDesk, call: str, asked: Any, refused: tuple[grpc.StatusCode, str]
) -> None:
    assert await refusal(metadata, call, CALLS[call](sync="warehouse", **asked)) == refused
    assert desk.done == []


@pytest.mark.parametrize("call", ["GetCache", "GetPromptContext"])
async def test_before_anything_is_published_a_reader_is_told_so(metadata: Any, desk: MetadataDesk, call: str) -> None:
    desk.content = None

    assert await refusal(metadata, call, CALLS[call](sync="warehouse")) == (NOT_FOUND, "cache.missing")


async def test_a_budget_below_nothing_names_the_field(metadata: Any) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await metadata.GetPromptContext(pb.GetPromptContextRequest(sync="warehouse", token_budget=-5))

    bad: Any = detail(caught.value, error_details_pb2.BadRequest())
    assert [violation.field for violation in bad.field_violations] == ["token_budget"]


async def test_generic_clients_find_the_service(channel: grpc.aio.Channel) -> None:
    health: Any = health_pb2_grpc.HealthStub(channel)

    answer = await health.Check(health_pb2.HealthCheckRequest(service="syncapi.v1.Metadata"))

    assert answer.status == health_pb2.HealthCheckResponse.SERVING


async def test_without_a_desk_there_is_no_such_service(tmp_path: Path) -> None:
    socket = tmp_path / "syncd.sock"
    async with (
        opened(tmp_path, Play(), sync("a")) as world,
        serving(Behind(world.daemon, world.ledger, "1.2.3"), [ListenSection(socket=socket)], 1.0),
        grpc.aio.insecure_channel(f"unix:{socket}") as channel,
    ):
        stub: Any = metadata_pb2_grpc.MetadataStub(channel)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.GetCacheStatus(pb.GetCacheStatusRequest(sync="warehouse"))

    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
