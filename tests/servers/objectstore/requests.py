"""One request to the object store, and its answer."""

import base64
import json
import re
import socket
import uuid
from collections.abc import Callable, Mapping
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.servers.objectstore.objects import Object, Refusal, demand

if TYPE_CHECKING:
    from tests.servers.objectstore.server import ObjectServer

_ROUTES = [
    (re.compile(r"POST /upload/storage/v1/b/([^/]+)/o"), "_upload"),
    (re.compile(r"PUT /upload/storage/v1/b/([^/]+)/o"), "_continue"),
    (re.compile(r"GET /storage/v1/b/([^/]+)/iam/testPermissions"), "_permissions"),
    (re.compile(r"GET (?:/download)?/storage/v1/b/([^/]+)/o/([^/]+)"), "_read"),
    (re.compile(r"GET /storage/v1/b/([^/]+)/o"), "_list"),
    (re.compile(r"POST /storage/v1/b/([^/]+)/o/([^/]+)/(?:copyTo|rewriteTo)/b/([^/]+)/o/([^/]+)"), "_copy"),
    (re.compile(r"PATCH /storage/v1/b/([^/]+)/o/([^/]+)"), "_patch"),
    (re.compile(r"DELETE /storage/v1/b/([^/]+)/o/([^/]+)"), "_delete"),
]


