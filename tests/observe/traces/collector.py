"""A collector that takes traces by OTLP over HTTP, as others do: a real HTTP server that decodes what it is sent."""

import gzip
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.servers.http import served


@dataclass
class Collector:
    port: int = 0
    answer: int = 200
    open: threading.Event = field(default_factory=threading.Event)
    """Until it is set, whoever sends waits for an answer."""
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    resources: list[dict[str, Any]] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1/traces"

    def take(self, body: bytes) -> None:
        request = ExportTraceServiceRequest.FromString(body)
        self.bodies.append(body)
        for resource in request.resource_spans:
            self.resources.append({each.key: each.value.string_value for each in resource.resource.attributes})
            self.spans += [span for scope in resource.scope_spans for span in scope.spans]

    def named(self, name: str) -> list[Span]:
        return [span for span in self.spans if span.name == name]

    def below(self, parent: Span, name: str) -> list[Span]:
        """Spans of this name somewhere below another one."""
        children = [span for span in self.spans if span.parent_span_id == parent.span_id]
        return [span for child in children for span in ([child] if child.name == name else []) + self.below(child, name)]

    def waits_for(self, name: str, count: int = 1, seconds: float = 15.0) -> list[Span]:
        until = time.monotonic() + seconds
        while len(self.named(name)) < count and time.monotonic() < until:
            time.sleep(0.02)
        return self.named(name)


def told(span: Span) -> dict[str, Any]:
    """Its attributes."""
    return {each.key: getattr(each.value, each.value.WhichOneof("value") or "string_value") for each in span.attributes}


@contextmanager
def collecting() -> Iterator[Collector]:
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            body = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
            collector.open.wait(30)
            if collector.answer == 200:
                collector.headers.append(dict(self.headers))
                collector.take(body)
            self.send_response(collector.answer)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    with served(Handler) as collector.port:
        collector.open.set()
        yield collector
