"""The guide to Oracle, carried out word by word where a stand-in can: its settings, its statements, its commands."""

import re
import tomllib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import oracledb
import pytest

from tests.servers.oracle.database import Database
from tests.servers.oracle.server import Server
from tests.system.conftest import Running
from tests.system.searching import Search
from tests.system.waiting import until

GUIDE = (Path(__file__).parents[2] / "docs/oracle.md").read_text()
TABLE = (
    "CREATE TABLE erp.crasivttst (id NUMBER(12) NOT NULL PRIMARY KEY, name VARCHAR2(200), del_yn CHAR(1) DEFAULT 'N' NOT NULL, "
    "modified_date TIMESTAMP DEFAULT SYSTIMESTAMP NOT NULL)"
)


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)


def statements(of: str) -> Iterator[str]:
    """The statements of the guide that begin so."""
    for block in blocks("sql"):
        yield from (line.rstrip(";") for line in block.splitlines() if line.startswith(of))


@pytest.mark.timeout(120)
def test_the_guide_leads_to_an_index_that_is_in_step(running: Running, steady: Search, tmp_path: Path) -> None:
    [settings] = [tomllib.loads(block) for block in blocks("toml")]
    [commands] = [block for block in blocks("shell") if "syncctl" in block]
    password = tmp_path / "password"
    password.write_text("secret")
    with (
        Server(Database()) as server,
        oracledb.connect(user="syncd", password="secret", dsn=server.dsn) as connection,
        connection.cursor() as cursor,
    ):
        for statement in (TABLE, *statements("CREATE TABLE"), *statements("CREATE INDEX")):
            cursor.execute(statement)
        cursor.setinputsizes(None, None, oracledb.DB_TYPE_TIMESTAMP)
        rows = [(number, f" 냄비 {number} ", datetime(2026, 1, 1, 0, 0, number % 60, 500_000)) for number in range(300)]  # noqa: DTZ001
        cursor.executemany("INSERT INTO erp.crasivttst (id, name, modified_date) VALUES (:1, :2, :3)", rows)
        connection.commit()
        settings["connections"]["erp"] |= {"dsn": server.dsn, "password": {"file": password}, "timezone": "UTC"}
        settings["connections"]["search"] = steady.connection
        syncd = running(settings)

        for line in commands.splitlines():
            if line.startswith("syncctl"):
                done = syncd.ctl(*line.partition("#")[0].replace(" -w", "").split()[1:])
                assert done.returncode == 0, f"{line}: {done.stdout}{done.stderr}"
        cursor.execute("UPDATE erp.crasivttst SET del_yn = 'Y', modified_date = SYSTIMESTAMP WHERE id < 100")
        connection.commit()
        until(lambda: len(steady.documents("crasivttst")) == 200, "what was deleted leaves the index", 20)

    assert steady.documents("crasivttst")["123"] == {"id": 123, "title": "냄비 123", "modified": 1767225603.5}


@pytest.mark.parametrize("setting", ["watermark", "strategy", "lookback", "clock_margin", "versions", "reconcile", "soft", "log"])
def test_the_guide_tells_of_every_choice(setting: str) -> None:
    assert f"`{setting}" in GUIDE
