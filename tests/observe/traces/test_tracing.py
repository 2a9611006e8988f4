"""Runs reach a collector as traces, whole and in order; and no run notices whether anybody collects."""

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from syncd.domain.errors import PermanentError, TransientError
from syncd.domain.run import Run, RunState
from syncd.observe.parts import Parts
from syncd.observe.traces.tracing import tracing
from syncd.ports.running import Report, RunContext
from syncd.runtime.tracing import Traced
from syncd.settings.traces import TracesSection
from tests.observe.traces.collector import Collector, collecting, told
from tests.runtime.world import Play, World, opened, receipt, sync

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
ROW = "a row with a s3cret"


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


@asynccontextmanager
async def traced(folder: Path, play: Play, endpoint: str, parts: Parts | None = None) -> AsyncIterator[World]:
    section = TracesSection(endpoint=endpoint)
    async with tracing(section, "1.2.3", parts or Parts()) as tracer, opened(folder, play, sync("a")) as world:
        world.supervisor.traced = Traced(tracer)
        yield world


async def one_run(world: World, traceparent: str = "") -> Run:
    return await world.ended(await world.begin("a", traceparent=traceparent))


def played(*ends: Exception | None) -> Play:
    """Each attempt commits one row, refuses another, and ends so."""
    left, play = list(ends), Play()

    async def work(context: RunContext) -> Report:
        await context.commit(receipt("1", "2", refused=1))
        if error := left.pop(0):
            raise error
        return Report()

    play.scripts["a"] = work
    return play


async def test_a_run_is_a_trace_with_its_attempts_and_commits(tmp_path: Path, collector: Collector) -> None:
    async with traced(tmp_path, played(TransientError(ROW, code="target.unavailable"), None), collector.endpoint) as world:
        run = await one_run(world)

    (root,), attempts = collector.named("run incremental"), collector.named("attempt")
    assert collector.resources[0]["service.name"] == "syncd"
    assert collector.resources[0]["service.version"] == "1.2.3"
    assert told(root) == {
        "syncd.sync": "a",
        "syncd.run.id": run.id,
        "syncd.run.mode": "incremental",
        "syncd.run.trigger": "request",
        "syncd.run.outcome": "done",
        "syncd.run.attempts": 2,
        "syncd.rows.read": 4,
        "syncd.rows.stored": 2,
        "syncd.rows.refused": 2,
        "syncd.rows.deleted": 0,
    }
    assert root.parent_span_id == b""
    assert {span.trace_id for span in collector.spans} == {root.trace_id}
    assert [(told(each)["syncd.run.attempt"], told(each).get("error.type"), each.status.code) for each in attempts] == [
        (1, "target.unavailable", Status.STATUS_CODE_ERROR),
        (2, None, Status.STATUS_CODE_UNSET),
    ]
    assert [told(each) for attempt in attempts for each in collector.below(attempt, "commit")] == [
        {"syncd.rows": 2, "syncd.rows.deleted": 0, "syncd.rows.refused": 1}
    ] * 2


@pytest.mark.parametrize(
    ("error", "code"),
    [
        pytest.param(PermanentError(ROW, code="target.mismatch"), "target.mismatch", id="an error with a code"),
        pytest.param(KeyError(ROW), "bug", id="a bug"),
    ],
)
async def test_a_failure_is_told_by_its_code_and_never_by_its_words(
    tmp_path: Path, collector: Collector, error: Exception, code: str
) -> None:
    async with traced(tmp_path, played(error), collector.endpoint) as world:
        await one_run(world)

    (root,) = collector.named("run incremental")
    assert (root.status.code, root.status.message, told(root)["error.type"]) == (Status.STATUS_CODE_ERROR, code, code)
    assert ROW.encode() not in b"".join(collector.bodies)
    assert not any(span.events for span in collector.spans)


@pytest.mark.parametrize(
    ("traceparent", "parent"),
    [
        pytest.param(CALLER, "b7ad6b7169203331", id="the caller's"),
        pytest.param("nonsense", "", id="what cannot be read"),
        pytest.param("", "", id="none"),
    ],
)
async def test_a_run_belongs_to_the_trace_of_whoever_asked_for_it(
    tmp_path: Path, collector: Collector, traceparent: str, parent: str
) -> None:
    async with traced(tmp_path, played(None), collector.endpoint) as world:
        await one_run(world, traceparent)

    (root,) = collector.named("run incremental")
    assert root.parent_span_id.hex() == parent
    assert (root.trace_id.hex() == CALLER[3:35]) is bool(parent)


@pytest.mark.parametrize("answer", [pytest.param(0, id="nobody is there"), pytest.param(400, id="it refuses")])
async def test_a_collector_that_fails_hurts_no_run_and_the_end_is_quick(tmp_path: Path, collector: Collector, answer: int) -> None:
    collector.answer, parts = answer or 400, Parts()
    endpoint = collector.endpoint if answer else "http://127.0.0.1:1/v1/traces"

    async with traced(tmp_path, played(None), endpoint, parts) as world:
        run = await one_run(world)
        stops = time.monotonic()
    took = time.monotonic() - stops

    assert run.state is RunState.DONE
    assert took < 3.5
    if answer:
        assert parts.warnings() == ("traces: the collector takes none; steps are dropped until it does",)


async def test_steps_beyond_what_may_wait_are_dropped(collector: Collector) -> None:
    collector.open.clear()

    async with tracing(TracesSection(endpoint=collector.endpoint), "1", Parts()) as tracer:
        assert tracer is not None
        for _ in range(6000):
            with tracer.span("read", {}):
                pass
        collector.open.set()

    assert 512 <= len(collector.spans) <= 4096 + 512


async def test_without_an_endpoint_there_is_no_tracer_and_nothing_between_a_run_and_its_work() -> None:
    connections = object()

    async with tracing(TracesSection(), "1", Parts()) as tracer:
        assert tracer is None
        assert Traced(tracer).connections(connections) is connections  # type: ignore[arg-type]


async def test_without_an_endpoint_nothing_of_opentelemetry_is_imported() -> None:
    script = "import sys, syncd.app; print([name for name in sys.modules if name.startswith('opentelemetry')])"

    done = await asyncio.to_thread(subprocess.run, [sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"
