import re
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import oracledb
import pytest

from tests.servers.oracle.faults import DROP, GARBLE, SILENCE, At, Delay, Does, Fault, Raise
from tests.servers.oracle.server import Server
from tests.servers_own.oracle_script import Script, texts

oracledb.enable_thin_mode()  # type: ignore[no-untyped-call]

ROWS = [(str(row), "x" * 50) for row in range(1000)]


@pytest.fixture
def script() -> Script:
    script = Script()
    script.query("select rows", texts("ID", "NAME"), ROWS)
    script.change("update")
    return script


@pytest.fixture(params=[19, 23])
def server(script: Script, request: pytest.FixtureRequest) -> Iterator[Server]:
    with Server(script, flavour=request.param) as server:
        yield server


def connect(server: Server) -> oracledb.Connection:
    return oracledb.connect(user="syncd", password="secret", dsn=server.dsn)


def read(connection: oracledb.Connection) -> Any:
    cursor = connection.cursor()
    cursor.arraysize = cursor.prefetchrows = 100
    cursor.execute("select rows")
    return cursor.fetchall()


# ── before the first call ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (Fault(At.CONNECT, DROP), "DPY-4011"),
        (Fault(At.CONNECT, Raise(12541)), "DPY-6000.*12541"),
        (Fault(At.CONNECT, Raise(12514)), "DPY-6001"),
        (Fault(At.LOGIN, DROP), "DPY-4011"),
        (Fault(At.LOGIN, Raise(28000, "the account is locked")), "ORA-28000: the account is locked"),
        (Fault(At.LOGIN, Raise(28001, "the password has expired")), "ORA-28001"),
    ],
)
def test_a_log_in_can_fail_once(server: Server, fault: Fault, message: str) -> None:
    armed = server.faults.add(fault)

    with pytest.raises(oracledb.Error) as caught:
        connect(server)

    assert re.search(message, f"{caught.value} {caught.value.__cause__}")
    assert armed.struck == 1
    connect(server).close()


@pytest.mark.parametrize("at", [At.CONNECT, At.LOGIN])
def test_a_server_can_fall_silent_before_anybody_is_in(script: Script, at: At) -> None:
    with Server(script) as server:
        armed = server.faults.add(Fault(at, SILENCE))
        client = threading.Thread(target=ignored, args=(connect, server))
        client.start()

        assert armed.wait()

        connect(server).close()
        assert client.is_alive()
    client.join(10)
    assert not client.is_alive()


def test_a_server_that_does_not_listen_is_not_there(server: Server) -> None:
    open_already = connect(server)
    server.refuse()

    with pytest.raises(oracledb.OperationalError, match="DPY-6005"):
        connect(server)

    open_already.ping()
    server.listen()
    connect(server).close()


# ── calls ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────

CALLS: dict[At, Callable[[oracledb.Connection], object]] = {
    At.EXECUTE: read,
    At.FETCH: read,
    At.COMMIT: oracledb.Connection.commit,
    At.ROLLBACK: oracledb.Connection.rollback,
    At.PING: oracledb.Connection.ping,
    At.ANSWER: oracledb.Connection.ping,
}


@pytest.mark.parametrize("at", CALLS)
def test_every_call_can_fail_once(server: Server, at: At) -> None:
    with connect(server) as connection:
        armed = server.faults.add(Fault(at, Raise(1555, "snapshot too old")))

        with pytest.raises(oracledb.DatabaseError, match="ORA-01555: snapshot too old"):
            CALLS[at](connection)

        CALLS[at](connection)
        assert armed.struck == 1
        assert read(connection) == ROWS


@pytest.mark.parametrize("at", CALLS)
def test_every_call_can_lose_its_connection(server: Server, at: At) -> None:
    connection = connect(server)
    server.faults.add(Fault(at, DROP))

    with pytest.raises(oracledb.DatabaseError, match="DPY-4011"):
        CALLS[at](connection)

    with connect(server) as again:
        CALLS[at](again)


def test_a_call_that_was_done_can_lose_its_answer(server: Server, script: Script) -> None:
    connection = connect(server)
    server.faults.add(Fault(At.ANSWER, DROP, matching="^commit$"))
    connection.ping()

    with pytest.raises(oracledb.DatabaseError, match="DPY-4011"):
        connection.commit()

    assert script.done[-1] == "commit"


