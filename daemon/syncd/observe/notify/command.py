"""A command: one process a message, with the message on its standard input."""

import asyncio
import os
import signal
from contextlib import suppress

from syncd.observe.notify.errors import NotDelivered

_SECONDS = 30.0


async def run(command: tuple[str, ...], body: bytes) -> None:
    """Deliver a message. Raises `NotDelivered` unless the command ends with 0 in time; one that does not is killed with its children."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        raise NotDelivered(f"{command[0]} cannot be started: {error.strerror}", hint="check `command`") from error
    try:
        async with asyncio.timeout(_SECONDS):
            await process.communicate(body)
    except TimeoutError:
        raise NotDelivered(f"{command[0]} did not end within {_SECONDS:g} s", hint="let it hand over the message and end") from None
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    if process.returncode:
        raise NotDelivered(f"{command[0]} ended with {process.returncode}", hint="run it by hand with a message on its standard input")
