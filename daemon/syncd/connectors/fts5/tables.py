"""Indexes as tables: what is done to them, in the thread that owns the connection."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from secrets import token_hex
from typing import Any

from syncd.connectors.fts5.documents import plain_id, refusal
from syncd.connectors.fts5.file import transaction
from syncd.domain.batch import Batch, Finding, Refusal, Severity
from syncd.domain.errors import TargetMismatch
from syncd.kit.sql import quote
from syncd.kit.text import did_you_mean
from syncd.ports.connecting import IndexShape, IndexState

_FEW = 1000
"""Documents up to which an index has no words: reading them all is fast, and a table of words takes long to make among many."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of `syncd_indexes`."""

    number: int
    name: str
    identity: str
    primary_key: str
    attributes: str
    """The searchable attributes as a JSON array, empty for all."""
    documents: int
    has_words: int

    @property
    def rows(self) -> str:
        return f"syncd_documents_{self.number}"

    @property
    def words(self) -> str:
        return f"syncd_words_{self.number}"

    @property
    def text(self) -> str:
        """SQL over `document`: the strings that are searched, one a line. What SQLite cannot read as JSON is searched as it is."""
        paths = [".".join(["$", *(f'"{part}"' for part in attribute.split("."))]) for attribute in json.loads(self.attributes)]
        literals = ["'" + path.replace("'", "''") + "'" for path in paths or ["$"]]
        parts = [f"(SELECT group_concat(atom, char(10)) FROM json_tree(document, {path}) WHERE type = 'text')" for path in literals]
        joined = " || char(10) || ".join(f"coalesce({part}, '')" for part in parts)
        return f"CASE WHEN json_valid(document) THEN {joined} ELSE document END"


def find(connection: sqlite3.Connection, name: str) -> Entry | None:
    found = connection.execute(
        "SELECT number, name, identity, primary_key, attributes, documents, has_words FROM syncd_indexes WHERE name = ?", [name]
    ).fetchall()
    if not found:
        return None
    entry = Entry(*found[0])
    if entry.name != name:
        raise TargetMismatch(f"there is an index '{entry.name}', which SQLite does not tell from '{name}'", hint="choose another name")
    return entry


def count(connection: sqlite3.Connection) -> int:
    [[indexes]] = connection.execute("SELECT count(*) FROM syncd_indexes")
    return int(indexes)


def existing(connection: sqlite3.Connection, name: str) -> Entry:
    entry = find(connection, name)
    if entry is None:
        known = [other for (other,) in connection.execute("SELECT name FROM syncd_indexes")]
        raise TargetMismatch(f"there is no index '{name}'{did_you_mean(name, known)}", hint="run a full sync")
    return entry


def prepare(connection: sqlite3.Connection, name: str, shape: IndexShape) -> IndexState:
    attributes = json.dumps(_attributes(shape.settings))
    with transaction(connection):
        entry = find(connection, name)
        if entry is None:
            entry = _create(connection, name, shape.primary_key, attributes)
        elif entry.primary_key != shape.primary_key:
            raise TargetMismatch(
                f"the index '{name}' has the primary key '{entry.primary_key}', expected '{shape.primary_key}'",
                hint="drop the index, or choose another one",
            )
        elif entry.attributes != attributes:
            entry = _search_other(connection, entry, attributes)
    return state(entry, shape)


def _create(connection: sqlite3.Connection, name: str, primary_key: str, attributes: str) -> Entry:
    connection.execute(
        "INSERT INTO syncd_indexes (name, identity, primary_key, attributes) VALUES (?, ?, ?, ?)",
        [name, token_hex(16), primary_key, attributes],
    )
    entry = existing(connection, name)
    connection.execute(
        f"CREATE TABLE {entry.rows} (n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, document TEXT NOT NULL, text TEXT NOT NULL)"
    )
    _create_view(connection, entry)
    return entry


def _search_other(connection: sqlite3.Connection, entry: Entry, attributes: str) -> Entry:
    connection.execute("UPDATE syncd_indexes SET attributes = ? WHERE number = ?", [attributes, entry.number])
    entry = existing(connection, entry.name)
    connection.execute(f"UPDATE {entry.rows} SET text = {entry.text}")
    if entry.has_words:
        connection.execute(f"INSERT INTO {entry.words} ({entry.words}) VALUES ('rebuild')")
    return entry


def _create_view(connection: sqlite3.Connection, entry: Entry) -> None:
    source = f"{entry.rows} AS documents"
    if entry.has_words:
        source = f"{entry.words} AS words JOIN {source} ON documents.n = words.rowid"
    text = "words.text" if entry.has_words else "documents.text"
    connection.execute(f"CREATE VIEW {quote(entry.name)} AS SELECT id, document, {text} AS text FROM {source}")


