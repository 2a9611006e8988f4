"""Asking BigQuery over REST, and the one place where its errors become ours.

Every request is bounded in time three times over: by the socket, by a deadline for the whole body, and by the loop, which leaves a
thread to itself whose server sends a byte now and then. Only reads are asked for, so a request may be tried again, or end late.
"""

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any
from urllib.parse import quote

from google.auth.exceptions import GoogleAuthError, RefreshError, TransportError
from google.auth.exceptions import TimeoutError as AuthTimeout
from requests import RequestException, Response, Session, Timeout
from urllib3.exceptions import HTTPError, ReadTimeoutError

from syncd.connectors.bigquery.credentials import session
from syncd.connectors.bigquery.failures import NOT_BIGQUERY, OK, Right, Said, failure, tidy
from syncd.connectors.bigquery.settings import Settings
from syncd.domain.errors import BadCredentials, SourceUnavailable, SyncdError
from syncd.kit.threads import in_own_thread

Json = Mapping[str, Any]

_PUBLIC = "https://bigquery.googleapis.com"
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 8.0
_SHORTEST_TRY = 0.05
_PIECE = 65_536
_CREDENTIALS = "check `credentials` of the connection, or the Application Default Credentials of this machine"
_LARGEST_ANSWER = 64 * 1024 * 1024
"""A page of 1,000 tables has about 0.5 MB, a table of 10,000 columns about 2 MB, a page of rows at most 10 MB."""


@dataclass(frozen=True, slots=True)
class Request:
    """One question. `what` names for people what is asked for, `right` is what the account needs for it."""

    what: str
    right: Right
    parts: tuple[str, ...]
    """Of the path below the project, quoted nowhere."""
    params: Mapping[str, str | int] = field(default_factory=dict)
    body: Json | None = None
    """Posted if there is one."""

    def page(self, token: str) -> "Request":
        """The same question, going on at a token; from the beginning if it is empty."""
        return replace(self, params={**self.params, "pageToken": token}) if token else self


