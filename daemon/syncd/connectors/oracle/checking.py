"""Whether a connection works, in a line for people; else the step that fails."""

import time
from datetime import timedelta

from syncd.connectors.oracle.failures import DENIED, code_of, of_address, of_listener
from syncd.connectors.oracle.sessions import Session, Statement, log_in
from syncd.connectors.oracle.settings import Settings
from syncd.domain.errors import BadCredentials, SourceMismatch, SyncdError

_PATIENCE = timedelta(seconds=2)
"""The questions of a check are short."""
_WHERE = "SELECT SYS_CONTEXT('USERENV', 'SERVICE_NAME'), SYS_CONTEXT('USERENV', 'CURRENT_SCHEMA') FROM dual"
_WORTH_HAVING = {
    "the oldest open transaction (GRANT SELECT ON SYS.GV_$TRANSACTION)": (
        "SELECT COUNT(*) FROM gv$transaction",
        "SELECT COUNT(*) FROM v$transaction",
    ),
    "the SCN (GRANT SELECT ON SYS.V_$DATABASE)": (
        "SELECT current_scn FROM v$database",
        "SELECT dbms_flashback.get_system_change_number FROM dual",
    ),
}


async def check(settings: Settings) -> str:
    """Log in and ask for what reading needs. Raises what logging in raises, with the step that fails; missing rights stand in the line."""
    try:
        session = await log_in(settings.model_copy(update={"call_timeout": min(settings.call_timeout, _PATIENCE)}))
    except SyncdError as error:
        raise _in_step(*_step(error), error) from error
    try:
        return await _line(session, settings.user)
    except SyncdError as error:
        remedy = "the log-in works, so look at the load of the database, and at its alert log"
        raise _in_step("the first question", remedy, error) from error
    finally:
        session.close()


async def _line(session: Session, user: str) -> str:
    began = time.monotonic()
    [[service, schema]] = await session.rows(Statement(_WHERE))
    milliseconds = (time.monotonic() - began) * 1000
    missing = [what for what, ways in _WORTH_HAVING.items() if not await _may(session, ways)]
    lacks = f"; {user} may not see {' and '.join(missing)}" if missing else ""
    return f"Oracle {session.version}, {service} as {schema}, {milliseconds:.1f} ms{lacks}"


async def _may(session: Session, ways: tuple[str, ...]) -> bool:
    """Whether one of some statements is allowed."""
    for way in ways:
        try:
            await session.rows(Statement(way))
        except SourceMismatch as error:
            if code_of(error) not in DENIED:
                raise
        else:
            return True
    return False


def _step(error: SyncdError) -> tuple[str, str]:
    """Which step of a log-in fails, and what to look at where nothing more is known."""
    in_log_in = isinstance(error, BadCredentials) or isinstance(error.__cause__, TimeoutError)
    if not in_log_in and of_address(error):
        return "the address", "check host and port in `dsn`"
    if not in_log_in and of_listener(error):
        return "the listener", "check the service in `dsn`, and what the listener knows (lsnrctl services)"
    return "the log-in", "check that `dsn` leads to a database, and whether it is open"


def _in_step(step: str, remedy: str, error: SyncdError) -> SyncdError:
    return type(error)(f"{step} fails: {error}", hint=error.hint or remedy)
