"""A stand-in for BigQuery's REST API v2: listings with real paging, tables, dry runs, rows, tokens, and whatever trouble a test wants.

It runs in threads of this process on a port of its own. Shapes: https://cloud.google.com/bigquery/docs/reference/rest/v2.
"""

import json
import threading
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.servers.bigquery.judging import Judged, judge

Json = dict[str, Any]
PROJECT = "demo"


@dataclass(frozen=True)
class Call:
    """A request. `path` holds its parts below the project, unquoted."""

    path: tuple[str, ...]
    params: Mapping[str, str]
    body: Json
    authorization: str = ""
    number: int = 0
    """From 1."""


@dataclass(frozen=True)
class Answer:
    """`content` other than bytes goes as JSON. `late` seconds pass before it goes, and `slow` seconds between its bytes."""

    content: object
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    late: float = 0
    slow: float = 0
    cut: bool = False
    """The connection ends in the middle of the body."""


Trouble = Callable[[Call], Answer | None]
"""What is answered in the server's place; None for what it would answer itself."""


def refusal(status: int, reason: str, message: str = "no", headers: Mapping[str, str] | None = None) -> Answer:
    """An error as BigQuery writes it."""
    errors = [{"domain": "global", "reason": reason, "message": message}]
    return Answer({"error": {"code": status, "message": message, "errors": errors}}, status, headers or {})


def once(answer: Answer) -> Trouble:
    """Trouble with the first request alone."""
    return lambda call: answer if call.number == 1 else None


def always(answer: Answer) -> Trouble:
    return lambda call: answer


HANG = Answer(b"", late=3600)
"""No answer at all, until the server is closed."""


class BigQuery:
    """All that is public may be read and changed at any time. `tables` holds resources as `tables.get` answers them, by `dataset.table`."""

    def __init__(self) -> None:
        self.datasets: list[str] = []
        self.tables: dict[str, Json] = {}
        self.rows: dict[str, list[tuple[object, ...]]] = {}
        self.judged: dict[str, Judged] = {}
        """Statements whose judgement is fixed."""
        self.trouble: Trouble | None = None
        self.token = ""
        """The only access token that is accepted; if empty, none is needed."""
        self.latency = 0.0
        self.calls: list[Call] = []
        self.most = 0
        """The most requests that were under way at once."""
        self._under_way = 0
        self._lock = threading.Lock()
        self._closing = threading.Event()
        server = self

        class Bound(_Handler):
            behind = server

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Bound)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), name="bigquery")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._closing.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def put(self, name: str, *fields: Json, **more: object) -> None:
        """Make a table, and its dataset if there is none."""
        dataset, _, table = name.partition(".")
        if dataset not in self.datasets:
            self.datasets.append(dataset)
        reference = {"projectId": PROJECT, "datasetId": dataset, "tableId": table}
        self.tables[name] = {
            "kind": "bigquery#table",
            "type": "TABLE",
            "tableReference": reference,
            "creationTime": "1772366400000",
            "schema": {"fields": list(fields)},
            **more,
        }

    def pause(self, seconds: float) -> None:
        """Wait, but not beyond the end of the server."""
        self._closing.wait(seconds)

    def answer(self, call: Call) -> Answer:
        with self._lock:
            call = replace(call, number=len(self.calls) + 1)
            self.calls.append(call)
            self._under_way += 1
            self.most = max(self.most, self._under_way)
        try:
            self.pause(self.latency)
            return (self.trouble and self.trouble(call)) or self._answer(call)
        finally:
            with self._lock:
                self._under_way -= 1

    def _answer(self, call: Call) -> Answer:
        if self.token and call.authorization != f"Bearer {self.token}":
            return refusal(401, "authError", "Request had invalid authentication credentials.")
        match call.path:
            case ("datasets",):
                return self._datasets(call)
            case ("datasets", dataset, "tables"):
                return self._tables(call, dataset)
            case ("datasets", dataset, "tables", table):
                found = self.tables.get(f"{dataset}.{table}")
                return Answer(found) if found else refusal(404, "notFound", f"Not found: Table {PROJECT}:{dataset}.{table}")
            case ("datasets", dataset, "tables", table, "data"):
                return self._data(call, f"{dataset}.{table}")
            case ("jobs",):
                return self._job(call.body)
            case _:
                return refusal(404, "notFound", "no such method")

    def _datasets(self, call: Call) -> Answer:
        items = [{"kind": "bigquery#dataset", "datasetReference": {"projectId": PROJECT, "datasetId": each}} for each in self.datasets]
        page, token = _page(items, call.params)
        return Answer({"kind": "bigquery#datasetList", "datasets": page, **token})

    def _tables(self, call: Call, dataset: str) -> Answer:
        if dataset not in self.datasets:
            return refusal(404, "notFound", f"Not found: Dataset {PROJECT}:{dataset}")
        told = ("kind", "type", "tableReference", "creationTime")
        items = [{key: table[key] for key in told} for name, table in sorted(self.tables.items()) if name.startswith(f"{dataset}.")]
        page, token = _page(items, call.params)
        return Answer({"kind": "bigquery#tableList", "totalItems": len(items), **({"tables": page} if page else {}), **token})

    def _data(self, call: Call, name: str) -> Answer:
        fields = [each["name"] for each in self.tables[name]["schema"]["fields"]]
        places = [fields.index(each) for each in call.params["selectedFields"].split(",")]
        rows = [{"f": [{"v": row[place]} for place in places]} for row in self.rows.get(name, [])]
        return Answer({"kind": "bigquery#tableDataList", "totalRows": str(len(rows)), "rows": rows[: int(call.params["maxResults"])]})

    def _job(self, body: Json) -> Answer:
        """Runs nothing: a job without `dryRun` is refused."""
        if body["configuration"].get("dryRun") is not True:
            return refusal(501, "notImplemented", "the stand-in runs nothing")
        query = body["configuration"]["query"]["query"]
        found = self.judged.get(query) or judge(query, self._columns())
        if found.problem:
            return refusal(found.status, found.reason, found.problem)
        size = str(found.bytes)
        statistics = {"totalBytesProcessed": size, "query": {"totalBytesProcessed": size, "statementType": found.kind}}
        return Answer({"kind": "bigquery#job", "status": {"state": "DONE"}, "statistics": statistics})

    def _columns(self) -> dict[str, dict[str, str]]:
        return {name: {each["name"]: each["type"] for each in table["schema"]["fields"]} for name, table in self.tables.items()}


