"""HTTP connections that can be cut from outside, whatever the thread that uses them is waiting for."""

import socket
from contextlib import suppress
from contextvars import ContextVar
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection


class Line:
    """The connection that one call uses at the moment, if any."""

    def __init__(self) -> None:
        self._connection: HTTPConnection | None = None

    def use(self, connection: HTTPConnection) -> None:
        self._connection = connection

    def cut(self) -> None:
        """End the connection under its user, who gets an error at once; do it again until the user has come back."""
        sock = getattr(self._connection, "sock", None)
        if isinstance(sock, socket.socket):
            with suppress(OSError):  # it is gone already
                # Not the method of a TLS socket, which would say goodbye first, and may wait for that.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)


LINE: ContextVar[Line] = ContextVar("LINE")
"""The line of the call that runs; whoever starts a thread for a call copies it there."""


class _Plain(HTTPConnection):
    def request(self, *given: Any, **named: Any) -> None:
        _use(self)
        super().request(*given, **named)


class _Secure(HTTPSConnection):
    def request(self, *given: Any, **named: Any) -> None:
        _use(self)
        super().request(*given, **named)


def _use(connection: HTTPConnection) -> None:
    if line := LINE.get(None):
        line.use(connection)


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _Secure


class Adapter(HTTPAdapter):
    """What a session sends its requests through; never tries again by itself."""

    def init_poolmanager(self, *given: Any, **named: Any) -> None:
        super().init_poolmanager(*given, **named)
        _cuttable(self.poolmanager)

    def proxy_manager_for(self, *given: Any, **named: Any) -> Any:
        return _cuttable(super().proxy_manager_for(*given, **named))


def _cuttable(pools: PoolManager) -> PoolManager:
    pools.pool_classes_by_scheme = {"http": _PlainPool, "https": _SecurePool}
    return pools