@pytest.mark.parametrize("code", [28, 3113, 3135])
def test_codes_that_end_a_session_end_it_for_the_client(server: Server, code: int) -> None:
    connection = connect(server)
    server.faults.add(Fault(At.EXECUTE, Raise(code)))

    with pytest.raises(oracledb.DatabaseError) as caught:
        read(connection)

    assert caught.value.args[0].full_code == "DPY-4011"
    assert not connection.is_healthy()


def test_a_fault_can_wait_for_its_turn_and_its_text_and_last_for_ever(server: Server) -> None:
    with connect(server) as connection:
        armed = server.faults.add(Fault(At.EXECUTE, Raise(8181), nth=2, matching="ROWS$", forever=True))
        read(connection)
        connection.cursor().execute("update")

        for _ in range(3):
            with pytest.raises(oracledb.DatabaseError, match="ORA-08181"):
                read(connection)

        assert (armed.met, armed.struck) == (4, 3)
        server.faults.clear()
        assert read(connection) == ROWS


def test_a_delay_is_a_delay(server: Server) -> None:
    with connect(server) as connection:
        server.faults.add(Fault(At.ANSWER, Delay(0.05)))
        started = time.monotonic()

        connection.ping()

        assert time.monotonic() - started >= 0.05


@pytest.mark.parametrize("at", [At.EXECUTE, At.FETCH, At.ANSWER])
def test_a_client_loses_patience_with_a_delay(server: Server, at: At) -> None:
    with connect(server) as connection:
        connection.call_timeout = 50
        server.faults.add(Fault(at, Delay(30)))

        with pytest.raises(oracledb.DatabaseError, match="DPY-4024"):
            read(connection)

        connection.call_timeout = 0
        assert read(connection) == ROWS


def test_answers_can_be_wrong_for_ever(server: Server) -> None:
    with connect(server) as connection:
        server.faults.add(Fault(At.ANSWER, Raise(1033), forever=True))

        for _ in range(2):
            with pytest.raises(oracledb.DatabaseError, match="ORA-01033"):
                read(connection)
        server.faults.clear()
        connection.ping()


@pytest.mark.parametrize(("at", "does"), [(At.PING, GARBLE), (At.ROW, GARBLE), (At.PACKET, Raise(1)), (At.PACKET, Delay(1))])
def test_a_fault_that_cannot_be_is_refused(at: At, does: Does) -> None:
    with pytest.raises(ValueError, match="cannot"):
        Fault(at, does)


# ── rows and packets ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("nth", [1, 99, 100, 101, 1000])
def test_the_connection_can_be_lost_after_any_row(server: Server, nth: int) -> None:
    connection = connect(server)
    armed = server.faults.add(Fault(At.ROW, DROP, nth=nth))

    with pytest.raises(oracledb.DatabaseError, match="DPY-4011"):
        read(connection)

    assert (armed.met, armed.struck) == (nth, 1)


def test_an_error_can_come_after_any_row(server: Server) -> None:
    with connect(server) as connection:
        server.faults.add(Fault(At.ROW, Raise(1555), nth=150))
        cursor = connection.cursor()
        cursor.arraysize = cursor.prefetchrows = 100
        cursor.execute("select rows")

        assert cursor.fetchmany(100) == ROWS[:100]
        with pytest.raises(oracledb.DatabaseError, match="ORA-01555"):
            cursor.fetchmany(100)

        assert read(connection) == ROWS


@pytest.mark.parametrize("nth", range(1, 12))
def test_the_connection_can_be_lost_at_any_packet(server: Server, nth: int) -> None:
    armed = server.faults.add(Fault(At.PACKET, DROP, nth=nth))

    with pytest.raises(oracledb.Error):
        read(connect(server))

    assert armed.struck == 1
    with connect(server) as connection:
        assert read(connection) == ROWS


@pytest.mark.parametrize("nth", range(4, 12))
def test_any_packet_can_have_wrong_bytes(script: Script, nth: int) -> None:
    with Server(script, flavour=23) as server:
        connection = connect(server)
        armed = server.faults.add(Fault(At.PACKET, GARBLE, nth=nth - 3))
        connection.call_timeout = 200

        with pytest.raises((oracledb.Error, UnicodeDecodeError)):
            read(connection)

        assert armed.struck == 1


def test_a_server_can_fall_silent_at_any_packet(server: Server) -> None:
    connection = connect(server)
    server.faults.add(Fault(At.PACKET, SILENCE, nth=2))
    connection.call_timeout = 50

    with pytest.raises(oracledb.DatabaseError, match="DPY-4011"):
        read(connection)


def ignored(call: Callable[..., object], *arguments: object) -> None:
    """Run, whatever comes of it."""
    try:
        call(*arguments)
    except oracledb.Error:
        return
