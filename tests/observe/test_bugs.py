"""Bugs reach a server that speaks Sentry's protocol, and nothing else of the machine does."""

import gzip
import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import structlog

from syncd.domain.errors import BadCredentials, PermanentError
from syncd.observe.bugs import reporting
from syncd.observe.logging import configure
from syncd.observe.parts import Parts
from syncd.settings.errors import ErrorsSection
from tests.servers.http import served

ROW = "a row with a s3cret"


@dataclass
class Sink:
    port: int = 0
    paths: list[str] = field(default_factory=list)
    envelopes: list[str] = field(default_factory=list)

    def events(self) -> list[dict[str, Any]]:
        lines = [json.loads(line) for envelope in self.envelopes for line in envelope.splitlines() if line.startswith("{")]
        return [line for line in lines if "exception" in line]


@pytest.fixture
def sink() -> Iterator[Sink]:
    sink = Sink()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            sink.paths.append(self.path)
            sink.envelopes.append((gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body).decode())
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            return

    with served(Handler) as sink.port:
        yield sink


@pytest.fixture
def log() -> Iterator[Any]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    configure("info", StringIO())
    yield structlog.get_logger()
    structlog.reset_defaults()
    for handler in list(root.handlers):
        root.removeHandler(handler)
    for handler in handlers:
        root.addHandler(handler)
    root.setLevel(level)


def section(folder: Path, dsn: str) -> ErrorsSection:
    (folder / "dsn").write_text(dsn)
    return ErrorsSection.model_validate({"dsn": {"file": str(folder / "dsn")}, "environment": "test"})


def found_missing() -> None:
    nothing: dict[str, str] = {}
    nothing.pop(ROW)


def raised(act: Callable[[], None] = found_missing) -> Exception:
    with pytest.raises((KeyError, PermanentError)) as caught:
        act()
    return caught.value


def refused() -> None:
    raise PermanentError("no such table")


async def test_a_bug_is_reported_with_its_place_and_nothing_that_could_be_a_row_or_a_secret(tmp_path: Path, sink: Sink, log: Any) -> None:
    async with reporting(section(tmp_path, f"http://key@127.0.0.1:{sink.port}/7"), "1.2.3", Parts()):
        log.error("run met a bug", error_id="e1", sync="shop", run="r1", exc_info=raised(), row=ROW)

    (event,) = sink.events()
    assert sink.paths == ["/api/7/envelope/"]
    assert event["tags"] == {"error_id": "e1", "sync": "shop", "run": "r1"}
    assert (event["release"], event["environment"]) == ("syncd@1.2.3", "test")
    assert event["exception"]["values"][0]["type"] == "KeyError"
    assert event["exception"]["values"][0]["stacktrace"]["frames"][-1]["function"] == "found_missing"
    assert not {"vars", "context_line", "pre_context"} & event["exception"]["values"][0]["stacktrace"]["frames"][-1].keys()
    assert ROW not in "".join(sink.envelopes)
    assert not {"server_name", "extra", "modules", "contexts", "breadcrumbs", "logentry"} & event.keys()


async def test_only_bugs_are_reported_and_only_while_the_daemon_runs(tmp_path: Path, sink: Sink, log: Any) -> None:
    async with reporting(section(tmp_path, f"http://key@127.0.0.1:{sink.port}/7"), "1.2.3", Parts()):
        log.error("sync halted", exc_info=raised(refused))
        log.error("sync halted", error="no such table")
        log.warning("handled", exc_info=raised())

    log.error("run met a bug", exc_info=raised())

    assert sink.events() == []


@pytest.mark.parametrize(
    ("dsn", "error"), [pytest.param("nonsense", PermanentError, id="no DSN"), pytest.param("", BadCredentials, id="nothing")]
)
async def test_a_dsn_that_cannot_be_used_is_told_at_the_start(tmp_path: Path, dsn: str, error: type[Exception]) -> None:
    with pytest.raises(error, match="dsn"):
        async with reporting(section(tmp_path, dsn), "1", Parts()):
            raise AssertionError("it started")


async def test_without_a_dsn_nothing_is_reported() -> None:
    before = list(logging.getLogger().handlers)

    async with reporting(ErrorsSection(), "1", Parts()):
        during = list(logging.getLogger().handlers)

    assert during == before
