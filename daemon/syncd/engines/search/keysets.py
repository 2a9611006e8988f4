"""Compares what the source has with what the index has: sets of ids, and digests of content, at any size.

The sets live in an in-memory DuckDB that spills to a temporary folder, so memory is bounded by `_MEMORY` however large the table is.
"""

import tempfile
import threading
from collections.abc import Iterator
from enum import Enum
from types import TracebackType
from typing import Self

import duckdb
import pyarrow as pa

_MEMORY = "192MB"


class Side(Enum):
    SOURCE = "source"
    INDEX = "index"


class KeySets:
    """Blocking; one thread at a time. An id that is added twice to a side counts once, with its last digest."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="syncd-keys-")
        self._db = duckdb.connect(config={"memory_limit": _MEMORY, "threads": 1, "temp_directory": self._folder.name})
        self._lock = threading.RLock()
        for side in Side:
            self._db.execute(f"CREATE TABLE {side.value} (id VARCHAR, digest BIGINT)")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        # A run that was cancelled may have left its thread at work, and to close under it is an error or hangs.
        self._db.interrupt()
        with self._lock:
            self._db.close()
            self._folder.cleanup()

    def add(self, side: Side, ids: pa.Array, digests: pa.Array | None = None) -> None:
        """Add ids to a side, with a digest of the content of each where contents are compared."""
        digests = pa.nulls(len(ids), pa.int64()) if digests is None else digests
        with self._lock:
            self._db.register("added", pa.table([ids, digests], names=["id", "digest"]))
            self._db.execute(f"INSERT INTO {side.value} FROM added")
            self._db.unregister("added")

    def count(self, side: Side) -> int:
        """Different ids on a side."""
        return self._number(f"SELECT count(DISTINCT id) FROM {side.value}")

    def doubled(self, side: Side) -> int:
        """How many ids were added more often than once."""
        return self._number(f"SELECT count(*) FROM (SELECT id FROM {side.value} GROUP BY id HAVING count(*) > 1)")

    def only_in(self, side: Side, rows: int = 1000) -> Iterator[pa.StringArray]:
        """Yield the ids that only this side has, at most `rows` at a time."""
        other = Side.INDEX if side is Side.SOURCE else Side.SOURCE
        yield from self._ids(f"SELECT DISTINCT id FROM {side.value} ANTI JOIN {other.value} USING (id)", rows)

    def count_only_in(self, side: Side) -> int:
        other = Side.INDEX if side is Side.SOURCE else Side.SOURCE
        return self._number(f"SELECT count(DISTINCT id) FROM {side.value} ANTI JOIN {other.value} USING (id)")

    def different(self, rows: int = 1000) -> Iterator[pa.StringArray]:
        """Yield the ids that both sides have with different digests."""
        yield from self._ids("SELECT DISTINCT id FROM source JOIN index USING (id) WHERE source.digest <> index.digest", rows)

    def _ids(self, statement: str, rows: int) -> Iterator[pa.StringArray]:
        with self._lock, self._db.cursor() as cursor:
            for batch in cursor.sql(statement).to_arrow_reader(rows):
                if batch.num_rows:
                    yield batch.column(0)

    def _number(self, statement: str) -> int:
        with self._lock:
            ((number,),) = self._db.execute(statement).fetchall()
        return int(number)
