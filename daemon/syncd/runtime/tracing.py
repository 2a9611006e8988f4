"""Runs as traces: whatever a run does passes a port, so the ports are where its steps are seen, and no engine knows of it.

A run has its attempts below it; an attempt what is asked of connections, each batch that is read, made and written, and each commit.
"""

import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

import pyarrow as pa

from syncd.domain.batch import Batch, Receipt
from syncd.domain.run import RunState
from syncd.ports.connecting import Connections, Indexes, Source
from syncd.ports.ledger import SyncBook
from syncd.ports.models import TextModel
from syncd.ports.objects import ObjectStore
from syncd.ports.running import Engine, Report, RunContext
from syncd.ports.tracing import Attributes, Tracer
from syncd.ports.warehouse import SchemaReader
from syncd.runtime.runner import Ended, Runner

_STAGES = {"scan": "read", "apply": "write"}
_GIVE_MORE = frozenset({"index"})
"""Methods that hand over something else to watch."""


@dataclass(frozen=True, slots=True)
class Traced:
    """Puts a tracer, if there is one, between a run and all that it works with."""

    tracer: Tracer | None = None

    def connections(self, connections: Connections) -> Connections:
        return TracedConnections(connections, self.tracer) if self.tracer else connections

    def syncs(self, book: SyncBook) -> SyncBook:
        return cast("SyncBook", Watched(book, {}, self.tracer)) if self.tracer else book

    def engine(self, engine: Engine) -> Engine:
        return TracedEngine(engine, self.tracer) if self.tracer else engine

    async def carry_out(self, runner: Runner) -> Ended:
        """Do a run. Raises only what the ledger raises."""
        if self.tracer is None:
            return await runner.carry_out()
        run = runner.run
        known = {"syncd.sync": run.sync, "syncd.run.id": run.id, "syncd.run.mode": run.mode, "syncd.run.trigger": run.trigger.value}
        with self.tracer.span(f"run {run.mode}", known, run.traceparent) as span:
            ended = await runner.carry_out()
            counters = ended.run.counters
            counted = {f"syncd.rows.{kind}": getattr(counters, kind) for kind in ("read", "stored", "refused", "deleted")}
            span.tell({"syncd.run.outcome": ended.run.state.value, "syncd.run.attempts": ended.run.attempt, **counted})
            if ended.run.state is RunState.FAILED:
                span.fail(ended.run.failure.code if ended.run.failure else ended.run.state.value)
            return ended


class TracedEngine:
    """Implements the port `Engine` over another: each attempt is a step."""

    def __init__(self, engine: Engine, tracer: Tracer) -> None:
        self._engine = engine
        self._tracer = tracer

    async def run(self, context: RunContext) -> Report:
        with self._tracer.span("attempt", {"syncd.run.attempt": context.run.attempt}):
            return await self._engine.run(context)

    async def abandon(self, context: RunContext) -> None:
        with self._tracer.span("abandon", {}):
            await self._engine.abandon(context)


class TracedConnections:
    """Implements the port `Connections` over another: whatever is asked of an outside system is a step."""

    def __init__(self, connections: Connections, tracer: Tracer) -> None:
        self._connections = connections
        self._tracer = tracer

    def source(self, name: str) -> AbstractAsyncContextManager[Source]:
        return self._opened(name, self._connections.source)

    def indexes(self, name: str) -> AbstractAsyncContextManager[Indexes]:
        return self._opened(name, self._connections.indexes)

    def schemas(self, name: str) -> AbstractAsyncContextManager[SchemaReader]:
        return self._opened(name, self._connections.schemas)

    def objects(self, name: str) -> AbstractAsyncContextManager[ObjectStore]:
        return self._opened(name, self._connections.objects)

    def model(self, name: str) -> AbstractAsyncContextManager[TextModel]:
        return self._opened(name, self._connections.model)

    @asynccontextmanager
    async def _opened(self, name: str, open_it: Callable[[str], AbstractAsyncContextManager[Any]]) -> AsyncIterator[Any]:
        async with open_it(name) as opened:
            yield Watched(opened, {"syncd.connection": name}, self._tracer)


class Watched:
    """Anything with asynchronous methods: each call is a step, and so is each item of what yields several."""

    def __init__(self, thing: Any, known: Attributes, tracer: Tracer) -> None:
        self._thing = thing
        self._known = known
        self._tracer = tracer

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._thing, name)
        return self._method(name, found) if callable(found) else found

    def _method(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        stage = _STAGES.get(name, name)

        def called(*given: Any, **named: Any) -> Any:
            made = self._items("transform", given[0]) if name == "apply" else None
            result = method(made or given[0], *given[1:], **named) if given else method(**named)
            if name in _GIVE_MORE:
                return Watched(result, {**self._known, "syncd.index": str(given[0])}, self._tracer)
            if hasattr(result, "__anext__"):
                return self._items(stage, result, made)
            return self._step(stage, result, {**self._known, **_all_told(given)}) if inspect.isawaitable(result) else result

        return called

    async def _step(self, stage: str, result: Awaitable[Any], known: Attributes) -> Any:
        with self._tracer.span(stage, known):
            return await result

    async def _items(self, stage: str, items: Any, made: AsyncGenerator[Any, None] | None = None) -> AsyncGenerator[Any, None]:
        """Each item is a step for as long as it is waited for. `made` is what the items are made from, and closed behind them."""
        try:
            while True:
                with self._tracer.span(stage, self._known) as span:
                    item = await anext(items, None)
                    span.tell(_told(item))
                if item is None:
                    return
                yield item
        finally:
            for each in (items, made):
                if isinstance(each, AsyncGenerator):
                    await each.aclose()


def _all_told(given: tuple[Any, ...]) -> Attributes:
    return {name: value for each in given for name, value in _told(each).items()}


def _told(item: object) -> Mapping[str, int]:
    """How much there is in something that passes."""
    match item:
        case pa.RecordBatch():
            return {"syncd.rows": item.num_rows}
        case Batch():
            return {"syncd.rows": item.rows.num_rows, "syncd.rows.deleted": len(item.gone)}
        case Receipt():
            return {**_told(item.batch), "syncd.rows.refused": len(item.refused)}
        case _:
            return {}
