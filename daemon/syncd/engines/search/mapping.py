"""Rows become documents: SQL over Arrow batches, run by an in-memory DuckDB, so that no value becomes a Python object on the way."""

import json
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from syncd.domain.batch import DOCUMENTS
from syncd.domain.scan import GONE, UNFIT
from syncd.engines.search import plain
from syncd.engines.search.fields import Fields, MappingInvalid
from syncd.engines.search.jsonforms import SqlType, json_form, needs_text
from syncd.engines.search.plain import Columns
from syncd.kit.sql import quote
from syncd.kit.text import did_you_mean

_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "memory_limit": "256MB",
    "threads": 1,
    "enable_external_access": False,
    "autoload_known_extensions": False,
}
_SHARED = ":memory:mapping"
"""Mappers that live at one time share an instance, and its memory: making one costs as much as mapping a thousand rows."""
_OPENING = threading.Lock()
"""Who joins an instance that another thread is still making may not find the functions that read Arrow in it."""
_MOST_UNMAPPED = 1000
"""So many rows of one batch may fail before the mapping itself is taken to be wrong."""


_ROW_ERRORS = (duckdb.ConversionException, duckdb.OutOfRangeException, duckdb.InvalidInputException)
"""What DuckDB raises when a value, not the statement, is at fault."""


_FAILED = "mapping_failed"
"""Code of the dead letter for a row on which an expression of the mapping fails."""
_UNFIT = "unfit_value"
"""Code of the dead letter for a row with a value that the source cannot hand over."""

_INTEGERS = {"tinyint", "smallint", "integer", "bigint", "utinyint", "usmallint", "uinteger", "ubigint"}
_MARK = "coalesce(plain, '!' || id || '#' || fingerprint)"
"""Unique for a row even if it has no usable id."""
_MAPPED = ("mark", "key", "id", "document", "fingerprint", "gone", "position")
_FINGERPRINT = "greatest(hash(document) >> 1, 1)::BIGINT"


@dataclass(frozen=True, slots=True)
class _Identity:
    """SQL for the id of a row."""

    plain: str
    """As plain text; NULL if it is neither text nor an integer."""
    json: str


_NO_IDENTITY = _Identity("CAST(NULL AS VARCHAR)", "'null'")


