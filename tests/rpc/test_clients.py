"""What the service `Clients` promises, over a real socket."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc

from syncapi.v1 import clients_pb2 as pb
from syncapi.v1 import clients_pb2_grpc, common_pb2
from syncd.domain.unified import Key, Kind, read_model
from syncd.ports.clients_control import Answer, Back, ConflictKind, ConflictState, FileState, PlanView, SidePhase
from syncd.rpc.behind import Behind
from syncd.rpc.server import serving
from syncd.settings.daemon import ListenSection
from tests.rpc.desk import CONFLICT, DOCS, GITHUB, MODELS, NOON, OLD, PLANNED, PROJECT, RUN, SECRET, Desk, a_conflict
from tests.rpc.test_control_plane import detail, info
from tests.runtime.world import Play, opened, sync


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
async def channel(tmp_path: Path, desk: Desk) -> AsyncIterator[grpc.aio.Channel]:
    socket = tmp_path / "syncd.sock"
    async with (
        opened(tmp_path, Play(), sync("a")) as world,
        serving(Behind(world.daemon, world.ledger, "1.2.3", clients=desk), [ListenSection(socket=socket)], 1.0),
        grpc.aio.insecure_channel(f"unix:{socket}") as channel,
    ):
        yield channel


@pytest.fixture
def clients(channel: grpc.aio.Channel) -> Any:
    return clients_pb2_grpc.ClientsStub(channel)


def key(of: Key) -> pb.EntryKey:
    return pb.EntryKey(scope=of.scope, kind=pb.EntryKind.Value(f"ENTRY_KIND_{of.kind.name}"), name=of.name)


async def test_every_side_is_told_with_its_files_its_losses_and_its_watches(clients: Any) -> None:
    answer = await clients.ListClients(pb.ListClientsRequest(sync="ai"))

    claude, codex = answer.sides
    assert (claude.name, claude.priority, claude.phase, claude.last_write_at.ToSeconds()) == (
        "claude",
        10,
        pb.SIDE_PHASE_OK,
        int(NOON.timestamp()),
    )
    assert list(claude.notes) == ["mcp/odd is left alone"]
    assert list(codex.writes) == [pb.ENTRY_KIND_MCP, pb.ENTRY_KIND_RULES]
    assert [(file.state, file.problem) for file in codex.files] == [
        (pb.FILE_STATE_UNREADABLE, "line 3, column 7: no value"),
        (pb.FILE_STATE_MISSING, ""),
    ]
    assert [(loss.key, loss.field, loss.code) for loss in codex.losses] == [(key(DOCS), "cwd", "cwd")]
    assert (codex.watch.armed, codex.watch.blind, codex.watch.corrections) == (2, 1, 4)
    assert not codex.HasField("last_write_at")


@pytest.mark.parametrize(
    ("ours", "theirs", "prefix"),
    [
        (Kind, pb.EntryKind, "ENTRY_KIND_"),
        (SidePhase, pb.SidePhase, "SIDE_PHASE_"),
        (FileState, pb.FileState, "FILE_STATE_"),
        (ConflictKind, pb.ConflictKind, "CONFLICT_KIND_"),
        (ConflictState, pb.ConflictState, "CONFLICT_STATE_"),
    ],
)
def test_every_member_of_our_sets_has_a_number_on_the_wire(ours: Any, theirs: Any, prefix: str) -> None:
    assert [f"{prefix}{each.name}" for each in ours] == theirs.keys()[1:]


async def test_the_unified_model_is_told_at_any_version_with_what_was_deleted(clients: Any) -> None:
    first = await clients.GetUnified(pb.GetUnifiedRequest(sync="ai", version=1))
    newest = await clients.GetUnified(pb.GetUnifiedRequest(sync="ai"))

    assert read_model(json.loads(first.entries_json)) == MODELS[0]
    assert (first.version, newest.version) == (1, 3)
    assert list(newest.tombstones) == [key(OLD)]


async def test_an_empty_scope_means_the_user_and_none_means_all(clients: Any) -> None:
    async def scopes(scope: str | None) -> set[str]:
        answer = await clients.GetUnified(pb.GetUnifiedRequest(sync="ai", scope=scope))
        return {entry["scope"] for entry in json.loads(answer.entries_json)}

    assert await scopes(None) == {"", PROJECT}
    assert await scopes("") == {""}
    assert await scopes(PROJECT) == {PROJECT}


async def test_what_is_exported_has_no_secrets_and_can_be_imported(clients: Any, desk: Desk) -> None:
    exported = await clients.ExportClients(pb.ExportClientsRequest(sync="ai"))

    imported = await clients.ImportClients(pb.ImportClientsRequest(sync="ai", text=exported.text))

    assert SECRET not in exported.text
    assert [(left.key, left.field) for left in exported.left_out] == [(key(GITHUB), "env.KEY")]
    assert (imported.run.id, imported.run.state, imported.run.actor) == (RUN, common_pb2.RUN_STATE_QUEUED, "root (uid 0)")
    assert desk.done == [("import", "ai", 4, "root (uid 0)")]


async def test_a_plan_tells_files_decisions_conflicts_and_losses(clients: Any, desk: Desk) -> None:
    desk.planned = PLANNED

    plan = await clients.PlanClients(pb.PlanClientsRequest(sync="ai"))

    assert [(file.side, file.path, file.diff) for file in plan.files] == [(each.side, each.path, each.diff) for each in PLANNED.files]
    assert [(each.key, each.field, each.how, each.winner, list(each.losers), each.policy) for each in plan.decisions] == [
        (key(GITHUB), "command", "policy", "claude", ["codex"], "last-write-wins")
    ]
    assert [each.id for each in plan.conflicts] == [CONFLICT]
    assert [(each.side, each.field, each.code) for each in plan.losses] == [("codex", "", "sse")]


async def test_a_plan_that_changes_nothing_is_empty(clients: Any, desk: Desk) -> None:
    desk.planned = PlanView()

    assert await clients.PlanClients(pb.PlanClientsRequest(sync="ai")) == pb.PlanClientsResponse()


async def test_a_conflict_is_told_three_ways_and_absence_is_no_empty_entry(clients: Any, desk: Desk) -> None:
    gone = replace(a_conflict().sides[1], now=None)
    desk.held[CONFLICT] = a_conflict(sides=(a_conflict().sides[0], gone), central=None)

    conflict = (await clients.GetConflict(pb.GetConflictRequest(conflict=CONFLICT))).conflict

    claude, codex = conflict.sides
    assert (conflict.sync, conflict.key, conflict.kind, conflict.state) == (
        "ai",
        key(GITHUB),
        pb.CONFLICT_KIND_EDIT,
        pb.CONFLICT_STATE_OPEN,
    )
    assert dict(claude.base.values_json) == {"command": '"npx"'}
    assert dict(claude.now.values_json) == {"command": '"bunx"', "timeout": "20"}
    assert (codex.HasField("base"), codex.HasField("now"), conflict.HasField("central")) == (True, False, False)


async def test_the_inbox_holds_open_conflicts_unless_others_are_asked_for(clients: Any, desk: Desk) -> None:
    desk.held["old"] = a_conflict(id="old", state=ConflictState.RESOLVED)

    async def listed(*states: pb.ConflictState.ValueType) -> list[str]:
        answer = await clients.ListConflicts(pb.ListConflictsRequest(sync="ai", states=states))
        return [each.id for each in answer.conflicts]

    assert await listed() == [CONFLICT]
    assert await listed(pb.CONFLICT_STATE_RESOLVED) == ["old"]
    assert await listed(pb.CONFLICT_STATE_RESOLVED, pb.CONFLICT_STATE_OPEN) == [CONFLICT, "old"]


async def test_conflicts_page_oldest_first_also_while_some_are_resolved(clients: Any, desk: Desk) -> None:
    desk.held = {f"c{n}": a_conflict(id=f"c{n}", since=NOON + timedelta(seconds=9 - n // 2)) for n in range(7)}
    first = await clients.ListConflicts(pb.ListConflictsRequest(page_size=3))
    desk.held[first.conflicts[-1].id] = a_conflict(state=ConflictState.RESOLVED)

    rest = await clients.ListConflicts(pb.ListConflictsRequest(page_size=10, page_token=first.next_page_token))

    assert [each.id for each in (*first.conflicts, *rest.conflicts)] == ["c6", "c4", "c5", "c2", "c3", "c0", "c1"]
    assert rest.next_page_token == ""


@pytest.mark.parametrize(
    ("answer", "understood"),
    [
        pytest.param({"take": "claude"}, Answer(take="claude"), id="a side"),
        pytest.param({"take": "central"}, Answer(take="central"), id="the unified model"),
        pytest.param({"content_json": '{"command": null}'}, Answer(content='{"command": null}'), id="own content"),
    ],
)
async def test_a_resolution_starts_a_run_and_settles_the_conflict(clients: Any, desk: Desk, answer: Any, understood: Answer) -> None:
    run = (await clients.ResolveConflict(pb.ResolveConflictRequest(conflict=CONFLICT, **answer))).run

    assert (run.id, desk.done) == (RUN, [("resolve", "ai", understood, "root (uid 0)")])
    settled = await clients.GetConflict(pb.GetConflictRequest(conflict=CONFLICT))
    assert settled.conflict.state == pb.CONFLICT_STATE_RESOLVED


async def test_versions_page_newest_first_and_say_who_changed_what(clients: Any, desk: Desk) -> None:
    desk.models *= 3
    found, token = [], ""
    while True:
        page = await clients.ListVersions(pb.ListVersionsRequest(sync="ai", page_size=4, page_token=token))
        found += page.versions
        token = page.next_page_token
        if not token:
            break

    second = next(each for each in found if each.number == 2)
    assert [each.number for each in found] == list(range(9, 0, -1))
    assert [(each.key.name, each.field, each.side) for each in second.changes] == [
        ("github", "args", "codex"),
        ("github", "env.KEY", "codex"),
        ("shell prefix git status", "decision", "codex"),
    ]
    assert (await clients.GetVersion(pb.GetVersionRequest(sync="ai", version=2))).version == second


async def test_a_diff_without_numbers_is_the_last_change(clients: Any) -> None:
    last = await clients.DiffVersions(pb.DiffVersionsRequest(sync="ai"))
    earlier = await clients.DiffVersions(pb.DiffVersionsRequest(sync="ai", before=1, after=2))

    assert [(each.key, each.field, each.before_json) for each in last.differences][:1] == [(key(DOCS), "url", "")]
    assert [(each.field, each.before_json, each.after_json) for each in earlier.differences][1] == ("env.KEY", "", '"•••"')


@pytest.mark.parametrize(
    ("asked", "understood"),
    [
        pytest.param({}, Back(2), id="everything"),
        pytest.param({"side": "codex"}, Back(2, "codex"), id="one side"),
        pytest.param({"key": key(DOCS)}, Back(2, key=DOCS), id="one entry"),
        pytest.param({"side": "codex", "key": key(GITHUB)}, Back(2, "codex", GITHUB), id="one entry of one side"),
    ],
)
async def test_a_rollback_is_of_all_or_of_one_side_or_entry(clients: Any, desk: Desk, asked: Any, understood: Back) -> None:
    run = (await clients.RollbackClients(pb.RollbackClientsRequest(sync="ai", version=2, **asked))).run

    assert (run.id, desk.done) == (RUN, [("rollback", "ai", understood, "root (uid 0)")])


NOT_FOUND, REFUSED, INVALID = grpc.StatusCode.NOT_FOUND, grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize(
    ("call", "request_", "status", "reason"),
    [
        pytest.param("ListClients", pb.ListClientsRequest(sync="no"), NOT_FOUND, "sync.unknown", id="no such sync"),
        pytest.param("PlanClients", pb.PlanClientsRequest(sync="products"), REFUSED, "sync.not_clients", id="a sync of another engine"),
        pytest.param("GetUnified", pb.GetUnifiedRequest(sync="ai", version=9), NOT_FOUND, "version.unknown", id="no such version"),
        pytest.param("GetVersion", pb.GetVersionRequest(sync="ai", version=-1), NOT_FOUND, "version.unknown", id="no version below 1"),
        pytest.param("GetConflict", pb.GetConflictRequest(conflict="no"), NOT_FOUND, "conflict.unknown", id="no such conflict"),
        pytest.param("ResolveConflict", pb.ResolveConflictRequest(conflict=CONFLICT), INVALID, "request.invalid", id="no answer"),
        pytest.param("ImportClients", pb.ImportClientsRequest(sync="ai", text="{"), INVALID, "request.invalid", id="no JSON"),
        pytest.param(
            "ListConflicts", pb.ListConflictsRequest(states=[pb.CONFLICT_STATE_UNSPECIFIED]), INVALID, "request.invalid", id="no such state"
        ),
        pytest.param("ListVersions", pb.ListVersionsRequest(sync="ai", page_token="YWJj"), INVALID, "request.invalid", id="another token"),
    ],
)
async def test_what_cannot_be_answered_is_refused_with_a_stable_code(
    clients: Any, call: str, request_: Message, status: grpc.StatusCode, reason: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await getattr(clients, call)(request_)

    assert (caught.value.code(), info(caught.value).reason) == (status, reason)


async def test_a_resolved_conflict_is_not_resolved_again(clients: Any) -> None:
    await clients.ResolveConflict(pb.ResolveConflictRequest(conflict=CONFLICT, take="claude"))

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await clients.ResolveConflict(pb.ResolveConflictRequest(conflict=CONFLICT, take="codex"))

    assert (caught.value.code(), info(caught.value).reason) == (REFUSED, "conflict.resolved")


async def test_a_key_without_a_kind_names_the_field(clients: Any, desk: Desk) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await clients.RollbackClients(pb.RollbackClientsRequest(sync="ai", version=1, key=pb.EntryKey(name="github")))

    bad: Any = detail(caught.value, error_details_pb2.BadRequest())
    assert [violation.field for violation in bad.field_violations] == ["key.kind"]
    assert desk.done == []


async def test_generic_clients_find_the_service(channel: grpc.aio.Channel) -> None:
    health: Any = health_pb2_grpc.HealthStub(channel)

    answer = await health.Check(health_pb2.HealthCheckRequest(service="syncapi.v1.Clients"))

    assert answer.status == health_pb2.HealthCheckResponse.SERVING


async def test_without_a_desk_there_is_no_such_service(tmp_path: Path) -> None:
    socket = tmp_path / "syncd.sock"
    async with (
        opened(tmp_path, Play(), sync("a")) as world,
        serving(Behind(world.daemon, world.ledger, "1.2.3"), [ListenSection(socket=socket)], 1.0),
        grpc.aio.insecure_channel(f"unix:{socket}") as channel,
    ):
        stub: Any = clients_pb2_grpc.ClientsStub(channel)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.ListClients(pb.ListClientsRequest(sync="ai"))

    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
