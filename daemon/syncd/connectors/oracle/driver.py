"""The driver: thin or thick for the whole process, and a connection that behaves the same on every server."""

import threading
from contextlib import suppress

import oracledb

from syncd.connectors.oracle.settings import Settings
from syncd.domain.errors import SourceMismatch
from syncd.kit.sql import quote

_MILLISECONDS = 1000
_SESSION = "ALTER SESSION SET NLS_NUMERIC_CHARACTERS = '.,' NLS_SORT = BINARY NLS_COMP = BINARY TIME_ZONE = '+00:00'"

_KEEP_ALIVE_MINUTES = 2
"""So often an idle session shows itself to what stands between, and a server that is gone is noticed."""

_deciding = threading.Lock()
_decided: list[bool] = []
"""Whether this process is thick; empty before the first connection."""


def connect(settings: Settings) -> oracledb.Connection:
    """Log in. Blocks, for ever if the server falls silent; the driver's errors come as they are. Raises `BadCredentials` too."""
    _decide(settings)
    connection = oracledb.connect(
        dsn=settings.dsn,
        user=settings.user,
        password=settings.password.reveal(),
        config_dir=str(settings.config_dir) if settings.config_dir else None,
        wallet_location=str(settings.wallet_location) if settings.wallet_location else None,
        wallet_password=settings.wallet_password.reveal() if settings.wallet_password else None,
        ssl_server_dn_match=settings.ssl_server_dn_match,
        ssl_server_cert_dn=settings.ssl_server_cert_dn,
        tcp_connect_timeout=settings.connect_timeout.total_seconds(),
        expire_time=_KEEP_ALIVE_MINUTES,
        program="syncd",
    )
    try:
        _prepare(connection, settings)
    except (oracledb.Error, ValueError):
        with suppress(oracledb.Error):
            connection.close()
        raise
    return connection


def _prepare(connection: oracledb.Connection, settings: Settings) -> None:
    connection.call_timeout = int(settings.call_timeout.total_seconds() * _MILLISECONDS)
    connection.module = "syncd"
    with connection.cursor() as cursor:
        cursor.execute(_SESSION)
        if settings.schema:
            cursor.execute(f"ALTER SESSION SET CURRENT_SCHEMA = {quote(settings.schema)}")


def _decide(settings: Settings) -> None:
    """Without this, the first log-in decides, and a server that hangs in it blocks every other log-in of the process."""
    with _deciding:
        if not _decided:
            if settings.thick:
                oracledb.init_oracle_client(lib_dir=str(settings.thick_lib_dir) if settings.thick_lib_dir else None)
            else:
                oracledb.enable_thin_mode()  # type: ignore[no-untyped-call]
            _decided.append(settings.thick)
        if _decided[0] != settings.thick:
            raise SourceMismatch(
                f"{settings.dsn}: this process has connections with `thick = {'true' if _decided[0] else 'false'}` already",
                hint="give all Oracle connections of the daemon the same `thick`, and restart it",
            )