def _create_words(connection: sqlite3.Connection, entry: Entry) -> None:
    # LIKE needs neither positions nor sizes, and without them words are stored faster and in half the space.
    connection.execute(
        f"CREATE VIRTUAL TABLE {entry.words} USING fts5"
        f" (text, content = '{entry.rows}', content_rowid = 'n', detail = none, columnsize = 0, tokenize = 'trigram')"
    )
    connection.execute(f"INSERT INTO {entry.words} ({entry.words}, rank) VALUES ('automerge', 8)")
    connection.execute(f"INSERT INTO {entry.words} ({entry.words}) VALUES ('rebuild')")
    connection.execute("UPDATE syncd_indexes SET has_words = 1 WHERE number = ?", [entry.number])
    connection.execute(f"DROP VIEW {quote(entry.name)}")
    _create_view(connection, replace(entry, has_words=1))


def write(connection: sqlite3.Connection, name: str, batch: Batch) -> tuple[Refusal, ...]:
    texts = batch.rows.column("id").to_pylist()
    plain = [plain_id(text) for text in texts]
    refused = tuple(refusal(row, text) for row, text in enumerate(texts) if plain[row] is None)
    stored = dict(zip(plain, batch.rows.column("document").to_pylist(), strict=True))
    stored.pop(None, None)
    with transaction(connection):
        entry = existing(connection, name)
        removed = _remove(connection, entry, [*stored, *batch.gone.to_pylist()])
        [[last]] = connection.execute(f"SELECT coalesce(max(n), 0) FROM {entry.rows}")
        insert = f"INSERT INTO {entry.rows} (id, document, text) SELECT id, document, {entry.text} FROM (SELECT ? AS id, ? AS document)"
        connection.executemany(insert, stored.items())
        documents = entry.documents + len(stored) - removed
        connection.execute("UPDATE syncd_indexes SET documents = ? WHERE number = ?", [documents, entry.number])
        if entry.has_words:
            connection.execute(f"INSERT INTO {entry.words} (rowid, text) SELECT n, text FROM {entry.rows} WHERE n > ?", [last])
        elif documents > _FEW:
            _create_words(connection, entry)
    return refused


def _remove(connection: sqlite3.Connection, entry: Entry, ids: Sequence[str | None]) -> int:
    """Words go before documents: FTS5 reads a document once more to know its words."""
    these = f"{entry.rows} WHERE id IN (SELECT value FROM json_each(?))"
    values = [json.dumps(ids)]
    if entry.has_words:
        connection.execute(f"DELETE FROM {entry.words} WHERE rowid IN (SELECT n FROM {these})", values)
    return connection.execute(f"DELETE FROM {these}", values).rowcount


def page(connection: sqlite3.Connection, select: str, after: int, limit: int) -> list[tuple[Any, ...]]:
    return connection.execute(f"{select} WHERE n > ? ORDER BY n LIMIT ?", [after, limit]).fetchall()


def documents_of(connection: sqlite3.Connection, entry: Entry, ids: Sequence[str]) -> list[tuple[str, str]]:
    select = f"SELECT id, document FROM {entry.rows} WHERE id IN (SELECT value FROM json_each(?))"
    return connection.execute(select, [json.dumps(list(ids))]).fetchall()


def swap(connection: sqlite3.Connection, name: str, other: str) -> None:
    with transaction(connection):
        pairs = [(find(connection, name), other), (find(connection, other), name)]
        renamed = {wanted: entry for entry, wanted in pairs if entry is not None}
        if not renamed:
            raise TargetMismatch(f"there are no indexes '{name}' and '{other}' to swap", hint="run a full sync")
        for entry in renamed.values():
            connection.execute(f"DROP VIEW {quote(entry.name)}")
            connection.execute("UPDATE syncd_indexes SET name = ? WHERE number = ?", [f"syncd_{entry.number}", entry.number])
        for wanted, entry in renamed.items():
            connection.execute("UPDATE syncd_indexes SET name = ? WHERE number = ?", [wanted, entry.number])
            _create_view(connection, replace(entry, name=wanted))


def drop(connection: sqlite3.Connection, name: str) -> None:
    with transaction(connection):
        entry = find(connection, name)
        if entry is not None:
            connection.execute(f"DROP VIEW {quote(name)}")
            connection.execute(f"DROP TABLE IF EXISTS {entry.words}")
            connection.execute(f"DROP TABLE {entry.rows}")
            connection.execute("DELETE FROM syncd_indexes WHERE number = ?", [entry.number])


def _attributes(settings: Mapping[str, object]) -> list[str]:
    """Which fields are searched; empty for all."""
    given = settings.get("searchableAttributes", ["*"])
    if not isinstance(given, list) or not all(isinstance(name, str) and name and '"' not in name for name in given):
        raise TargetMismatch("`searchableAttributes` is not a list of fields", hint='write it as ["title", "description"]')
    return [] if "*" in given else given


def state(entry: Entry, shape: IndexShape) -> IndexState:
    """What an index is, and what of the wanted shape it is not."""
    findings = [
        Finding(Severity.NOTE, "setting_ignored", f"FTS5 has no use for the setting '{name}'")
        for name in shape.settings
        if name != "searchableAttributes"
    ]
    if entry.primary_key != shape.primary_key:
        message = f"the primary key is '{entry.primary_key}', expected '{shape.primary_key}'; drop the index, or choose another one"
        findings.append(Finding(Severity.PROBLEM, "primary_key", message))
    return IndexState(entry.identity, entry.documents, tuple(findings))
