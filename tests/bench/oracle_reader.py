"""One way to read a table, in a process of its own: `python -m tests.bench.oracle_reader HOW DSN`. Prints rows, bytes and CPU seconds."""

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import oracledb
import pyarrow as pa
import pyarrow.compute as pc

from syncd.connectors.oracle import CONNECTOR, Settings
from syncd.domain.scan import Relation, Scan
from syncd.engines.search.fields import fields_of
from syncd.engines.search.mapping import Mapper
from syncd.engines.search.settings import SearchSync
from syncd.settings.secret import SecretReference

PASSWORD = "ORACLE_PASSWORD"
USER = "syncd"
TABLE = "BENCH"
ROWS_AT_ONCE = 2000
MAPPED_AT_ONCE = 16_000
"""As many as a run reads ahead with its default `batch_rows`."""
COLUMNS = "ID, TITLE, BRAND, DESCRIPTION, PRICE, STOCK, MODIFIED_DATE"
_QUERY = f"SELECT {COLUMNS} FROM {TABLE} ORDER BY ID"


@dataclass
class Done:
    rows: int = 0
    bytes: int = 0


def bare() -> Done:
    """The fastest that the driver has: Arrow, thrown away."""
    done = Done()
    for frame in _connection().fetch_df_batches(_QUERY, size=ROWS_AT_ONCE):
        done.rows += frame.num_rows()
    return done


def by_hand() -> Done:
    """What people write: rows to dicts to JSON."""
    done = Done()
    with _connection().cursor() as cursor:
        cursor.arraysize = ROWS_AT_ONCE
        cursor.execute(_QUERY)
        names = [column.name for column in cursor.description or ()]
        while rows := cursor.fetchmany():
            lines = [json.dumps(dict(zip(names, row, strict=True)), default=_plain, ensure_ascii=False) for row in rows]
            done.rows += len(rows)
            done.bytes += len("\n".join(lines).encode())
    return done


def ours() -> Done:
    """The connector and the mapping of syncd, up to the bytes that go out."""
    return asyncio.run(_ours())


async def _ours() -> Done:
    assert CONNECTOR.source is not None
    done, settings = Done(), Settings(dsn=sys.argv[2], user=USER, password=SecretReference(env=PASSWORD))
    source = {"connection": "oracle", "table": TABLE, "key": ["ID"]}
    sync = SearchSync.model_validate({"engine": "search", "source": source, "target": {"connection": "search", "index": "bench"}})
    async with CONNECTOR.source(settings) as oracle:
        table = await oracle.describe(Relation(table=TABLE))
        with Mapper(fields_of(sync, table.names), ["ID"]) as mapper:
            mapper.bind(table.schema)
            scan = Scan(Relation(table=TABLE), ("ID",), mapper.columns, key=("ID",))
            async with aclosing(oracle.scan(scan, MAPPED_AT_ONCE)) as batches:
                async for batch in batches:
                    documents = (await asyncio.to_thread(mapper.documents, batch)).rows.column("document")
                    done.rows += len(documents)
                    done.bytes += len(_payload(documents))
    return done


def _payload(documents: pa.StringArray) -> bytes:
    whole = pa.ListArray.from_arrays(pa.array([0, len(documents)], pa.int32()), documents)
    return bytes(pc.binary_join(whole, "\n")[0].as_buffer().to_pybytes())


def _connection() -> oracledb.Connection:
    return oracledb.connect(user=USER, password=os.environ[PASSWORD], dsn=sys.argv[2])


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else float(value) if isinstance(value, Decimal) else str(value)


WAYS: dict[str, Callable[[], Done]] = {"bare": bare, "ours": ours, "by_hand": by_hand}


def main() -> None:
    """Everything is imported already, so the clock has only the reading."""
    began = time.process_time()
    done = WAYS[sys.argv[1]]()
    print(done.rows, done.bytes, time.process_time() - began)


if __name__ == "__main__":
    main()
