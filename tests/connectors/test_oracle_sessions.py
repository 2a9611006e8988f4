"""Sessions of Oracle: what goes wrong and what it is called, how they are lent, and that no password is told."""

import asyncio
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import oracledb
import pyarrow as pa
import pytest
from pydantic import ValidationError

from syncd.connectors.oracle import Settings, sessions
from syncd.connectors.oracle.sessions import Sessions, Statement
from syncd.domain.errors import BadCredentials, MomentGone, SourceMismatch, SourceUnavailable, SyncdError
from tests.connectors.oracle_sessions import (
    PATIENT,
    QUESTION,
    SHORT,
    Deed,
    ask,
    fault,
    kill,
    lending,
    session_id,
    settings_for,
    tells,
    until,
)
from tests.servers.oracle.database import Database
from tests.servers.oracle.faults import DROP, GARBLE, SILENCE, At, Delay, Fault, Raise
from tests.servers.oracle.server import Server

Make = Callable[..., Settings]


@pytest.fixture(params=[23])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with Server(Database(), flavour=request.param) as server:
        yield server


@pytest.fixture
def make(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    monkeypatch.setattr(sessions, "_GRACE", SHORT)
    return lambda dsn=server.dsn, **given: settings_for(dsn, tmp_path, **given)


# ── faults ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Case:
    name: str
    deed: Deed
    kind: type[SyncdError]
    said: str
    kept: bool = False
    """Whether the session is used on."""
    timeout: timedelta = PATIENT


UNAVAILABLE, MISMATCH, CREDENTIALS = SourceUnavailable, SourceMismatch, BadCredentials
LOG_IN = [
    Case("nobody listens", Server.refuse, UNAVAILABLE, "cannot connect: Connection refused (DPY-6005)"),
    Case("no such service", fault(At.CONNECT, Raise(12514)), UNAVAILABLE, "ORA-12514"),
    Case("no listener", fault(At.CONNECT, Raise(12541)), UNAVAILABLE, "ORA-12541"),
    Case("cut off by the listener", fault(At.CONNECT, DROP), UNAVAILABLE, "DPY-4011"),
    Case("silence of the listener", fault(At.CONNECT, SILENCE), UNAVAILABLE, "the log-in took longer than 300ms", timeout=SHORT),
    Case("wrong password", fault(At.LOGIN, Raise(1017, "logon denied")), CREDENTIALS, "ORA-01017: logon denied"),
    Case("locked", fault(At.LOGIN, Raise(28000)), CREDENTIALS, "ORA-28000"),
    Case("expired", fault(At.LOGIN, Raise(28001)), CREDENTIALS, "ORA-28001"),
    Case("not open yet", fault(At.LOGIN, Raise(1033)), UNAVAILABLE, "ORA-01033"),
    Case("silence in the log-in", fault(At.LOGIN, SILENCE), UNAVAILABLE, "the log-in took longer than 300ms", timeout=SHORT),
    Case("cut off in the log-in", fault(At.PACKET, DROP, 3), UNAVAILABLE, "DPY-4011"),
    Case("wrong bytes in the log-in", fault(At.PACKET, GARBLE, 4), UNAVAILABLE, "DPY-5000"),
    Case("no such schema", lambda server: server.faults.add(Fault(At.EXECUTE, Raise(1435), matching="_SCHEMA")), MISMATCH, "ORA-01435"),
]
CALLS = [
    Case("killed by an administrator", fault(At.EXECUTE, Raise(28)), UNAVAILABLE, "ORA-00028"),
    Case("no such table", fault(At.EXECUTE, Raise(942)), MISMATCH, "ORA-00942", kept=True),
    Case("broken off", fault(At.EXECUTE, Raise(1013)), UNAVAILABLE, "ORA-01013", kept=True),
    Case("snapshot too old", fault(At.EXECUTE, Raise(1555)), UNAVAILABLE, "ORA-01555", kept=True),
    Case("end of file", fault(At.EXECUTE, Raise(3113)), UNAVAILABLE, "ORA-03113"),
    Case("lost contact", fault(At.EXECUTE, Raise(3135)), UNAVAILABLE, "ORA-03135"),
    Case("no such SCN", fault(At.EXECUTE, Raise(8181)), MISMATCH, "ORA-08181", kept=True),
    Case("a code that nobody knows", fault(At.EXECUTE, Raise(1234)), MISMATCH, "ORA-01234", kept=True),
    Case("in a parallel server", fault(At.EXECUTE, Raise(12801, "in P000\nORA-01722: no number")), MISMATCH, "ORA-01722", kept=True),
    Case("cut off", fault(At.EXECUTE, DROP), UNAVAILABLE, "DPY-4011"),
    Case("cut off in the answer", fault(At.PACKET, DROP), UNAVAILABLE, "DPY-4011"),
    Case("wrong bytes", fault(At.PACKET, GARBLE), UNAVAILABLE, "DPY-5000"),
    Case("too slow", fault(At.EXECUTE, Delay(30)), UNAVAILABLE, "DPY-4024", timeout=SHORT),
    Case("silence", fault(At.EXECUTE, SILENCE), UNAVAILABLE, "no answer within 600ms", timeout=SHORT),
    Case("killed", kill, UNAVAILABLE, "DPY-4011"),
]


@pytest.mark.parametrize("server", [19, 23], indirect=True)
@pytest.mark.parametrize("case", LOG_IN, ids=lambda case: case.name)
async def test_what_goes_wrong_in_a_log_in(server: Server, make: Make, case: Case) -> None:
    dsn = server.dsn
    case.deed(server)

    async with lending(make(dsn, login_timeout=case.timeout, schema="SYNCD")) as lender:
        with pytest.raises(case.kind) as raised:
            await session_id(lender)

    tells(raised.value, case.said, dsn)
    await until(lambda: not server.sessions)


@pytest.mark.parametrize("server", [19, 23], indirect=True)
@pytest.mark.parametrize("case", CALLS, ids=lambda case: case.name)
async def test_what_goes_wrong_in_a_call(server: Server, make: Make, case: Case) -> None:
    async with lending(make(call_timeout=case.timeout)) as lender:
        before = await session_id(lender)
        with pytest.raises(case.kind) as raised:
            await ask(lender, server, case.deed)

        tells(raised.value, case.said, server.dsn)
        assert (await session_id(lender) == before) is case.kept


@pytest.mark.parametrize("does", [Raise(1555), Raise(8181), Raise(1031), Raise(30052), Raise(12801, "in P000\nORA-01555: too old")])
async def test_a_moment_that_cannot_be_read_is_gone(server: Server, make: Make, does: Raise) -> None:
    fault(At.EXECUTE, does)(server)

    async with lending(make()) as lender, lender.session() as session:
        with pytest.raises(MomentGone) as raised:
            await session.rows(QUESTION, moment=True)

    tells(raised.value, f"ORA-{does.code:05d}", server.dsn)


async def test_a_value_that_python_cannot_hold_is_told_as_such_and_costs_the_session(server: Server, make: Make) -> None:
    async def ask_for_the_ides_of_march(lender: Sessions) -> None:
        async with lender.session() as session:
            await session.rows(Statement("SELECT TO_DATE('-0044-03-15', 'SYYYY-MM-DD') FROM dual"))

    async with lending(make()) as lender:
        before = await session_id(lender)
        with pytest.raises(SourceUnavailable) as raised:
            await ask_for_the_ides_of_march(lender)

        tells(raised.value, "the answer cannot be read: year -44 is out of range", server.dsn)
        assert await session_id(lender) != before


@pytest.mark.parametrize(("at", "nth", "least"), [(At.ROW, 150, 100), (At.ROW, 1, 0), (At.FETCH, 2, 100), (At.PACKET, 3, 0)])
async def test_rows_that_came_before_the_loss_are_yielded(server: Server, make: Make, at: At, nth: int, least: int) -> None:
    found: list[int] = []
    with oracledb.connect(user="syncd", password="secret", dsn=server.dsn) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE stock (id NUMBER(9) PRIMARY KEY)")
        cursor.executemany("INSERT INTO stock VALUES (:1)", [(number,) for number in range(300)])
        connection.commit()

    async def read(lender: Sessions) -> None:
        async with lender.session() as session:
            fault(at, DROP, nth)(server)
            statement, schema = Statement("SELECT id FROM stock ORDER BY id"), pa.schema([("ID", pa.int64())])
            async for batch in session.batches(statement, 100, schema, lambda batch: batch):
                found.extend(batch.column(0).to_pylist())

    async with lending(make()) as lender:
        with pytest.raises(SourceUnavailable, match="DPY-4011"):
            await read(lender)

    assert found == list(range(len(found)))
    assert least <= len(found) < 300


# ── lending ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_sessions_are_used_again_and_end_with_their_lender(server: Server, make: Make) -> None:
    async with lending(make()) as lender:
        first = await session_id(lender)

        assert await session_id(lender) == first
        assert len(server.sessions) == 1
    await until(lambda: not server.sessions)


async def test_there_are_never_more_sessions_than_the_settings_say(server: Server, make: Make) -> None:
    seen = []

    async def look(lender: Sessions) -> None:
        async with lender.session() as session:
            await session.rows(QUESTION)
            seen.append(len(server.sessions))

    async with lending(make(pool_size=2)) as lender:
        await asyncio.gather(*(look(lender) for _ in range(12)))

    assert len(seen) == 12
    assert max(seen) == 2


async def test_who_waits_too_long_for_a_session_is_told_what_to_raise(server: Server, make: Make) -> None:
    async with lending(make(pool_size=2, login_timeout=timedelta(seconds=1))) as lender, lender.session(), lender.session():
        with pytest.raises(SourceUnavailable) as raised:
            await session_id(lender)

    tells(raised.value, "all 2 sessions were in use for 1s", server.dsn)
    assert "`pool_size`" in raised.value.hint


@pytest.mark.parametrize("deed", [kill, fault(At.PING, SILENCE), fault(At.PING, DROP), fault(At.PING, Raise(28))])
async def test_an_idle_session_that_died_is_replaced(server: Server, make: Make, monkeypatch: pytest.MonkeyPatch, deed: Deed) -> None:
    monkeypatch.setattr(sessions, "_FRESH_SECONDS", 0)

    async with lending(make(login_timeout=timedelta(seconds=1))) as lender:
        before = await session_id(lender)
        deed(server)

        assert await session_id(lender) != before


async def test_an_idle_session_that_lives_is_not_replaced(server: Server, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "_FRESH_SECONDS", 0)

    async with lending(make()) as lender:
        before = await session_id(lender)

        assert await session_id(lender) == before


# ── secrets ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_wrong_password_stands_nowhere(make: Make) -> None:
    settings = make(password="open-sesame")

    async with lending(settings) as lender:
        with pytest.raises(BadCredentials) as raised:
            await session_id(lender)

    error = raised.value
    told = "".join([*traceback.format_exception(error), repr(error), repr(error.__cause__), error.hint, repr(settings)])
    assert "ORA-01017" in told
    assert "open-sesame" not in told


@pytest.mark.parametrize(
    "dsn",
    ["syncd/open-sesame@db/erp", "syncd/open(sesame@db/erp", "tcps://syncd/open-sesame@db", "(DESCRIPTION=(PASSWORD = open-sesame))"],
)
def test_a_dsn_with_a_password_is_refused_and_not_repeated(make: Make, dsn: str) -> None:
    with pytest.raises(ValidationError, match="a dsn holds no user and no password") as raised:
        make(dsn)

    assert "sesame" not in f"{raised.value} {raised.value!r}"


@pytest.mark.parametrize("dsn", ["db:1521/erp", "erp", "tcps://db/erp", '(DESCRIPTION=(SECURITY=(SSL_SERVER_CERT_DN="CN=a, E=b@c")))'])
def test_every_other_dsn_is_taken_as_it_is(make: Make, dsn: str) -> None:
    assert make(dsn).dsn == dsn
