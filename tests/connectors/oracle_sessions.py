"""What tests of Oracle's sessions share: settings, ways to ask, and ways to do harm."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from syncd.connectors.oracle import Settings
from syncd.connectors.oracle.sessions import Sessions, Statement
from syncd.domain.errors import PermanentError, SyncdError
from syncd.settings.secret import SecretReference
from tests.servers.oracle.faults import At, Fault
from tests.servers.oracle.server import Server

SHORT = timedelta(seconds=0.3)
PATIENT = timedelta(seconds=10)
QUESTION = Statement("SELECT 'asked' FROM dual WHERE 1 = :1", (1,))
WHO = Statement("SELECT SYS_CONTEXT('USERENV', 'SID') FROM dual")

Deed = Callable[[Server], object]


def settings_for(dsn: str, folder: Path, password: str = "secret", **given: Any) -> Settings:
    """Time-outs are long, but for those that are given."""
    file = folder / "password"
    file.write_text(password)
    known = {"login_timeout": PATIENT, "call_timeout": PATIENT, **given}
    return Settings(dsn=dsn, user="syncd", password=SecretReference(file=file), **known)


@asynccontextmanager
async def lending(settings: Settings) -> AsyncIterator[Sessions]:
    lender = Sessions(settings)
    try:
        yield lender
    finally:
        await lender.close()


async def session_id(lender: Sessions) -> str:
    """Which session is lent next."""
    async with lender.session() as session:
        return str((await session.rows(WHO))[0][0])


async def ask(lender: Sessions, server: Server, deed: Deed = lambda _: None) -> list[tuple[Any, ...]]:
    """Ask the question in a session, behind whose back something is done first."""
    async with lender.session() as session:
        deed(server)
        return await session.rows(QUESTION)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - any condition of a test, not an event
            await asyncio.sleep(0.005)


def fault(at: At, does: Any, nth: int = 1) -> Deed:
    """At the question, if it is one at statements."""
    return lambda server: server.faults.add(Fault(at, does, nth, matching="asked" if at is At.EXECUTE else ""))


def kill(server: Server) -> None:
    server.kill(server.sessions[0].number)


def tells(error: SyncdError, said: str, place: str) -> None:
    """It is one line that names the connection and what happened, and a person who has to act is told what to do."""
    assert str(error).startswith(f"{place}: ")
    assert said in str(error)
    assert str(error).isprintable()
    assert error.hint or not isinstance(error, PermanentError)
