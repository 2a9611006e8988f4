"""A stand-in for Anthropic's Messages API that answers as scripted, well or badly, and records what it was asked."""

import json
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

Json = Mapping[str, Any]
USAGE: Json = {"input_tokens": 100, "output_tokens": 20, "cache_creation_input_tokens": 30, "cache_read_input_tokens": 40}


@dataclass(frozen=True, slots=True)
class Asked:
    path: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: Json
    raw: bytes

    @property
    def system(self) -> Sequence[str]:
        return [block["text"] for block in self.body.get("system", ())]

    @property
    def task(self) -> str:
        return str(self.body["messages"][0]["content"])

    @property
    def streamed(self) -> bool:
        return bool(self.body.get("stream"))


@dataclass(frozen=True, slots=True)
class Sent:
    """What goes over the wire."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    length: int | None = None
    """What the headers claim; None: nothing, so the end of the connection is the end of the answer."""
    then_hang: bool = False


Step = Callable[[Asked], Sent | None]
"""One answer; None drops the connection without a byte."""


def said(text: str, stop: str | None = "end_turn", usage: Json | None = USAGE) -> Step:
    """A message of one text, as a stream if that was asked for."""
    return _message([{"type": "text", "text": text}], stop, usage)


def answered(value: object, usage: Json | None = USAGE) -> Step:
    """A message of JSON text."""
    return said(json.dumps(value, ensure_ascii=False), usage=usage)


def silent() -> Step:
    """A message without content."""
    return _message([], "end_turn", USAGE)


def cut(text: str) -> Step:
    """A stream that ends cleanly in the middle, as the service's own proxies leave one."""
    return lambda asked: _json_or(asked, _events(text)[:-3])


def broken_off(text: str, kind: str = "overloaded_error") -> Step:
    """A stream with an error in it."""
    error = {"type": "error", "error": {"type": kind, "message": "it is too much"}}
    return lambda asked: _json_or(asked, [*_events(text)[:-3], error])


def stalled(text: str) -> Step:
    """A stream that says nothing any more."""
    return lambda asked: Sent(_wire(_events(text)[:-3]), headers=_STREAM, then_hang=True)


def torn(text: str) -> Step:
    """An answer that promises more bytes than come."""
    return lambda asked: Sent(_wire(_events(text)[:-3]), headers=_STREAM, length=1_000_000)


def failed(status: int, kind: str = "api_error", message: str = "it did not work", **headers: str) -> Step:
    body = json.dumps({"type": "error", "error": {"type": kind, "message": message}}).encode()
    return lambda asked: Sent(body, status, {"content-type": "application/json", **_dashed(headers)}, len(body))


def sent(body: bytes, status: int = 200, content_type: str = "application/json") -> Step:
    """Any bytes."""
    return lambda asked: Sent(body, status, {"content-type": content_type}, len(body))


def dropped() -> Step:
    return lambda asked: None


def hanging() -> Step:
    return lambda asked: Sent(status=0, then_hang=True)


_STREAM = {"content-type": "text/event-stream"}


def _dashed(headers: Mapping[str, str]) -> Mapping[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def _message(content: Sequence[Json], stop: str | None, usage: Json | None) -> Step:
    def step(asked: Asked) -> Sent:
        text = "".join(block["text"] for block in content)
        if asked.streamed:
            return Sent(_wire(_events(text, stop, usage)), headers=_STREAM)
        message = {"id": "msg_1", "type": "message", "role": "assistant", "model": asked.body["model"], "content": content}
        body = json.dumps({**message, "stop_reason": stop, **({"usage": usage} if usage is not None else {})}).encode()
        return Sent(body, headers={"content-type": "application/json", "request-id": "req_1"}, length=len(body))

    return step


def _events(text: str, stop: str | None = "end_turn", usage: Json | None = USAGE) -> list[Json]:
    spent = usage or {}
    begun: Json = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [], "stop_reason": None}
    pieces = [text[start : start + 7] for start in range(0, len(text), 7)]
    return [
        {"type": "message_start", "message": {**begun, "usage": {**spent, "output_tokens": 1} if usage else None}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "ping"},
        *({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}} for piece in pieces),
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": stop}, "usage": {"output_tokens": spent.get("output_tokens")}},
        {"type": "message_stop"},
    ]


def _wire(events: Sequence[Json]) -> bytes:
    return b"".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events)


def _json_or(asked: Asked, events: Sequence[Json]) -> Sent:
    if not asked.streamed:
        raise ValueError("only a stream can end so")
    return Sent(_wire(events), headers=_STREAM)


class ModelApi:
    """One server on a port of its own; a context manager.

    `steps` are used up one by one; without any, `answer` makes the value of the message from what was asked. `tokens` is what counting
    answers, None an error; `count_step` answers it in any other way.
    """

    def __init__(self) -> None:
        self.steps: deque[Step] = deque()
        self.answer: Callable[[Asked], object] = lambda asked: {}
        self.tokens: int | None = 1234
        self.count_step: Step | None = None
        self.asked: list[Asked] = []
        """Messages, in order of arrival."""
        self.counted: list[Asked] = []
        self._ended = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def script(self, *steps: Step) -> None:
        self.steps.extend(steps)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def reply(self, asked: Asked) -> Sent | None:
        if asked.path == "/v1/messages/count_tokens":
            self.counted.append(asked)
            step = self.count_step or (failed(500) if self.tokens is None else sent(json.dumps({"input_tokens": self.tokens}).encode()))
        else:
            self.asked.append(asked)
            step = self.steps.popleft() if self.steps else answered(self.answer(asked))
        return step(asked)

    def hang(self) -> None:
        self._ended.wait()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False


def _handler(api: ModelApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            reply = api.reply(Asked(self.path, headers, json.loads(raw), raw))
            self.close_connection = reply is None or reply.length != len(reply.body)
            if reply is not None:
                self._send(reply)

        def _send(self, reply: Sent) -> None:
            if reply.status:
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header(*(("connection", "close") if reply.length is None else ("content-length", str(reply.length))))
                self.end_headers()
                self.wfile.write(reply.body)
                self.wfile.flush()
            if reply.then_hang:
                api.hang()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the base class names it
            pass

    return Handler
