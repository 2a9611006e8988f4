"""What the wire promises, over a real socket."""

import asyncio
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_status import rpc_status

from syncapi.v1 import audit_pb2, audit_pb2_grpc, common_pb2, control_pb2, control_pb2_grpc
from syncd.domain.errors import PermanentError, TargetUnavailable
from syncd.ports.running import Report, RunContext
from syncd.rpc.behind import Behind
from syncd.rpc.server import serving
from syncd.settings.daemon import ListenSection
from tests.runtime.test_supervising import Gate
from tests.runtime.world import Play, World, opened, receipt, sync


@dataclass
class Wire:
    world: World
    channel: grpc.aio.Channel
    socket: Path

    @property
    def control(self) -> Any:
        return control_pb2_grpc.ControlStub(self.channel)

    @property
    def audit(self) -> Any:
        return audit_pb2_grpc.AuditStub(self.channel)

    async def done(self, run: str) -> common_pb2.Run:
        last: common_pb2.Run | None = None
        async for message in self.control.WatchRun(control_pb2.WatchRunRequest(run=run)):
            last = message.run
        assert last is not None
        return last


@asynccontextmanager
async def wired(folder: Path, play: Play, syncs: str) -> AsyncIterator[Wire]:
    socket = folder / "syncd.sock"
    async with (
        opened(folder, play, syncs) as world,
        serving(Behind(world.daemon, world.ledger, "1.2.3"), [ListenSection(socket=socket)], 1.0),
        grpc.aio.insecure_channel(f"unix:{socket}") as channel,
    ):
        yield Wire(world, channel, socket)


@pytest.fixture
def play() -> Play:
    return Play()


def detail(error: Any, found: Any) -> Any:
    """The detail of this type that an error carries in its status."""
    status = rpc_status.from_call(error)
    assert status is not None
    assert next(each for each in status.details if each.Is(found.DESCRIPTOR)).Unpack(found)
    return found


def info(error: grpc.aio.AioRpcError) -> error_details_pb2.ErrorInfo:
    return detail(error, error_details_pb2.ErrorInfo())


async def test_a_started_run_is_followed_to_its_end_and_the_stream_closes(tmp_path: Path, play: Play) -> None:
    async def work(context: RunContext) -> Report:
        await context.commit(receipt("1", "2"))
        return Report({"found": 2})

    play.scripts["a"] = work
    async with wired(tmp_path, play, sync("a")) as wire:
        started = await wire.control.StartRun(control_pb2.StartRunRequest(sync="a"))

        run = await wire.done(started.run.id)

        assert run.state == common_pb2.RUN_STATE_DONE
        assert (run.mode, run.counters.stored, run.report_json) == ("incremental", 2, '{"found": 2}')


async def test_the_socket_opens_for_owner_and_group_only(tmp_path: Path, play: Play) -> None:
    async with wired(tmp_path, play, sync("a")) as wire:
        mode = stat.S_IMODE(wire.socket.stat().st_mode)

    assert mode == 0o660


async def test_an_unknown_sync_is_not_found_with_a_code_and_a_hint(tmp_path: Path, play: Play) -> None:
    async with wired(tmp_path, play, sync("products")) as wire:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await wire.control.GetSync(control_pb2.GetSyncRequest(sync="product"))

    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    assert "did you mean 'products'?" in (caught.value.details() or "")
    assert (info(caught.value).reason, info(caught.value).domain) == ("sync.unknown", "syncd")
    assert "syncctl status" in info(caught.value).metadata["hint"]


async def test_bad_input_names_the_field(tmp_path: Path, play: Play) -> None:
    async with wired(tmp_path, play, sync("a")) as wire:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await wire.control.StartRun(control_pb2.StartRunRequest(sync="a", parameters={"fats": "true"}))

    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    bad = detail(caught.value, error_details_pb2.BadRequest())
    assert [violation.field for violation in bad.field_violations] == ["parameters.fats"]


