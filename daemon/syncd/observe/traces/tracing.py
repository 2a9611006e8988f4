"""Traces as a whole: steps are kept until they are sent, in a thread of their own, by OTLP over HTTP.

What cannot be sent in time is dropped: no run ever waits for a collector. What leaves the machine: names of syncs, connections and steps,
ids of runs, numbers, and codes of errors. Texts of errors stay at home: they can hold values of rows.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

import structlog

from syncd.domain.errors import PermanentError, SyncdError
from syncd.kit.threads import in_own_thread
from syncd.observe.parts import Parts
from syncd.ports.tracing import Attributes, Tracer
from syncd.settings.traces import TracesSection

if TYPE_CHECKING:
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter

log = structlog.get_logger()

_LAST_SECONDS = 2.0
_SEND_SECONDS = 5.0
_EVERY_SECONDS = 2.0
_WAITING = 4096
_AT_ONCE = 512
_TRACEPARENT_LETTERS = 55


@asynccontextmanager
async def tracing(settings: TracesSection, version: str, parts: Parts) -> AsyncIterator[Tracer | None]:
    """Send traces while the block runs; without an `endpoint`, do nothing and yield None. Raises `SyncdError` if it cannot be."""
    if settings.endpoint is None:
        yield None
        return
    headers = {name: secret.reveal() for name, secret in settings.headers.items()}
    provider, exporter = await asyncio.to_thread(_provider, settings.endpoint, headers, version, parts)
    log.info("runs traced", endpoint=settings.endpoint)
    try:
        yield Spans(provider.get_tracer("syncd", version))
    finally:
        try:
            await asyncio.wait_for(in_own_thread(provider.shutdown), _LAST_SECONDS)
        except TimeoutError:
            exporter.shutdown()  # or it would go on trying


def _provider(endpoint: str, headers: dict[str, str], version: str, parts: Parts) -> "tuple[TracerProvider, SpanExporter]":
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - an extra, and slow to import
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

        from syncd.observe.traces.sending import Sending  # noqa: PLC0415
    except ImportError as error:
        hint = 'pip install "syncd[traces]"'
        raise PermanentError("`[daemon.traces]` needs packages that are not installed", hint=hint, code="traces.missing") from error
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # what it would say with every failure, we say once
    exporter = Sending(OTLPSpanExporter(endpoint, headers=headers, timeout=_SEND_SECONDS), parts)
    provider = TracerProvider(resource=Resource.create({"service.name": "syncd", "service.version": version}), shutdown_on_exit=False)
    provider.add_span_processor(
        BatchSpanProcessor(exporter, max_queue_size=_WAITING, schedule_delay_millis=_EVERY_SECONDS * 1000, max_export_batch_size=_AT_ONCE)
    )
    return provider, exporter


class Spans:
    """Implements the port `Tracer`."""

    def __init__(self, tracer: "trace.Tracer") -> None:
        self._tracer = tracer

    @contextmanager
    def span(self, name: str, attributes: Attributes, parent: str = "") -> Iterator["OpenSpan"]:
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415 - an extra

        carrier = {"traceparent": parent[:_TRACEPARENT_LETTERS]}
        context = TraceContextTextMapPropagator().extract(carrier) if parent else None
        with self._tracer.start_as_current_span(
            name, context=context, attributes=attributes, record_exception=False, set_status_on_exception=False
        ) as span:
            step = OpenSpan(span)
            try:
                yield step
            except asyncio.CancelledError:
                step.tell({"syncd.cancelled": True})
                raise
            except SyncdError as error:
                step.fail(error.code)
                raise
            except Exception as error:
                step.fail(type(error).__name__)
                raise


class OpenSpan:
    """Implements the port `Span`."""

    def __init__(self, span: "trace.Span") -> None:
        self._span = span

    def tell(self, attributes: Attributes) -> None:
        self._span.set_attributes(attributes)

    def fail(self, code: str) -> None:
        from opentelemetry.trace import StatusCode  # noqa: PLC0415 - an extra

        self._span.set_attribute("error.type", code)
        self._span.set_status(StatusCode.ERROR, code)
