"""Trying connections, and telling what was found."""

import asyncio
import time
from collections.abc import Collection, Mapping
from datetime import timedelta

from syncd.domain.errors import NotFound, SyncdError
from syncd.domain.run import Failure
from syncd.kit.text import did_you_mean
from syncd.ports.control import Checked
from syncd.settings.load import ConnectionSettings

_CHECK_SECONDS = 20.0


async def check(connections: Mapping[str, ConnectionSettings], names: Collection[str]) -> list[Checked]:
    """Try some connections side by side, all if none are named. Raises `NotFound` for a name that there is not."""
    for name in names:
        if name not in connections:
            raise NotFound(f"there is no connection '{name}'{did_you_mean(name, connections)}", code="connection.unknown")
    return list(await asyncio.gather(*(_check(name, connections[name]) for name in names or connections)))


async def _check(name: str, connection: ConnectionSettings) -> Checked:
    began = time.monotonic()
    try:
        message = await asyncio.wait_for(connection.connector.check(connection.section), _CHECK_SECONDS)
    except SyncdError as error:
        return Checked(name, connection.kind, _since(began), failure=Failure(error.code, str(error), error.hint))
    except TimeoutError:
        hint = "is the address right, and nothing in between in the way?"
        failure = Failure("connection.timeout", f"no answer within {_CHECK_SECONDS:g} s", hint)
        return Checked(name, connection.kind, _since(began), failure=failure)
    return Checked(name, connection.kind, _since(began), message)


def _since(began: float) -> timedelta:
    return timedelta(seconds=time.monotonic() - began)
