"""Whether a connection works, in a line for people; else the step that fails."""

import time

from syncd.connectors.oracle.failures import code_of
from syncd.connectors.oracle.sessions import Statement, log_in
from syncd.connectors.oracle.settings import Settings
from syncd.domain.errors import SourceMismatch

_WHERE = "SELECT SYS_CONTEXT('USERENV', 'SERVICE_NAME'), SYS_CONTEXT('USERENV', 'CURRENT_SCHEMA') FROM dual"
_WORTH_HAVING = {
    "the oldest open transaction": ("SELECT COUNT(*) FROM gv$transaction", "SELECT COUNT(*) FROM v$transaction"),
    "the SCN": ("SELECT current_scn FROM v$database", "SELECT dbms_flashback.get_system_change_number FROM dual"),
}


async def check(settings: Settings) -> str:
    """Log in and ask for what reading needs. Raises what logging in raises; missing rights stand in the line."""
    session = await log_in(settings)
    try:
        began = time.monotonic()
        [[service, schema]] = await session.rows(Statement(_WHERE))
        milliseconds = (time.monotonic() - began) * 1000
        missing = []
        for what, ways in _WORTH_HAVING.items():
            for way in ways:
                try:
                    await session.rows(Statement(way))
                    break
                except SourceMismatch as error:
                    if not code_of(error):
                        raise
            else:
                missing.append(what)
    finally:
        session.close()
    lacks = f"; {settings.user} may not see {' and '.join(missing)}" if missing else ""
    return f"Oracle {session.version}, {service} as {schema}, {milliseconds:.1f} ms{lacks}"
