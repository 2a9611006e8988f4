"""Rows that are committed long after they were dated are in the index behind them, whatever happens to the connection meanwhile."""

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import oracledb
import pytest

from syncapi.v1.common_pb2 import RUN_STATE_DONE
from tests.servers.oracle.database import Database
from tests.servers.oracle.faults import DROP, At, Fault
from tests.servers.oracle.server import Server
from tests.system.client import told
from tests.system.conftest import Running
from tests.system.harness import SyncdProcess
from tests.system.searching import Search, differences
from tests.system.shop import Document
from tests.system.waiting import until

WRITERS = 500
SECONDS = 8
CUTS = int(os.environ.get("SYNCD_CUTS", "6"))
"""`make soak` wants many, and both flavours everywhere."""
IS_SOAK = CUTS > 10
BOTH = ("by_date", "by_scn")


class Events:
    """A table that many write, reached by the writers and by the daemon over servers of their own, so that only the daemon's has faults."""

    def __init__(self, flavour: int, folder: Path, index: str) -> None:
        self.index = index
        self.database = Database()
        self.open = Server(self.database, flavour=flavour)
        self.cut = Server(self.database, flavour=flavour, first_session=100_000)
        self.password = folder / "password"
        self.password.write_text("secret")

    def ask(self, *statements: str) -> list[tuple[Any, ...]]:
        with oracledb.connect(user="syncd", password="secret", dsn=self.open.dsn) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            found = cursor.fetchall() if cursor.description else []
            connection.commit()
        return found

    def documents(self) -> dict[str, Document]:
        return {str(number): {"id": number, "name": name} for number, name in self.ask("SELECT ID, NAME FROM EVENTS")}

    def index_of(self, sync: str) -> str:
        return f"{self.index}-{sync}"

    def settings(self, search: Search) -> dict[str, Any]:
        """Two syncs of the table, each by another strategy, that run every second."""
        connection = {"kind": "oracle", "dsn": self.cut.dsn, "user": "syncd", "password": {"file": self.password}, "timezone": "UTC"}
        by = {"by_date": {"watermark": "MODIFIED_DATE"}, "by_scn": {"strategy": "scn"}}
        return {
            "connections": {"events": connection, "search": search.connection},
            "syncs": {
                name: {
                    "engine": "search",
                    "every": "1s",
                    "retry": {"attempts": 1000, "first": "20ms", "most": "100ms"},
                    "source": {"connection": "events", "table": "EVENTS", "key": ["ID"], **by[name]},
                    "target": {"connection": "search", "index": self.index_of(name)},
                    "mapping": {"id": "ID", "name": "NAME"},
                }
                for name in BOTH
            },
        }


@pytest.fixture(params=[19, 23] if IS_SOAK else [23])
def events(request: pytest.FixtureRequest, tmp_path: Path, index_name: str) -> Iterator[Events]:
    events = Events(request.param, tmp_path, index_name)
    with events.open, events.cut:
        events.ask("CREATE TABLE EVENTS (ID NUMBER(9) NOT NULL PRIMARY KEY, NAME VARCHAR2(40), MODIFIED_DATE TIMESTAMP(6) NOT NULL)")
        events.ask("CREATE INDEX EVENTS_CHANGED ON EVENTS (MODIFIED_DATE, ID)")
        yield events


def writing(events: Events, writers: int, seconds: float) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.system.writers", events.open.dsn, str(writers), str(seconds), "20261121"]
    return subprocess.Popen(command, env={**os.environ, "SYNCD_PASSWORD": "secret"}, stdout=subprocess.PIPE, text=True)


def assert_in_step(events: Events, syncd: SyncdProcess, search: Search) -> None:
    """After one more run, nothing is missing in either index."""
    for name in BOTH:
        syncd.client.pause(name)
        syncd.client.quiet(name)
        syncd.client.resume(name)
        last = syncd.client.runs(name)[0].id
        until(lambda: syncd.client.runs(name, RUN_STATE_DONE)[0].id > last, "one more run")  # noqa: B023 - looked at in this turn only
        syncd.client.pause(name)
        syncd.client.quiet(name)
        assert differences(events.documents(), search.documents(events.index_of(name))) == ""
        drift = syncd.client.ended(syncd.client.start(name, "verify", queue=True).id)
        assert (drift.state, drift.failure.code) == (RUN_STATE_DONE, ""), told(drift)


@pytest.mark.timeout(180)
def test_rows_of_five_hundred_writers_are_in_the_index_however_late_they_are_committed(
    events: Events, running: Running, steady: Search
) -> None:
    syncd = running(events.settings(steady))
    with writing(events, WRITERS, SECONDS) as writers:
        said = writers.communicate()[0]
    committed, least = map(int, said.split())

    assert committed > WRITERS
    assert least >= 1
    assert_in_step(events, syncd, steady)


@pytest.mark.timeout(300)
def test_a_connection_that_is_cut_at_random_packets_again_and_again_loses_nothing(events: Events, running: Running, steady: Search) -> None:
    draw = random.Random(20261121)
    syncd = running(events.settings(steady))
    with writing(events, 50, CUTS * 0.2) as writers:
        for _ in range(CUTS):
            armed = events.cut.faults.add(Fault(At.PACKET, DROP, nth=draw.randint(1, 60)))
            assert armed.wait(seconds=30)
        said = writers.communicate()[0]

    assert int(said.split()[0]) > 50
    assert_in_step(events, syncd, steady)


def test_without_the_oldest_transaction_and_without_looking_back_a_late_row_is_missed(
    events: Events, running: Running, steady: Search
) -> None:
    """What the tests above would find, if it were not for the low water."""
    for view in ("GV$TRANSACTION", "V$TRANSACTION"):
        events.database.revoke(view)
    settings = events.settings(steady)
    del settings["syncs"]["by_scn"]
    settings["syncs"]["by_date"]["every"] = "1h"
    settings["syncs"]["by_date"]["source"]["lookback"] = "0s"
    dated = "INSERT INTO EVENTS VALUES ({0}, 'x', TIMESTAMP '2026-01-01 00:00:{0:02}')"
    events.ask(dated.format(1), dated.format(3))
    client = running(settings).client
    client.quiet("by_date")

    client.done("by_date", "incremental")
    events.ask(dated.format(2))
    client.done("by_date", "incremental")

    assert set(steady.documents(events.index_of("by_date"))) == {"1", "3"}
    assert any("GV_$TRANSACTION" in warning for warning in client.status("by_date").warnings)
