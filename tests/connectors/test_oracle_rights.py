"""What Oracle tells of itself: the check of a connection, and horizons, with and without the rights that they want."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import oracledb
import pytest

from syncd.connectors.oracle import CONNECTOR, Settings, sessions
from syncd.connectors.oracle.source import OracleSource
from syncd.domain.errors import BadCredentials, MomentGone, SourceMismatch, SourceUnavailable, SyncdError
from syncd.domain.scan import Horizon, Relation, Scan
from tests.connectors.oracle_sessions import SHORT, Deed, settings_for
from tests.servers.oracle.database import Database
from tests.servers.oracle.faults import DROP, SILENCE, At, Fault, Raise
from tests.servers.oracle.server import Server

NOW = timedelta(0)
STOCK = Relation(table="STOCK")
Make = Callable[..., Settings]


@pytest.fixture
def database() -> Database:
    return Database()


@pytest.fixture
def server(database: Database) -> Iterator[Server]:
    with Server(database) as server:
        yield server


@pytest.fixture
def make(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    monkeypatch.setattr(sessions, "_GRACE", SHORT)
    return lambda dsn=server.dsn, **given: settings_for(dsn, tmp_path, **given)


# ── the check ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_good_connection_is_told_in_a_line(make: Make) -> None:
    said = await CONNECTOR.check(make())

    assert said.startswith("Oracle 23.")
    assert ", FREEPDB1 as SYNCD, " in said
    assert said.endswith(" ms")


@pytest.mark.parametrize(
    ("refused", "told"),
    [
        (["GV$TRANSACTION", "DBMS_FLASHBACK"], ""),
        (["GV$TRANSACTION", "V$TRANSACTION"], "; syncd may not see the oldest open transaction (GRANT SELECT ON SYS.GV_$TRANSACTION)"),
        (["V$DATABASE", "DBMS_FLASHBACK"], "; syncd may not see the SCN (GRANT SELECT ON SYS.V_$DATABASE)"),
    ],
)
async def test_rights_that_are_missing_stand_in_the_line(database: Database, make: Make, refused: list[str], told: str) -> None:
    for right in refused:
        database.revoke(right)

    assert (await CONNECTOR.check(make())).partition(" ms")[2] == told


def silent(at: At) -> Deed:
    return lambda server: server.faults.add(Fault(at, SILENCE, matching="USERENV" if at is At.EXECUTE else ""))


@dataclass(frozen=True)
class Failing:
    kind: type[SyncdError]
    step: str
    remedy: str
    deed: Deed = lambda _: None
    given: Mapping[str, object] = field(default_factory=dict)


UNAVAILABLE = SourceUnavailable
FAILING = [
    Failing(UNAVAILABLE, "the address", "host and port", given={"dsn": "nobody.invalid/erp"}),
    Failing(UNAVAILABLE, "the address", "host and port", Server.refuse),
    Failing(SourceMismatch, "the address", "tnsnames.ora", given={"dsn": "erp"}),
    Failing(SourceMismatch, "the address", "a descriptor", given={"dsn": "(DESCRIPTION=("}),
    Failing(UNAVAILABLE, "the listener", "check the service", given={"dsn": "127.0.0.1:{port}/nothing"}),
    Failing(UNAVAILABLE, "the log-in", "`login_timeout`", silent(At.CONNECT), {"login_timeout": SHORT}),
    Failing(BadCredentials, "the log-in", "`password`", given={"password": "open-sesame"}),
    Failing(UNAVAILABLE, "the log-in", "is open", lambda server: server.faults.add(Fault(At.LOGIN, Raise(1033)))),
    Failing(UNAVAILABLE, "the first question", "`call_timeout`", silent(At.EXECUTE), {"call_timeout": SHORT}),
    Failing(UNAVAILABLE, "the first question", "alert log", lambda server: server.faults.add(Fault(At.EXECUTE, DROP, matching="USERENV"))),
]


@pytest.mark.parametrize("case", FAILING)
async def test_the_step_that_fails_is_named_with_a_remedy(server: Server, make: Make, case: Failing) -> None:
    dsn = str(case.given.get("dsn", server.dsn)).replace("{port}", str(server.port))
    case.deed(server)

    with pytest.raises(case.kind) as raised:
        await CONNECTOR.check(make(**{**case.given, "dsn": dsn}))

    assert str(raised.value).startswith(f"{case.step} fails: {dsn}: ")
    assert str(raised.value).isprintable()
    assert case.remedy in raised.value.hint


async def test_a_secret_that_cannot_be_read_fails_the_log_in(make: Make, tmp_path: Path) -> None:
    settings = make()
    (tmp_path / "password").unlink()

    with pytest.raises(BadCredentials, match=r"the log-in fails: the secret file .* cannot be read"):
        await CONNECTOR.check(settings)


# ── horizons ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def writer(server: Server) -> Iterator[oracledb.Connection]:
    """Somebody else; one row is there, and it is from tomorrow."""
    with oracledb.connect(user="syncd", password="secret", dsn=server.dsn) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE stock (id NUMBER(9) PRIMARY KEY, changed TIMESTAMP(6) NOT NULL)")
        cursor.execute("INSERT INTO stock VALUES (1, SYSTIMESTAMP + 1)")
        connection.commit()
        yield connection


async def horizon(settings: Settings, watermark: str = "CHANGED") -> Horizon:
    return await OracleSource(settings).horizon(STOCK, watermark)


def moment(text: str | None) -> datetime:
    return datetime.fromisoformat(str(text))


@pytest.mark.usefixtures("writer")
async def test_without_an_open_transaction_all_is_visible_up_to_now_less_the_margin(make: Make) -> None:
    found = await horizon(make(clock_margin=timedelta(seconds=7)))

    assert found.exact
    assert timedelta(seconds=7) <= moment(found.now) - moment(found.reaches) < timedelta(seconds=8)
    assert found.moment
    assert found.caveats == ()


async def test_an_open_transaction_of_another_session_holds_the_horizon_back(writer: oracledb.Connection, make: Make) -> None:
    with writer.cursor() as cursor:
        cursor.execute("INSERT INTO stock VALUES (2, SYSTIMESTAMP)")
        cursor.execute("SELECT changed FROM stock WHERE id = 2")
        [written] = cursor.fetchall()[0]

    seen = [await horizon(make(clock_margin=NOW))]
    while moment(seen[-1].now) < written + timedelta(seconds=1.1):
        seen.append(await horizon(make(clock_margin=NOW)))
    writer.commit()
    after = await horizon(make(clock_margin=NOW))

    assert all(found.exact and moment(found.reaches) <= written < moment(found.now) for found in seen)
    assert moment(after.reaches) > written


async def test_without_a_view_of_transactions_the_horizon_says_what_to_grant(
    writer: oracledb.Connection, database: Database, make: Make
) -> None:
    database.revoke("GV$TRANSACTION")
    with_one = await horizon(make())
    database.revoke("V$TRANSACTION")
    without = await horizon(make())

    assert with_one.exact
    assert not without.exact
    assert without.now == without.reaches
    assert ["GRANT SELECT ON SYS.GV_$TRANSACTION TO syncd" in caveat for caveat in without.caveats] == [True]


@pytest.mark.usefixtures("writer")
@pytest.mark.parametrize("watermark", ["CHANGED", "ID", "ORA_ROWSCN"])
async def test_without_the_scn_nothing_is_read_as_of_a_moment(database: Database, make: Make, watermark: str) -> None:
    database.revoke("V$DATABASE")
    with_one = await horizon(make(), watermark)
    database.revoke("DBMS_FLASHBACK")
    without = await horizon(make(), watermark)

    assert with_one.moment.isdecimal()
    assert without.moment == ""
    assert without.reaches
    assert any("GRANT SELECT ON SYS.V_$DATABASE or EXECUTE ON SYS.DBMS_FLASHBACK TO syncd" in caveat for caveat in without.caveats)


@pytest.mark.usefixtures("writer")
@pytest.mark.parametrize("watermark", ["CHANGED", "ID", "ORA_ROWSCN"])
async def test_without_flashback_nothing_is_read_as_of_a_moment(database: Database, make: Make, watermark: str) -> None:
    database.revoke("FLASHBACK")

    found = await horizon(make(), watermark)

    assert found.moment == ""
    assert any('GRANT FLASHBACK ON "SYNCD"."STOCK" TO syncd' in caveat for caveat in found.caveats)


@pytest.mark.usefixtures("writer")
async def test_a_moment_whose_undo_is_gone_cannot_be_read(database: Database, make: Make) -> None:
    async with CONNECTOR.source(make()) as source:  # type: ignore[misc]
        found = await source.horizon(STOCK, "CHANGED")
        scan = Scan(STOCK, ("ID",), key=("ID",), moment=found.moment)
        assert await source.count(scan) == 1

        database.forget_undo()
        with pytest.raises(MomentGone, match="ORA-01555"):
            await source.count(scan)
        with pytest.raises(MomentGone, match="ORA-01555"):
            await anext(source.scan(scan, 10))
        later = await source.horizon(STOCK, "CHANGED")

    assert int(later.moment) > int(found.moment)


@pytest.mark.usefixtures("writer")
async def test_the_clock_is_that_of_the_zone_in_the_settings(make: Make) -> None:
    utc = await horizon(make(timezone="UTC"))
    seoul = await horizon(make(timezone="Asia/Seoul"))

    assert timedelta(hours=9) <= moment(seoul.now) - moment(utc.now) < timedelta(hours=9, minutes=1)
