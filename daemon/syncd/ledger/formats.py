"""The log as a file that others can read: Parquet, CSV or lines of JSON."""

import base64
import csv
import hashlib
import io
import json
import zlib
from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import Any, BinaryIO, Self, cast

import pyarrow as pa
import pyarrow.parquet as pq

from syncd.domain.audit import GENESIS
from syncd.domain.verdict import Manifest
from syncd.ledger.border import damaged
from syncd.ledger.moments import moment
from syncd.ledger.outbox import Line
from syncd.ledger.trigrams import Trigrams

_ROW_GROUP = 100_000
COLUMNS = ("sequence", "at", "action", "sync", "run", "actor", "outcome", "detail", "previous", "hash")
TEXTS = COLUMNS[2:8]
TRIGRAMS = b"syncd.trigrams"
"""Under this name a Parquet file tells which trigrams each of its groups of rows has: their bits, compressed, in base64."""

SCHEMA = pa.schema(
    [
        ("sequence", pa.int64()),
        ("at", pa.timestamp("us")),
        *((name, pa.string()) for name in TEXTS),
        ("previous", pa.binary()),
        ("hash", pa.binary()),
    ]
)


class Form(Enum):
    """How a copy of the log is written."""

    PARQUET = "parquet"
    CSV = "csv"
    JSONL = "jsonl"


class Sink(io.RawIOBase):
    """Passes bytes on to a file, or keeps them until somebody takes them; knows the hash of all that went through."""

    def __init__(self, onto: BinaryIO | None = None) -> None:
        super().__init__()
        self._onto = onto
        self._held = bytearray()
        self._sha256 = hashlib.sha256()
        self._written = 0
        self.given_up = False
        """From then on, nothing is passed on or kept."""

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._written

    def write(self, content: Any, /) -> int:
        view = bytes(content)
        if self.given_up:
            return len(view)
        self._sha256.update(view)
        self._written += len(view)
        if self._onto:
            self._onto.write(view)
        else:
            self._held += view
        return len(view)

    def taken(self) -> bytes:
        """What was written since the last taking."""
        content, self._held = bytes(self._held), bytearray()
        return content

    @property
    def sha256(self) -> str:
        return self._sha256.hexdigest()


class Copy:
    """One file of the log while it is written, and its manifest when it is complete. Leaving its block before gives it up."""

    def __init__(self, form: Form, sink: Sink) -> None:
        self._form = form
        self._sink = sink
        self._encoder = _ENCODERS[form](sink)
        self._rows = 0
        self._first: Line | None = None
        self._last: Line | None = None
        self._complete = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *why: object) -> None:
        if not self._complete:
            self._sink.given_up = True
            self._encoder.close()

    def write(self, lines: Sequence[Line]) -> bytes:
        """Add lines, oldest first; answers the bytes that the sink kept."""
        self._encoder.write(lines)
        self._first = self._first or lines[0]
        self._last = lines[-1]
        self._rows += len(lines)
        return self._sink.taken()

    def close(self) -> bytes:
        """End the file; answers the bytes that the sink kept."""
        self._encoder.close()
        self._complete = True
        return self._sink.taken()

    def manifest(self) -> Manifest:
        first, last = self._first, self._last
        if not first or not last:
            return Manifest(self._form.value, 0, 0, 0, GENESIS, "", "", self._sink.sha256)
        hashes = first[8].hex(), first[9].hex(), last[9].hex()
        return Manifest(self._form.value, self._rows, first[0], last[0], *hashes, self._sink.sha256)


class _Parquet:
    """Lines are gathered: a reader can skip a group of rows by its sequences, times and trigrams, and each costs it some work."""

    def __init__(self, sink: Sink) -> None:
        self._writer = pq.ParquetWriter(sink, SCHEMA, compression="zstd")
        self._held: list[pa.Table] = []
        self._trigrams = Trigrams()
        self._bits: list[bytes] = []

    def write(self, lines: Sequence[Line]) -> None:
        fresh = table(lines)
        self._held.append(fresh)
        self._trigrams.add(chunk for name in TEXTS for chunk in fresh[name].chunks)
        if sum(held.num_rows for held in self._held) >= _ROW_GROUP:
            self._put()

    def close(self) -> None:
        if self._held:
            self._put()
        self._writer.add_key_value_metadata({TRIGRAMS: base64.b64encode(zlib.compress(b"".join(self._bits)))})
        self._writer.close()

    def _put(self) -> None:
        gathered = pa.concat_tables(self._held)
        self._held = []
        self._bits.append(self._trigrams.taken())
        self._writer.write_table(gathered, row_group_size=gathered.num_rows)


class _Csv:
    """Times in ISO 8601, the detail as JSON, hashes in hexadecimal; the first line names the columns."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._put([COLUMNS])

    def write(self, lines: Sequence[Line]) -> None:
        self._put([(line[0], _iso(line), *line[2:8], line[8].hex(), line[9].hex()) for line in lines])

    def close(self) -> None:
        pass

    def _put(self, rows: Sequence[Sequence[object]]) -> None:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(rows)
        self._sink.write(text.getvalue().encode())


class _Jsonl:
    """The same, a JSON object a line; the detail is an object in it."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    def write(self, lines: Sequence[Line]) -> None:
        self._sink.write("".join(map(_json, lines)).encode())

    def close(self) -> None:
        pass


_ENCODERS: dict[Form, type[_Parquet | _Csv | _Jsonl]] = {Form.PARQUET: _Parquet, Form.CSV: _Csv, Form.JSONL: _Jsonl}


def table(lines: Sequence[Line]) -> pa.Table:
    """Lines as a table of Arrow."""
    return pa.table([list(column) for column in zip(*lines, strict=True)], schema=SCHEMA)


def sequences_out_of_order(path: Path) -> list[int]:
    """Sequences of a Parquet file that stand behind a higher one. Raises `PermanentError` if it cannot be read."""
    found, highest = [], 0
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(columns=["sequence"]):
                for sequence in cast("list[int]", batch.column(0).to_pylist()):
                    if sequence < highest:
                        found.append(sequence)
                    highest = max(highest, sequence)
    except pa.ArrowException as error:
        raise damaged(path, str(error)) from error
    return found


def _iso(line: Line) -> str:
    return moment(line[1]).isoformat(timespec="microseconds")


def _json(line: Line) -> str:
    words = dict(zip(COLUMNS[2:7], line[2:7], strict=True))
    begin = json.dumps({"sequence": line[0], "at": _iso(line), **words}, ensure_ascii=False)
    return f'{begin[:-1]}, "detail": {line[7]}, "previous": "{line[8].hex()}", "hash": "{line[9].hex()}"}}\n'
