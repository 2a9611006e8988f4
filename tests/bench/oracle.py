"""What reading Oracle costs the client: to mapped NDJSON, beside the driver alone, and beside what people write by hand.

The server is a stand-in in a process of its own, slower than any client, so the CPU of the client counts and not the clock on the wall.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import duckdb
import oracledb

from tests.bench import rows
from tests.bench.oracle_reader import PASSWORD, TABLE, USER, WAYS
from tests.bench.report import Report
from tests.servers.ports import free_port

ROWS = 500_000
ROUNDS = 3
_ROWS_AT_ONCE = 5000
_CREATE = (
    f"CREATE TABLE {TABLE} (ID NUMBER(12) NOT NULL PRIMARY KEY, TITLE VARCHAR2(200), BRAND VARCHAR2(40), DESCRIPTION VARCHAR2(400), "
    "PRICE NUMBER(10, 2), STOCK NUMBER(9), MODIFIED_DATE DATE)"
)


@dataclass(frozen=True, slots=True)
class Reading:
    """The whole table, read once."""

    bytes: int
    cpu_seconds: float


def bench(folder: Path) -> Report:
    found: dict[str, list[Reading]] = {way: [] for way in WAYS}
    with _server(folder) as dsn:
        _fill(folder, dsn)
        for number in range(ROUNDS):
            for way in WAYS if number % 2 == 0 else reversed(WAYS):
                found[way].append(_read(way, dsn))
    return _judged(found)


def _judged(found: dict[str, list[Reading]]) -> Report:
    report = Report(f"oracle: {ROWS:,} rows of 7 columns, CPU of the client")
    names = {"bare": "fetch_df_batches, thrown away", "ours": "syncd, to mapped NDJSON", "by_hand": "fetchmany, dict, json.dumps"}
    for way, readings in found.items():
        seconds = median(reading.cpu_seconds for reading in readings)
        each = " ".join(f"{reading.cpu_seconds:.2f}" for reading in readings)
        report.line(names[way], f"{seconds:.2f} s", f"{seconds / ROWS * 1e6:.2f} µs/row", f"{readings[0].bytes:,} bytes", f"each: {each} s")
    ratio = _ratio(found["ours"], found["bare"])
    cheaper = _ratio(found["by_hand"], found["ours"])
    report.bar("syncd / bare, CPU, median of rounds", f"{ratio:.2f}", "≤ 2.0", kept=ratio <= 2.0)
    report.bar("by hand / syncd, CPU, median of rounds", f"{cheaper:.2f}", "≥ 3", kept=cheaper >= 3)
    return report


def _ratio(over: list[Reading], under: list[Reading]) -> float:
    return median(left.cpu_seconds / right.cpu_seconds for left, right in zip(over, under, strict=True))


def _read(way: str, dsn: str) -> Reading:
    command = [sys.executable, "-m", "tests.bench.oracle_reader", way, dsn]
    said = subprocess.run(command, env={**os.environ, PASSWORD: "secret"}, capture_output=True, text=True, check=True).stdout
    count, size, seconds = said.split()
    if int(count) != ROWS:
        raise RuntimeError(f"{way} read {count} rows, expected {ROWS}")
    return Reading(int(size), float(seconds))


def _fill(folder: Path, dsn: str) -> None:
    rows.create(folder / "shop.duckdb", ROWS)
    query = "SELECT id, title, brand, description, price, stock, modified FROM products ORDER BY id"
    with (
        duckdb.connect(str(folder / "shop.duckdb"), read_only=True) as shop,
        oracledb.connect(user=USER, password="secret", dsn=dsn) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(_CREATE)
        products = shop.execute(query)
        while some := products.fetchmany(_ROWS_AT_ONCE):
            cursor.executemany(f"INSERT INTO {TABLE} VALUES (:1, :2, :3, :4, :5, :6, :7)", some)
        connection.commit()


@contextmanager
def _server(folder: Path) -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "tests.servers.oracle", "--port", str(port), "--database", str(folder / "oracle.db")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        ready = server.stdout.readline()
        if not ready.startswith("ready: "):
            raise RuntimeError("the stand-in server did not start")
        try:
            yield ready.rpartition("@")[2].strip()
        finally:
            server.terminate()
