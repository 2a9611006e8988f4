"""A proxy in front of an HTTP server that passes everything on, until it is told to misbehave."""

import json
import socket
import threading
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

Trouble = Callable[["Request"], None]
"""Answers a request in the server's place, or does not answer it."""

_SECONDS = 60
_NOT_PASSED_ON = {"connection", "keep-alive", "transfer-encoding", "content-length"}


class Proxy:
    """`trouble` may be set and cleared at any time; `met` counts the requests that met it."""

    def __init__(self, upstream: str) -> None:
        self.upstream = upstream
        self.trouble: Trouble | None = None
        self.met = 0
        self.freed = threading.Event()
        proxy = self

        class Bound(Request):
            behind = proxy

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Bound)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="proxy")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.freed.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class Request(BaseHTTPRequestHandler):
    """One request on its way."""

    behind: Proxy
    protocol_version = "HTTP/1.1"

    def pass_on(self) -> None:
        """Ask the server, and hand its answer back."""
        address = urlsplit(self.behind.upstream)
        upstream = HTTPConnection(address.hostname or "", address.port, timeout=_SECONDS)
        try:
            upstream.request(self.command, self.path, self.body(), {**self.headers, "Connection": "close"})
            answer = upstream.getresponse()
            self.answer(answer.status, answer.read(), **dict(answer.getheaders()))
        except (OSError, HTTPException):
            self.cut()
        finally:
            upstream.close()

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in _NOT_PASSED_ON:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.close_connection = True
        self.end_headers()
        self.wfile.write(body)

    def answer_json(self, status: int, value: object, **headers: str) -> None:
        self.answer(status, json.dumps(value).encode(), **{"Content-Type": "application/json", **headers})

    def cut(self) -> None:
        """Break the connection off without an answer."""
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library calls it so
        """Say nothing."""

    def _handle(self) -> None:
        trouble = self.behind.trouble
        if trouble is None:
            self.pass_on()
            return
        self.behind.met += 1
        trouble(self)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _handle  # noqa: N815 - the library looks for these names


# ── troubles ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def status(code: int, word: str = "internal", **headers: str) -> Trouble:
    """The server says in its own form that something is wrong."""

    def answer(request: Request) -> None:
        request.body()
        request.answer_json(code, {"message": "trouble", "code": word, "type": "internal", "link": ""}, **headers)

    return answer


def garbage(request: Request) -> None:
    """Something that looks like an answer, but not like one of this server."""
    request.body()
    request.answer(200, b"<html><body>Welcome to the wireless network!</body></html>", **{"Content-Type": "text/html"})


def cut_off(request: Request) -> None:
    request.cut()


def cut_behind(request: Request) -> None:
    """The server does what it is asked, but its answer never arrives."""
    address = urlsplit(request.behind.upstream)
    upstream = HTTPConnection(address.hostname or "", address.port, timeout=_SECONDS)
    try:
        upstream.request(request.command, request.path, request.body(), {**request.headers, "Connection": "close"})
        upstream.getresponse().read()
    finally:
        upstream.close()
    request.cut()


def half(request: Request) -> None:
    """An answer that ends in its middle."""
    request.body()
    request.send_response(200)
    request.send_header("Content-Type", "application/json")
    request.send_header("Content-Length", "1000")
    request.end_headers()
    request.wfile.write(b'{"results": [')
    request.cut()


def hang(request: Request) -> None:
    """No answer, until the proxy is freed."""
    request.behind.freed.wait()
    request.cut()
