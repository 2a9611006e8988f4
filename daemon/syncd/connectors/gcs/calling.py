"""Calls of the client in threads: bounded in time, tried again by us alone, and cut when they are given up."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from google.api_core.exceptions import GoogleAPICallError
from google.auth.exceptions import GoogleAuthError
from google.cloud.storage.exceptions import DataCorruption, InvalidResponse
from requests import RequestException
from urllib3.exceptions import HTTPError

from syncd.connectors.gcs import rules
from syncd.connectors.gcs.line import LINE, Line
from syncd.domain.errors import TargetUnavailable
from syncd.kit.threads import in_thread

Answer = TypeVar("Answer")

_FOREIGN = (
    GoogleAPICallError,
    GoogleAuthError,
    DataCorruption,
    InvalidResponse,
    RequestException,
    HTTPError,
    OSError,
    ValueError,
    rules.WrittenMeanwhile,
)
"""All that the client raises; `ValueError` for an answer that is not JSON."""

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 2.0


@dataclass(frozen=True, slots=True)
class Deed:
    """What a call does, for messages, and the permissions that it needs."""

    doing: str
    rights: str


class Caller:
    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.patience = seconds / 2
        """Seconds that a connection may be silent: so a second attempt still has its time."""

    async def call(self, deed: Deed, work: Callable[[], Answer]) -> Answer:
        """Do something with the client, again and again while what is in the way passes by itself.

        Raises errors of ours as they are, and those of the client as ours.
        """
        last = TargetUnavailable(f"{deed.doing} took longer than {self._seconds:g} s", hint="raise `timeout`, or see what is slow")
        try:
            async with asyncio.timeout(self._seconds):
                pause = _FIRST_PAUSE
                while True:
                    try:
                        return await _one_try(work)
                    except _FOREIGN as error:
                        mine = rules.ours(error, deed.doing, deed.rights)
                        if not isinstance(mine, TargetUnavailable):
                            raise mine from error
                        last = mine
                    await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - so that writers do not meet again
                    pause = min(2 * pause, _LONGEST_PAUSE)
        except TimeoutError:
            raise last from None


async def _one_try(work: Callable[[], Answer]) -> Answer:
    line = Line()
    token = LINE.set(line)
    try:
        return await in_thread(work, line.cut)
    finally:
        LINE.reset(token)