class Request(BaseHTTPRequestHandler):
    store: "ObjectServer"
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        with self.store.buckets.lock:
            self.store.open.add(self.connection)

    def finish(self) -> None:
        with self.store.buckets.lock:
            self.store.open.discard(self.connection)
        super().finish()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the base class
        pass

    def _handle(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        split = urlsplit(self.path)
        self.query = dict(parse_qsl(split.query))
        self.asked = f"{self.command} {split.path}"
        self.store.requests.append(self.asked)
        self._mute = False
        self._write: Callable[[bytes], object] = self.wfile.write
        fault = self.store.fault(f"{self.command} {self.path}")
        (fault.act if fault else Request.do)(self)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _handle  # noqa: N815 - the base class asks for these names

    def do(self) -> None:
        """What was asked for."""
        try:
            for pattern, method in _ROUTES:
                if found := pattern.fullmatch(self.asked):
                    getattr(self, method)(*map(unquote, found.groups()))
                    return
            self.refuse(501, "notImplemented", self.asked)
        except Refusal as refusal:
            self.refuse(refusal.status, refusal.reason, str(refusal))

    def do_and_cut(self) -> None:
        self._mute = True
        self.do()
        self.cut()

    def cut(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def stall(self, seconds: float) -> None:
        self.store.freed.wait(seconds)
        self.do()

    def go_slowly(self, pause: float) -> None:
        def trickle(body: bytes) -> None:
            for byte in body:
                self.wfile.write(bytes([byte]))
                if self.store.freed.wait(pause):
                    return

        self._write = trickle
        self.do()

    def drip(self, pause: float) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while not self.store.freed.wait(pause):
            self.wfile.write(b"X")

    def spoil(self) -> None:
        self._write = lambda body: self.wfile.write(bytes([body[0] ^ 1]) + body[1:])
        self.do()

    def refuse(self, status: int, reason: str, message: str) -> None:
        if status == 304:
            self.answer(status, b"")
            return
        error = {"code": status, "message": message or reason, "errors": [{"reason": reason, "message": message or reason}]}
        self.answer_json({"error": error}, status)

    def answer_json(self, value: object, status: int = 200) -> None:
        self.answer(status, json.dumps(value).encode(), {"Content-Type": "application/json; charset=UTF-8"})

    def answer(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        if self._mute:
            return
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if status != 304:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self._write(body)

    def _read(self, bucket: str, name: str) -> None:
        with self.store.buckets.lock:
            found = self.store.buckets.find(bucket, name, self.query)
        if self.query.get("alt") != "media":
            self.answer_json(resource(bucket, name, found))
            return
        hashes = f"crc32c={found.crc32c},md5={found.md5}"
        self.answer(
            200, found.content, {"Content-Type": found.content_type, "x-goog-hash": hashes, "x-goog-generation": str(found.generation)}
        )

    def _list(self, bucket: str) -> None:
        size = min(int(self.query.get("maxResults", self.store.page)), self.store.page)
        after = base64.urlsafe_b64decode(self.query.get("pageToken", "")).decode()
        with self.store.buckets.lock:
            objects = self.store.buckets.bucket(bucket)
            names = sorted(name for name in objects if name.startswith(self.query.get("prefix", "")) and name > after)
            items = [resource(bucket, name, objects[name]) for name in names[:size]]
        more = {"nextPageToken": base64.urlsafe_b64encode(names[size - 1].encode()).decode()} if len(names) > size else {}
        self.answer_json({"kind": "storage#objects", "items": items, **more})

    def _upload(self, bucket: str) -> None:
        self.store.buckets.bucket(bucket)
        if self.query["uploadType"] == "multipart":
            about, content = _parts(self.headers["Content-Type"], self.body)
            self._keep(bucket, self.query.get("name", ""), about, content)
            return
        session = uuid.uuid4().hex
        about = {"contentType": self.headers["X-Upload-Content-Type"], **json.loads(self.body or b"{}")}
        self.store.sessions[session] = {"query": self.query, "about": about, "content": b""}
        self.answer(200, b"", {"Location": f"{self.store.url}/upload/storage/v1/b/{bucket}/o?uploadType=resumable&upload_id={session}"})

    def _continue(self, bucket: str) -> None:
        session = self.store.sessions.get(self.query.get("upload_id", ""))
        if session is None:
            raise Refusal(410, "gone")
        total = self.headers["Content-Range"].rpartition("/")[2]
        session["content"] += self.body
        if total == "*" or len(session["content"]) < int(total):
            self.answer(308, b"", {"Range": f"bytes=0-{len(session['content']) - 1}"})
            return
        self.query = session["query"]
        self._keep(bucket, self.query.get("name", ""), session["about"], session["content"])

    def _keep(self, bucket: str, name: str, about: Mapping[str, Any], content: bytes) -> None:
        name = about.get("name", name)
        new = Object(content, 0, about.get("contentType", "application/octet-stream"), about.get("metadata", {}))
        for key, computed in {"crc32c": new.crc32c, "md5Hash": new.md5}.items():
            if about.get(key, computed) != computed:
                raise Refusal(400, "invalid", f"{key} does not match")
        self.answer_json(resource(bucket, name, self.store.buckets.write(bucket, name, new, self.query)))

    def _copy(self, bucket: str, name: str, to_bucket: str, to_name: str) -> None:
        with self.store.buckets.lock:
            demand(self.store.buckets.bucket(to_bucket).get(to_name), self.query)
            found = self.store.buckets.find(bucket, name, self.query, "Source")
            made = resource(to_bucket, to_name, self.store.buckets.write(to_bucket, to_name, found, self.query))
        rewritten = {"kind": "storage#rewriteResponse", "done": True, "resource": made}
        self.answer_json(rewritten if "/rewriteTo/" in self.asked else made)

    def _patch(self, bucket: str, name: str) -> None:
        with self.store.buckets.lock:
            found = self.store.buckets.find(bucket, name, self.query)
            custom = {**found.metadata, **json.loads(self.body).get("metadata", {})}
            patched = Object(found.content, found.generation, found.content_type, custom, found.metageneration + 1)
            self.store.buckets.objects[bucket][name] = patched
        self.answer_json(resource(bucket, name, patched))

    def _delete(self, bucket: str, name: str) -> None:
        with self.store.buckets.lock:
            self.store.buckets.find(bucket, name, self.query)
            del self.store.buckets.objects[bucket][name]
        self.answer(204, b"")

    def _permissions(self, bucket: str) -> None:
        self.store.buckets.bucket(bucket)
        asked = [value for key, value in parse_qsl(urlsplit(self.path).query) if key == "permissions"]
        self.answer_json({"permissions": [each for each in asked if each not in self.store.withheld]})


def resource(bucket: str, name: str, found: Object) -> dict[str, object]:
    """An object as the JSON API tells it: numbers of 64 bits are text."""
    at = found.updated.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "kind": "storage#object",
        "id": f"{bucket}/{name}/{found.generation}",
        "bucket": bucket,
        "name": name,
        "generation": str(found.generation),
        "metageneration": str(found.metageneration),
        "contentType": found.content_type,
        "size": str(len(found.content)),
        "crc32c": found.crc32c,
        "md5Hash": found.md5,
        "metadata": dict(found.metadata),
        "timeCreated": at,
        "updated": at,
    }


def _parts(content_type: str, body: bytes) -> tuple[dict[str, Any], bytes]:
    """What a multipart upload says of the object, and its content, byte for byte."""
    boundary = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {content_type}\r\n\r\n".encode()).get_boundary()
    line = b"--" + str(boundary).encode()
    about, _, rest = body.removeprefix(line + b"\r\n").partition(b"\r\n" + line + b"\r\n")
    content = rest.removesuffix(b"\r\n").removesuffix(line + b"--").removesuffix(b"\r\n")
    headers, _, media = content.partition(b"\r\n\r\n")
    kind = BytesParser(policy=HTTP).parsebytes(headers + b"\r\n\r\n").get_content_type()
    return {"contentType": kind, **json.loads(about.partition(b"\r\n\r\n")[2])}, media