@dataclass(frozen=True, slots=True)
class Unmapped:
    """Why no document could be made of a row: `code` is that of its dead letter."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Mapped:
    """What became of one batch of rows."""

    rows: pa.RecordBatch
    """Schema `DOCUMENTS`: one for each row that lives, in the order of the rows."""
    positions: pa.Int64Array
    """For each of `rows`, where it stood in the batch."""
    gone: pa.StringArray
    """Marks of the rows that the source calls deleted."""
    gone_positions: pa.Int64Array
    unmapped: dict[str, Unmapped]
    """Mark -> why, for rows of which no document could be made; they stand in `rows` with the id null."""


class Mapper:
    """Turns batches of one schema into documents. Blocking; one thread at a time."""

    def __init__(self, fields: Fields, key: Sequence[str]) -> None:
        self._fields = fields
        self._key = tuple(key)
        with _OPENING:
            self._db = duckdb.connect(_SHARED, config=_SETTINGS)
        self._db.execute("SET TimeZone = 'UTC'")
        self._lock = threading.Lock()
        self._document = ""
        self._plain: Columns | None = None
        """Set if all fields are columns as they are, of types that need no SQL."""
        self._identity = _NO_IDENTITY
        self.shape: tuple[tuple[str, str], ...] = ()
        """Name and type of every field."""
        self.warnings: tuple[str, ...] = ()
        self.columns: tuple[str, ...] = ()
        """The source's columns that the documents need, the key included."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        # A run that was cancelled may have left its thread at work, and to close under it is an error or hangs.
        self._db.interrupt()
        with self._lock:
            self._db.close()

    def bind(self, schema: pa.Schema) -> None:
        """Check every expression against the columns and fix the types. Raises `MappingInvalid` that names the field."""
        self._db.register("batch", _empty(schema))
        kinds = {name: self._type_of(name, expression, schema) for name, expression in self._fields.expressions}
        self._check_id(schema)
        members = (f"{_literal(name)}, {json_form(f'({expression})', kinds[name])}" for name, expression in self._fields.expressions)
        self._document = f"CAST(json_object({', '.join(members)}) AS VARCHAR)"
        self._plain = self._columns(schema)
        id_field = self._fields.primary_key
        self._identity = _identity(f"({self._fields.id_expression})", kinds[id_field])
        self.shape = tuple((name, str(kind)) for name, kind in kinds.items())
        self.warnings = tuple(f"{name}: {why}" for name, kind in kinds.items() if (why := needs_text(kind)))
        self.columns = self._used(schema)

    def documents(self, batch: pa.RecordBatch) -> Mapped:
        """Map one batch.

        A row that the source calls unfit, or on which the mapping fails, becomes a document that every target refuses, and is named.
        """
        with self._lock:
            unfit = _unfit(batch)
            try:
                return self._mapped(batch, unfit)
            except _ROW_ERRORS as error:
                return self._mapped(batch, self._failures(batch, str(error)) | unfit)

    def ids(self, keys: pa.RecordBatch) -> pa.StringArray:
        """The marks of rows of which only the key columns are given; those that the source calls deleted are left out."""
        with self._lock:
            self._db.register("batch", keys)
            living = f"WHERE NOT {quote(GONE)}" if GONE in keys.schema.names else ""
            columns = f"{self._identity.plain} AS plain, {self._identity.json} AS id, 0 AS fingerprint"
            marks = self._db.sql(f"SELECT {_MARK} AS mark FROM (SELECT {columns} FROM batch {living})")
            return _column(marks.to_arrow_table(), "mark")

    def _table(self, batch: pa.RecordBatch, document: str, identity: _Identity) -> pa.Table:
        self._db.register("batch", batch)
        gone = quote(GONE) if GONE in batch.schema.names else "false"
        texts = ", ".join(f"CAST({quote(column)} AS VARCHAR)" for column in self._key)
        return self._db.sql(
            f"SELECT {_MARK} AS mark, {', '.join(_MAPPED[1:])} FROM ("
            f"SELECT *, {_FINGERPRINT} AS fingerprint FROM ("
            f"SELECT CAST(to_json([{texts}]) AS VARCHAR) AS key, {identity.plain} AS plain, {identity.json} AS id, "
            f"{document} AS document, {gone} AS gone, row_number() OVER () - 1 AS position FROM batch))"
        ).to_arrow_table()

    def _whole(self, batch: pa.RecordBatch) -> pa.Table:
        """All rows of a batch, in the quickest way."""
        table = plain.rows(self._plain, batch) if self._plain else None
        if table is None:
            return self._table(batch, self._document, self._identity)
        self._db.register("documents", table.select(["document"]))
        fingerprints = self._db.sql(f"SELECT {_FINGERPRINT} AS fingerprint FROM documents").to_arrow_table()
        return table.append_column("fingerprint", fingerprints.column(0)).select(_MAPPED)

    def _columns(self, schema: pa.Schema) -> Columns | None:
        alike = {name.casefold(): name for name in schema.names}
        fields = [(name, alike.get(expression.strip().strip('"').casefold(), "")) for name, expression in self._fields.expressions]
        if not all(column for _, column in fields):
            return None
        columns = Columns(tuple(fields), dict(fields)[self._fields.primary_key], tuple(alike[name.casefold()] for name in self._key))
        return columns if plain.fit(columns, schema) else None

    def _mapped(self, batch: pa.RecordBatch, bad: dict[int, Unmapped]) -> Mapped:
        """Map a batch around the rows at some positions."""
        if not bad:
            return _split(self._whole(batch), {})
        good = [row for row in range(batch.num_rows) if row not in bad]
        table = _placed(self._whole(batch.take(pa.array(good, pa.int64()))), good)
        stand_ins = self._stand_ins(batch, list(bad))
        marks = dict(zip(stand_ins.column("mark").to_pylist(), bad.values(), strict=True))
        return _split(pa.concat_tables([table, stand_ins]).sort_by("position"), marks)

    def _failures(self, batch: pa.RecordBatch, error: str) -> dict[int, Unmapped]:
        """Why some rows of a batch, by position, cannot be mapped."""
        failing = list(self._failing(batch, 0))
        if len(failing) > _MOST_UNMAPPED:
            raise MappingInvalid(f"the mapping fails: {_first_line(error)}", hint="mend the expression, or guard it with try_cast(…)")
        return {row: Unmapped(_FAILED, self._reason(batch.slice(row, 1))) for row in failing}

    def _failing(self, batch: pa.RecordBatch, offset: int) -> Iterator[int]:
        """Positions of the rows that fail alone, by halving."""
        try:
            self._table(batch, self._document, self._identity)
        except _ROW_ERRORS:
            if batch.num_rows == 1:
                yield offset
                return
            half = batch.num_rows // 2
            yield from self._failing(batch.slice(0, half), offset)
            yield from self._failing(batch.slice(half), offset + half)

    def _stand_ins(self, batch: pa.RecordBatch, rows: Sequence[int]) -> pa.Table:
        """What every target refuses, in place of some rows, under the marks that they have when they can be mapped."""
        bad = batch.take(pa.array(rows, pa.int64()))
        try:
            table = self._table(bad, "'{}'", self._identity)
        except _ROW_ERRORS:
            if len(rows) > 1:
                return pa.concat_tables([self._stand_ins(batch, [row]) for row in rows])
            table = self._table(bad, "'{}'", _NO_IDENTITY)
            table = table.set_column(0, "mark", pa.array([f"!{table.column('key')[0].as_py()}"]))
        nulls = pa.array(["null"] * len(rows), pa.string())
        return _placed(table.set_column(table.schema.get_field_index("id"), "id", nulls), rows)

    def _reason(self, row: pa.RecordBatch) -> str:
        self._db.register("batch", row)
        for name, expression in self._fields.expressions:
            try:
                self._db.sql(f"SELECT {expression} FROM batch").fetchall()
            except duckdb.Error as error:
                return f"{name}: {_first_line(str(error))}"
        return "the document cannot be made"

    def _type_of(self, name: str, expression: str, schema: pa.Schema) -> duckdb.sqltypes.DuckDBPyType:
        try:
            return self._db.sql(f"SELECT ({expression}) FROM batch").types[0]
        except duckdb.Error as error:
            unknown = next((word for word in _quoted(str(error)) if word not in schema.names), "")
            hint = f"the source has the columns {', '.join(schema.names)}{did_you_mean(unknown, schema.names)}"
            raise MappingInvalid(f"mapping.{name}: {_first_line(str(error))}", hint=hint) from error

    def _check_id(self, schema: pa.Schema) -> None:
        self._db.register("keys", _empty(pa.schema([schema.field(name) for name in self._key])))
        try:
            self._db.sql(f"SELECT ({self._fields.id_expression}) FROM keys")
        except duckdb.Error as error:
            raise MappingInvalid(
                f"mapping.{self._fields.primary_key} is the document id and must be made of the key columns alone ({', '.join(self._key)})",
                hint="deletions know only the key; use another field for the rest, or add the column to source.key",
            ) from error

    def _used(self, schema: pa.Schema) -> tuple[str, ...]:
        statement = f"SELECT {', '.join(expression for _, expression in self._fields.expressions)} FROM batch"
        ((tree,),) = self._db.execute("SELECT json_serialize_sql(?)", [statement]).fetchall()
        named = {name.lower() for name in _column_names(json.loads(tree))}
        if "*" in named:
            return tuple(schema.names)
        wanted = named | {name.lower() for name in self._key}
        return tuple(name for name in schema.names if name.lower() in wanted)