async def test_a_busy_sync_answers_with_the_running_run(tmp_path: Path, play: Play) -> None:
    play.scripts["a"] = gate = Gate()
    async with wired(tmp_path, play, sync("a")) as wire:
        first = await wire.control.StartRun(control_pb2.StartRunRequest(sync="a"))
        await gate.reached.wait()

        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await wire.control.StartRun(control_pb2.StartRunRequest(sync="a"))
        gate.open.set()

    assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert (info(caught.value).reason, info(caught.value).metadata["run"]) == ("run.already_running", first.run.id)


async def test_a_bug_leaks_no_text_to_the_client(tmp_path: Path, play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    async with wired(tmp_path, play, sync("a")) as wire:
        monkeypatch.setattr(wire.world.daemon, "statuses", lambda: int("secret detail"))

        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await wire.control.ListSyncs(control_pb2.ListSyncsRequest())

    assert caught.value.code() is grpc.StatusCode.INTERNAL
    assert "secret detail" not in (caught.value.details() or "")
    assert info(caught.value).metadata["error_id"] in (caught.value.details() or "")


async def test_a_watcher_gets_everything_first_and_then_what_changes(tmp_path: Path, play: Play) -> None:
    async with wired(tmp_path, play, sync("a") + sync("b")) as wire:
        stream = wire.control.WatchSyncs(control_pb2.WatchSyncsRequest())
        first = await stream.read()

        await wire.control.PauseSync(control_pb2.PauseSyncRequest(sync="b"))
        second = await stream.read()

        assert first.snapshot
        assert [each.name for each in first.syncs] == ["a", "b"]
        assert [(each.name, each.phase) for each in second.syncs] == [("b", common_pb2.PHASE_PAUSED)]
        assert not second.snapshot
        assert second.revision > first.revision
        assert second.epoch == first.epoch


async def test_a_watcher_of_one_sync_hears_of_no_other(tmp_path: Path, play: Play) -> None:
    async with wired(tmp_path, play, sync("a") + sync("b")) as wire:
        stream = wire.control.WatchSyncs(control_pb2.WatchSyncsRequest(syncs=["a"]))
        first = await stream.read()

        await wire.control.PauseSync(control_pb2.PauseSyncRequest(sync="b"))
        await wire.control.PauseSync(control_pb2.PauseSyncRequest(sync="a"))
        second = await stream.read()

    assert [each.name for each in first.syncs] == ["a"]
    assert [each.name for each in second.syncs] == ["a"]


async def test_streams_say_goodbye_when_the_daemon_stops(tmp_path: Path, play: Play) -> None:
    async with wired(tmp_path, play, sync("a")) as wire:
        stream = wire.control.WatchSyncs(control_pb2.WatchSyncsRequest())
        tail = wire.audit.TailAudit(audit_pb2.TailAuditRequest())
        await stream.read()

        wire.world.daemon.going_away.set()

        assert (await stream.read()).going_away
        assert (await tail.read()).going_away
        assert await stream.read() is grpc.aio.EOF


async def test_the_audit_tail_loses_nothing_between_two_calls(tmp_path: Path, play: Play) -> None:
    async with wired(tmp_path, play, sync("a")) as wire:
        for _ in range(3):
            await wire.control.PauseSync(control_pb2.PauseSyncRequest(sync="a"))
        first = await wire.audit.TailAudit(audit_pb2.TailAuditRequest(after_sequence=0)).read()
        for _ in range(3):
            await wire.control.ResumeSync(control_pb2.ResumeSyncRequest(sync="a"))
        second = await wire.audit.TailAudit(audit_pb2.TailAuditRequest(after_sequence=first.cursor)).read()

        asked = [entry async for message in wire.audit.QueryAudit(audit_pb2.QueryAuditRequest(sync="a")) for entry in message.entries]

    sequences = [entry.sequence for message in (first, second) for entry in message.entries]
    assert sequences == list(range(1, len(sequences) + 1))
    assert [entry.sequence for entry in asked] == sequences[::-1]
    assert {entry.action for entry in asked} == {"sync.paused", "sync.resumed"}


async def test_lists_page_through_everything_once(tmp_path: Path, play: Play) -> None:
    async with wired(tmp_path, play, "".join(sync(f"s{number}") for number in range(7))) as wire:
        names, token = [], ""
        while True:
            page = await wire.control.ListSyncs(control_pb2.ListSyncsRequest(page_size=3, page_token=token))
            names += [each.name for each in page.syncs]
            token = page.next_page_token
            if not token:
                break

    assert names == [f"s{number}" for number in range(7)]


async def test_runs_are_listed_newest_first_and_by_state(tmp_path: Path, play: Play) -> None:
    async def broken(_: RunContext) -> Report:
        raise PermanentError("no such table", hint="make it")

    async with wired(tmp_path, play, sync("a")) as wire:
        fine = await wire.control.StartRun(control_pb2.StartRunRequest(sync="a"))
        await wire.done(fine.run.id)
        play.scripts["a"] = broken
        failed = await wire.control.StartRun(control_pb2.StartRunRequest(sync="a"))
        await wire.done(failed.run.id)

        everything = await wire.control.ListRuns(control_pb2.ListRunsRequest(sync="a"))
        failures = await wire.control.ListRuns(control_pb2.ListRunsRequest(states=[common_pb2.RUN_STATE_FAILED]))

    assert [run.id for run in everything.runs] == [failed.run.id, fine.run.id]
    assert [(run.id, run.failure.hint) for run in failures.runs] == [(failed.run.id, "make it")]


async def test_what_should_pass_says_when_to_come_back(tmp_path: Path, play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_: object) -> None:
        raise TargetUnavailable("the index is away", after=7)

    async with wired(tmp_path, play, sync("a")) as wire:
        monkeypatch.setattr(wire.world.daemon, "reload", away)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await wire.control.ReloadSettings(control_pb2.ReloadSettingsRequest())

    retry = detail(caught.value, error_details_pb2.RetryInfo())
    assert (caught.value.code(), retry.retry_delay.seconds) == (grpc.StatusCode.UNAVAILABLE, 7)


async def test_invalid_settings_are_told_and_change_nothing(tmp_path: Path, play: Play) -> None:
    async with wired(tmp_path, play, sync("a")) as wire:
        (tmp_path / "syncd.toml").write_text("[demon]\n")

        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await wire.control.ReloadSettings(control_pb2.ReloadSettingsRequest())
        syncs = await wire.control.ListSyncs(control_pb2.ListSyncsRequest())

    assert info(caught.value).reason == "settings.invalid"
    assert "did you mean 'daemon'?" in (caught.value.details() or "")
    assert [each.name for each in syncs.syncs] == ["a"]


async def test_generic_clients_find_health_and_services(tmp_path: Path, play: Play) -> None:
    async with wired(tmp_path, play, sync("a")) as wire:
        health_stub: Any = health_pb2_grpc.HealthStub(wire.channel)
        health = await health_stub.Check(health_pb2.HealthCheckRequest(service="syncapi.v1.Control"))
        services: Any = reflection_pb2_grpc
        asked = reflection_pb2.ServerReflectionRequest(list_services="")
        call = services.ServerReflectionStub(wire.channel).ServerReflectionInfo(iter([asked]))
        answer = await call.read()

    assert health.status == health_pb2.HealthCheckResponse.SERVING
    assert {"syncapi.v1.Control", "syncapi.v1.Audit"} <= {service.name for service in answer.list_services_response.service}


async def test_connections_are_tried_and_told(tmp_path: Path, play: Play) -> None:
    async with wired(tmp_path, play, sync("a")) as wire:
        answer = await asyncio.wait_for(wire.control.CheckConnections(control_pb2.CheckConnectionsRequest()), 10)

    assert [(check.name, check.kind, check.ok, check.message) for check in answer.checks] == [("store", "store", True, "fine")]