def page_token(start: int) -> str:
    """The token of the page that begins at an item."""
    return urlsafe_b64encode(str(start).encode()).decode()


def _page(items: Sequence[Json], params: Mapping[str, str]) -> tuple[Sequence[Json], Json]:
    start = int(urlsafe_b64decode(params["pageToken"])) if "pageToken" in params else 0
    end = start + int(params.get("maxResults", 50))
    return items[start:end], {"nextPageToken": page_token(end)} if end < len(items) else {}


class _Handler(BaseHTTPRequestHandler):
    behind: BigQuery
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._handle({})

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/token":
            return self._send(Answer({"access_token": self.behind.token, "expires_in": 3600, "token_type": "Bearer"}))
        if self.path == "/refused":
            return self._send(Answer({"error": "invalid_grant", "error_description": "no such account"}, 400))
        return self._handle(json.loads(content))

    def _handle(self, body: Json) -> None:
        address = urlsplit(self.path)
        start = f"/bigquery/v2/projects/{PROJECT}/"
        assert address.path.startswith(start), self.path
        path = tuple(map(unquote, address.path.removeprefix(start).split("/")))
        call = Call(path, dict(parse_qsl(address.query)), body, self.headers.get("Authorization", ""))
        self._send(self.behind.answer(call))

    def _send(self, answer: Answer) -> None:
        self.behind.pause(answer.late)
        content = answer.content if isinstance(answer.content, bytes) else json.dumps(answer.content).encode()
        try:
            self._write(answer, content)
        except OSError:  # who asked is gone
            self.close_connection = True

    def _write(self, answer: Answer, content: bytes) -> None:
        self.send_response(answer.status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(content)), **answer.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        for piece in (content[place : place + 1] for place in range(len(content))) if answer.slow else [content]:
            self.wfile.write(piece[: len(piece) // 2] if answer.cut else piece)
            self.behind.pause(answer.slow)
        self.close_connection = self.close_connection or answer.cut

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name upstream
        """Stay silent."""