def _empty(schema: pa.Schema) -> pa.Table:
    """Like `schema.empty_table()`, which does not know unions."""
    return pa.table([pa.nulls(0, field.type) for field in schema], schema=schema)


def _identity(value: str, kind: SqlType) -> _Identity:
    """The id as it stands in the document, and as plain text. Text and integers need not be parsed to tell that they are usable."""
    if kind.id in _INTEGERS:
        plain = f"CAST({value} AS VARCHAR)"
        return _Identity(plain, f"coalesce({plain}, 'null')")
    json_value = f"to_json({json_form(value, kind)})"
    written = f"coalesce(CAST({json_value} AS VARCHAR), 'null')"
    if str(kind) == "VARCHAR":
        return _Identity(value, written)
    usable = f"json_type({json_value}) IN ('VARCHAR', 'BIGINT', 'UBIGINT')"
    return _Identity(f"CASE WHEN {usable} THEN {json_value}->>'$' END", written)


def _unfit(batch: pa.RecordBatch) -> dict[int, Unmapped]:
    """Why the source calls some rows unfit, by position. One that is deleted has nothing to carry but its key."""
    if UNFIT not in batch.schema.names or batch.column(UNFIT).null_count == batch.num_rows:
        return {}
    gone = batch.column(GONE).to_pylist() if GONE in batch.schema.names else [False] * batch.num_rows
    told = enumerate(zip(batch.column(UNFIT).to_pylist(), gone, strict=True))
    return {row: Unmapped(_UNFIT, reason) for row, (reason, is_gone) in told if reason is not None and not is_gone}


def _placed(table: pa.Table, rows: Sequence[int]) -> pa.Table:
    """A table whose rows stand at the given positions."""
    return table.set_column(table.schema.get_field_index("position"), "position", pa.array(rows, pa.int64()))


def _split(table: pa.Table, unmapped: dict[str, Unmapped]) -> Mapped:
    gone = table.column("gone").combine_chunks()
    lives = table.filter(pc.invert(gone)) if gone.true_count else table
    dead = table.filter(gone)
    rows = lives.select(DOCUMENTS.names).cast(DOCUMENTS).combine_chunks()
    batch = rows.to_batches()[0] if rows.num_rows else pa.RecordBatch.from_pylist([], schema=DOCUMENTS)
    return Mapped(batch, _column(lives, "position"), _column(dead, "mark"), _column(dead, "position"), unmapped)


def _column(table: pa.Table, name: str) -> pa.Array:
    return pa.concat_arrays(table.column(name).chunks) if table.num_rows else pa.array([], table.schema.field(name).type)


def _column_names(tree: object) -> Iterator[str]:
    """Last names of all column references in a statement as `json_serialize_sql` writes it; `*` for a star."""
    if isinstance(tree, dict):
        if tree.get("class") == "COLUMN_REF":
            yield from tree["column_names"]
        if tree.get("class") == "STAR":
            yield "*"
        tree = list(tree.values())
    if isinstance(tree, list):
        for member in tree:
            yield from _column_names(member)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _quoted(text: str) -> list[str]:
    return text.split('"')[1::2]


def _first_line(text: str) -> str:
    return text.strip().split("\n", 1)[0]