class Client:
    """The requests of one connection, so many at once as its `readers`."""

    def __init__(self, settings: Settings, http: Session) -> None:
        self.place = f"BigQuery ({settings.endpoint or 'Google Cloud'}, project {settings.project})"
        self._project = f"{settings.endpoint or _PUBLIC}/bigquery/v2/projects/{quote(settings.project, safe='')}"
        self._http = http
        self._timeout = settings.timeout.total_seconds()
        self._patience = settings.patience.total_seconds()
        self._free = asyncio.Semaphore(settings.readers)

    async def ask(self, request: Request) -> Json:
        """The answer, an object. Tries again what passes by itself until patience ends, then raises the last `SourceUnavailable`.

        Raises `BadCredentials`, and `Rejected` for what BigQuery does not do.
        """
        # Who waits to try again keeps its place: a busy server is asked less.
        async with self._free:
            return await self._tried_again(request)

    async def _tried_again(self, request: Request) -> Json:
        clock = asyncio.get_running_loop().time
        deadline = clock() + self._patience
        pause = _FIRST_PAUSE
        while True:
            try:
                return await self._once(request, max(min(self._timeout, deadline - clock()), _SHORTEST_TRY))
            except SourceUnavailable as error:
                wait = max(pause * random.uniform(0.5, 1), error.after or 0)  # noqa: S311 - no secret
                if clock() + wait + _SHORTEST_TRY >= deadline:
                    raise
            await asyncio.sleep(wait)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _once(self, request: Request, seconds: float) -> Json:
        try:
            async with asyncio.timeout(seconds):
                return await in_own_thread(partial(self._send, request, seconds))
        except TimeoutError as error:
            raise self._late(request, seconds) from error

    def _send(self, request: Request, seconds: float) -> Json:
        url = "/".join((self._project, *(quote(part, safe="") for part in request.parts)))
        method = "GET" if request.body is None else "POST"
        given: dict[str, Any] = {"params": dict(request.params), "json": request.body, "timeout": seconds}
        deadline = time.monotonic() + seconds
        with self._translated(request, seconds), self._http.request(method, url, stream=True, allow_redirects=False, **given) as response:
            body = _whole(response, deadline)
            if response.status_code != OK:
                said = Said.of(response.status_code, body, response.headers.get("Retry-After", ""))
                raise failure(self.place, request.what, request.right, said)
            return self._object(request, body)

    def _object(self, request: Request, body: bytes) -> Json:
        with self.expected(request.what):
            answer = json.loads(body)
            if not isinstance(answer, dict):
                raise TypeError("not an object")
            return answer

    @contextmanager
    def expected(self, what: str) -> Iterator[None]:
        """Whatever goes wrong while an answer is taken apart means that it is not one of BigQuery's."""
        try:
            yield
        except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError, RecursionError) as error:
            raise SourceUnavailable(
                f"{self.place} answers the request for {what} with something that is not BigQuery's",
                hint=NOT_BIGQUERY,
            ) from error

    @contextmanager
    def _translated(self, request: Request, seconds: float) -> Iterator[None]:
        try:
            yield
        except (Timeout, AuthTimeout, ReadTimeoutError) as error:
            raise self._late(request, seconds) from error
        except TransportError as error:
            raise SourceUnavailable(f"{self.place}: the token server cannot be reached, or answers with nonsense") from error
        except RefreshError as error:
            raise self._no_token(error) from error
        except GoogleAuthError as error:
            raise BadCredentials(f"{self.place}: the credentials cannot be used: {_first(error)}", hint=_CREDENTIALS) from error
        except (RequestException, HTTPError, OSError) as error:
            raise SourceUnavailable(f"{self.place} cannot be reached for {request.what}: {_root(error)}") from error

    def _late(self, request: Request, seconds: float) -> SourceUnavailable:
        return SourceUnavailable(f"{self.place} did not answer the request for {request.what} within {seconds:.3g} s")

    def _no_token(self, error: RefreshError) -> SyncdError:
        if error.retryable:
            return SourceUnavailable(f"{self.place}: the token server is out of order: {_first(error)}")
        return BadCredentials(f"{self.place}: the token server refuses the credentials: {_first(error)}", hint=_CREDENTIALS)


@asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[Client]:
    """A client, closed on exit. Raises `BadCredentials` if there are no credentials at all; asks BigQuery nothing."""
    seconds = settings.timeout.total_seconds()
    try:
        async with asyncio.timeout(seconds):
            http = await in_own_thread(partial(session, settings), late=Session.close)
    except TimeoutError as error:
        raise SourceUnavailable(f"the Application Default Credentials were not found within {seconds:.3g} s") from error
    try:
        yield Client(settings, http)
    finally:
        http.close()


def _whole(response: Response, deadline: float) -> bytes:
    """The body, unpacked. Raises `Timeout` for one that comes too slowly, and `RequestException` for one that is too large."""
    body = bytearray()
    # A `read` would wait for a full piece, however slowly it comes.
    while piece := response.raw.read1(_PIECE, decode_content=True):
        body += piece
        if time.monotonic() > deadline:
            raise Timeout("the body comes too slowly")
        if len(body) > _LARGEST_ANSWER:
            raise RequestException(f"the answer has more than {_LARGEST_ANSWER} bytes")
    return bytes(body)


def _first(error: GoogleAuthError) -> str:
    """What an error says without the answer that it quotes."""
    return tidy(str(error.args[0])) if error.args else type(error).__name__


def _root(error: BaseException) -> str:
    """What the operating system said, if it was that; the library's own text repeats the whole request."""
    found: BaseException | None = error
    said = type(error).__name__
    while found is not None:
        said = found.strerror.lower() if isinstance(found, OSError) and found.strerror else said
        found = found.__cause__ or found.__context__
    return said
