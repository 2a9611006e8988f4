"""Reading an index without syncd's own code, and saying how it differs from what it should hold."""

import json
import sqlite3
import urllib.request
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol
from urllib.error import HTTPError

from tests.servers.meilisearch import MeilisearchServer
from tests.system.shop import Document


class Searched(Protocol):
    """A place with indexes, and how it is asked about them."""

    @property
    def connection(self) -> dict[str, Any]:
        """Settings of a connection to it."""

    def documents(self, index: str = "products", id_field: str = "id") -> dict[str, Document]:
        """All documents by id; none if there is no index."""

    def indexes(self) -> set[str]: ...


_PAGE = 10_000
_SHOWN = 5
_SECONDS = 60


class Search:
    """A Meilisearch, asked over plain HTTP."""

    def __init__(self, server: MeilisearchServer) -> None:
        self.server = server

    @property
    def connection(self) -> dict[str, Any]:
        """The key stands in a file beside the server's data."""
        file = self.server.folder / "key"
        file.write_text(self.server.key)
        return {"kind": "meilisearch", "url": self.server.url, "key": {"file": file}}

    def ask(self, path: str, body: object = None, method: str = "") -> Any:
        headers = {"Authorization": f"Bearer {self.server.key}", "Content-Type": "application/json"}
        payload = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.server.url}/{path}", payload, headers, method=method or None)
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:
            return json.load(answer)

    def documents(self, index: str = "products", id_field: str = "id") -> dict[str, Document]:
        found: list[Document] = []
        while True:
            try:
                page = self.ask(f"indexes/{index}/documents?limit={_PAGE}&offset={len(found)}")["results"]
            except HTTPError as error:
                with error:
                    if error.code != 404:
                        raise
                return {}
            found += page
            if len(page) < _PAGE:
                return {str(document[id_field]): document for document in found}

    def indexes(self) -> set[str]:
        return {index["uid"] for index in self.ask("indexes?limit=1000")["results"]}

    def swaps(self) -> int:
        """How many swaps there have been, those under way included."""
        return int(self.ask("tasks?types=indexSwap&limit=1")["total"])

    def change(self, path: str, body: object = None, method: str = "POST") -> None:
        """Ask for a change behind syncd's back, and wait until it is made."""
        task = self.ask(path, body, method)["taskUid"]
        while (state := self.ask(f"tasks/{task}")["status"]) in ("enqueued", "processing"):
            pass
        assert state == "succeeded", self.ask(f"tasks/{task}")


class Local:
    """A file of the embedded target, read with nothing but SQLite."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def connection(self) -> dict[str, Any]:
        return {"kind": "fts5", "path": self.path}

    def documents(self, index: str = "products", id_field: str = "id") -> dict[str, Document]:
        return {number: json.loads(document) for number, document in self._ask(f'SELECT id, document FROM "{index}"')}

    def indexes(self) -> set[str]:
        return {name for (name,) in self._ask("SELECT name FROM syncd_indexes")}

    def _ask(self, question: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.path)) as db:
            return db.execute(question).fetchall()


def differences(expected: Mapping[str, Document], found: Mapping[str, Document]) -> str:
    """What is missing, extra and different, in words; empty if the two are equal in keys and contents."""
    missing = sorted(expected.keys() - found.keys())
    extra = sorted(found.keys() - expected.keys())
    different = sorted(key for key in expected.keys() & found.keys() if expected[key] != found[key])
    lines = [f"{kind}: {len(keys)}, such as {keys[:_SHOWN]}" for kind, keys in (("missing", missing), ("extra", extra)) if keys]
    if different:
        lines += [f"different: {len(different)}"] + [f"  expected {expected[key]}\n  found    {found[key]}" for key in different[:_SHOWN]]
    return "\n".join(lines)
