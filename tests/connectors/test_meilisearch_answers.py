"""What each answer of a server in trouble, or of something that is no Meilisearch, means to a sync."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from syncd.connectors.meilisearch import CONNECTOR
from syncd.connectors.meilisearch.client import Task
from syncd.connectors.meilisearch.settings import Settings
from syncd.domain.errors import BadCredentials, SyncdError, TargetMismatch, TargetUnavailable
from syncd.ports.connecting import IndexShape

SHAPE = IndexShape("id")


@dataclass
class Troubled:
    """A server that answers every request alike."""

    status: int
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    silent: bool = False
    ended: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    def handler(self) -> type[BaseHTTPRequestHandler]:
        answer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if answer.silent:
                    answer.ended.wait()
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer.body.encode())

            def do_POST(self) -> None:
                self.do_GET()

            def log_message(self, *_: object) -> None:
                """Nothing of this belongs into the output of the tests."""

        return Handler


@pytest.fixture
def troubled(request: pytest.FixtureRequest) -> Iterator[Troubled]:
    answer: Troubled = request.param
    with ThreadingHTTPServer(("127.0.0.1", 0), answer.handler()) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        answer.url = f"http://127.0.0.1:{server.server_port}"
        yield answer
        answer.ended.set()
        server.shutdown()
        thread.join()


async def problem_with(troubled: Troubled) -> SyncdError:
    assert CONNECTOR.indexes is not None
    settings = Settings.model_validate({"url": troubled.url, "timeout": "1s"})
    async with CONNECTOR.indexes(settings) as indexes:
        with pytest.raises(SyncdError) as raised:
            await indexes.index("anything").prepare(SHAPE)
    return raised.value


def refusing(status: int, code: str, kind: str = "invalid_request") -> Troubled:
    return Troubled(status, f'{{"message":"no, because","code":"{code}","type":"{kind}","link":""}}')


BUSY = [
    pytest.param(Troubled(429, "slow down"), id="too many requests"),
    pytest.param(Troubled(500, "oops"), id="internal error"),
    pytest.param(Troubled(502, "<html>bad gateway</html>"), id="bad gateway"),
    pytest.param(Troubled(503), id="unavailable"),
    pytest.param(refusing(507, "no_space_left_on_device", "system"), id="disk full"),
    pytest.param(refusing(422, "too_many_open_files", "system"), id="a problem of the system under another status"),
    pytest.param(Troubled(200, "<html>come back later</html>"), id="not JSON"),
    pytest.param(Troubled(200, '"hello"'), id="JSON of something else"),
    pytest.param(Troubled(200, '{"results":[{"oops":1}]}'), id="JSON that looks alike"),
    pytest.param(Troubled(200, "", {"Content-Length": "1000"}), id="an answer that breaks off"),
    pytest.param(Troubled(200, silent=True), id="no answer in time"),
]


@pytest.mark.parametrize("troubled", BUSY, indirect=True)
async def test_trouble_of_the_server_means_try_again(troubled: Troubled) -> None:
    problem = await problem_with(troubled)

    assert isinstance(problem, TargetUnavailable)
    assert "Meilisearch at http://127.0.0.1:" in str(problem)


@pytest.mark.parametrize(
    ("troubled", "after"),
    [
        (Troubled(429, headers={"Retry-After": "7"}), 7.0),
        (Troubled(503, headers={"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}), None),
        (Troubled(503), None),
    ],
    indirect=["troubled"],
)
async def test_the_time_that_a_server_asks_for_is_kept(troubled: Troubled, after: float | None) -> None:
    problem = await problem_with(troubled)

    assert isinstance(problem, TargetUnavailable)
    assert problem.after == after


@pytest.mark.parametrize(
    "troubled", [refusing(401, "missing_authorization_header", "auth"), refusing(403, "invalid_api_key", "auth")], indirect=True
)
async def test_a_refused_key_halts(troubled: Troubled) -> None:
    problem = await problem_with(troubled)

    assert isinstance(problem, BadCredentials)
    assert "`key`" in problem.hint


@pytest.mark.parametrize("troubled", [Troubled(404, "<html>no such page</html>"), refusing(400, "bad_request")], indirect=True)
async def test_a_server_that_does_not_understand_halts(troubled: Troubled) -> None:
    problem = await problem_with(troubled)

    assert isinstance(problem, TargetMismatch)
    assert f"status {troubled.status}" in str(problem)


@pytest.mark.parametrize(
    ("task", "meant"),
    [
        pytest.param(Task(1, "failed", "no_space_left_on_device", "disk full", "system"), TargetUnavailable, id="disk full"),
        pytest.param(Task(1, "failed", "io_error", "read error", "system"), TargetUnavailable, id="disk broken"),
        pytest.param(Task(1, "failed", "database_size_limit_reached", "full", "internal"), TargetUnavailable, id="database full"),
        pytest.param(Task(1, "canceled"), TargetUnavailable, id="cancelled"),
        pytest.param(Task(1, "failed", "index_not_found", "Index `a` not found.", "invalid_request"), TargetUnavailable, id="index gone"),
        pytest.param(
            Task(1, "failed", "index_primary_key_already_exists", "has one", "invalid_request"), TargetMismatch, id="another primary key"
        ),
    ],
)
def test_a_task_that_failed_for_no_document_ends_the_load(task: Task, meant: type[SyncdError]) -> None:
    with pytest.raises(meant, match="the task 1"):
        task.blame("Meilisearch")


@pytest.mark.parametrize("word", ["invalid_document_id", "internal", "invalid_vectors_type", "vector_embedding_error"])
def test_a_task_that_may_have_failed_for_a_document_does_not(word: str) -> None:
    Task(1, "failed", word, "no", "invalid_request").blame("Meilisearch")


@pytest.mark.parametrize("url", ["127.0.0.1:7700", "ftp://127.0.0.1", "", "http://somebody:secret@127.0.0.1:7700"])
def test_an_address_that_is_not_one_is_a_problem_of_the_settings(url: str) -> None:
    with pytest.raises(ValueError, match=r"an address (that begins with http|holds no user)"):
        Settings.model_validate({"url": url})
