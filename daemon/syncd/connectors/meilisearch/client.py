"""Talking to Meilisearch through its official client, and the one place where its errors become ours."""

import asyncio
import json
import math
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

import meilisearch
from meilisearch.errors import MeilisearchApiError, MeilisearchCommunicationError, MeilisearchTimeoutError
from requests.exceptions import RequestException

from syncd.connectors.meilisearch.settings import Settings
from syncd.domain.errors import BadCredentials, SyncdError, TargetMismatch, TargetUnavailable

T = TypeVar("T")

_LONGEST_TEXT = 500
_UNDER_WAY = ("enqueued", "processing")
_LATER = {"database_size_limit_reached", "invalid_store_file", "corrupted_task_queue"}
_BUSY, _SERVER_ERRORS = (408, 425, 429), 500
NDJSON = "application/x-ndjson"
JSON = "application/json"


class Rejected(TargetMismatch):
    """The server understood the request and does not do it. `word` is its own code for why, `status` that of HTTP."""

    def __init__(self, message: str, *, word: str, status: int) -> None:
        super().__init__(message)
        self.word = word
        self.status = status


@dataclass(frozen=True, slots=True)
class Task:
    """What the server did, or will do. `word` and `reason` say why it failed."""

    uid: int
    status: str
    word: str = ""
    reason: str = ""
    kind: str = ""

    @property
    def over(self) -> bool:
        return self.status not in _UNDER_WAY

    @property
    def good(self) -> bool:
        return self.status == "succeeded"

    def blame(self, place: str) -> None:
        """Raise what the task deserves if it failed for a reason that has nothing to do with the documents in it."""
        if self.status == "canceled":
            raise TargetUnavailable(f"somebody cancelled the task {self.uid} of {place}")
        if self.kind == "system" or self.word in _LATER:
            raise TargetUnavailable(f"{place} failed in the task {self.uid}: {self.reason}", hint="look after the server's disk and limits")
        if self.word == "index_not_found":
            raise TargetUnavailable(f"{place} failed in the task {self.uid}: {self.reason} Did somebody delete the index?")
        if self.word.startswith(("index_", "invalid_index_")):
            raise TargetMismatch(f"{place} refuses the task {self.uid}: {self.reason}")

    @staticmethod
    def of(answer: Mapping[str, Any]) -> "Task":
        error = answer["error"] or {}
        reason = tidy(str(error.get("message", "")))
        return Task(int(answer["uid"]), str(answer["status"]), str(error.get("code", "")), reason, str(error.get("type", "")))


class Pace:
    """How long to wait between two looks: a share of the time in which nothing happened, bounded at both ends."""

    shortest, longest, share = 0.02, 0.25, 0.15

    def __init__(self, patience: float) -> None:
        self.seconds = self.shortest
        self._patience = patience
        self._moved = asyncio.get_running_loop().time()

    def note(self, *, moved: bool) -> None:
        """Remember whether the last look found something new. Raises `TargetUnavailable` when that was too long ago."""
        now = asyncio.get_running_loop().time()
        if moved:
            self._moved = now
        still = now - self._moved
        if still > self._patience:
            raise TargetUnavailable(f"Meilisearch finished nothing of ours in {still:.0f} s, longer than `patience`")
        self.seconds = min(max(still * self.share, self.shortest), self.longest)


class Client:
    """The requests that one connection makes. The official client's own are not used by several threads at once: each call has one."""

    def __init__(self, settings: Settings) -> None:
        address = urlsplit(settings.url)
        self.place = f"Meilisearch at {address.scheme}://{address.hostname}{f':{address.port}' if address.port else ''}"
        self._url = settings.url
        self._key = settings.key.reveal() if settings.key else None
        self._timeout = math.ceil(settings.timeout.total_seconds())
        self._patience = settings.patience.total_seconds()

    # ── requests ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def get(self, path: str) -> Any:
        return await self._call(lambda http: http.get(path), f"GET {path}")

    async def post(self, path: str, body: Any) -> Any:
        return await self._call(lambda http: http.post(path, body), f"POST {path}")

    async def patch(self, path: str, body: Any) -> Any:
        return await self._call(lambda http: http.patch(path, body), f"PATCH {path}")

    async def delete(self, path: str) -> Any:
        return await self._call(lambda http: http.delete(path), f"DELETE {path}")

    async def upload(self, path: str, make: Callable[[], bytes], content_type: str) -> int:
        """Send what is made in the same thread, and answer the task that it became."""
        return self.task_uid(await self._call(lambda http: http.post(path, make(), content_type), f"POST {path}"))

    async def fetch(self, path: str, body: Any, read: Callable[[bytes], T]) -> T:
        """Ask for much, and read the answer in the same thread."""

        def ask(http: Any) -> T:
            return read(http.post_stream(path, body).content)

        found: T = await self._call(ask, f"POST {path}")
        return found

    async def _call(self, ask: Callable[[Any], Any], what: str) -> Any:
        """Ask in a thread. A call that has begun is always waited for, so that no write arrives after its caller has moved on."""
        call = asyncio.create_task(asyncio.to_thread(self._ask, ask, what), name=what)
        try:
            return await asyncio.shield(call)
        except asyncio.CancelledError:
            await asyncio.gather(call, return_exceptions=True)
            raise

    def _ask(self, ask: Callable[[Any], Any], what: str) -> Any:
        with self._translated(what):
            return ask(meilisearch.Client(self._url, self._key, timeout=self._timeout, client_agents=("syncd",)).http)

    # ── tasks ────────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def tasks(self, uids: Sequence[int]) -> dict[int, Task]:
        """Those of some tasks that the key may see, in one request; so they are not too many for one."""
        if not uids:
            return {}
        with self.expected("tasks"):
            answer = await self.get(f"tasks?limit={len(uids)}&uids={','.join(map(str, uids))}")
            return {task.uid: task for task in map(Task.of, answer["results"])}

    async def task(self, uid: int) -> Task:
        """One task. Raises `TargetUnavailable` if the server does not know it any more."""
        task = (await self.tasks([uid])).get(uid)
        if task is None:
            raise self.lost(uid)
        return task

    async def finish(self, uid: int) -> Task:
        """Wait until a task is over, well or not."""

        async def over() -> Task | None:
            task = await self.task(uid)
            return task if task.over else None

        return await self.until(over)

    async def until(self, look: Callable[[], Awaitable[T | None]]) -> T:
        """Look until there is something to see. Raises `TargetUnavailable` when patience ends."""
        pace = self.pace()
        while (found := await look()) is None:
            pace.note(moved=False)
            await asyncio.sleep(pace.seconds)
        return found

    def pace(self) -> Pace:
        return Pace(self._patience)

    def task_uid(self, answer: Any) -> int:
        with self.expected("the name of a task"):
            return int(answer["taskUid"])

    def lost(self, uid: int) -> TargetUnavailable:
        return TargetUnavailable(f"{self.place} does not know its task {uid} any more: were its data replaced?")

    # ── errors ───────────────────────────────────────────────────────────────────────────────────────────────────────────

    @contextmanager
    def expected(self, what: str) -> Iterator[None]:
        """Whatever goes wrong while an answer is taken apart means that it is not one of Meilisearch's."""
        try:
            yield
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise TargetUnavailable(f"{self.place} answers with something else than {what}: is it Meilisearch?") from error

    @contextmanager
    def _translated(self, what: str) -> Iterator[None]:
        try:
            yield
        except MeilisearchApiError as error:
            raise self._refusal(error, what) from error
        except MeilisearchTimeoutError as error:
            raise TargetUnavailable(f"{self.place} did not answer {what} within {self._timeout} s") from error
        except MeilisearchCommunicationError as error:
            raise TargetUnavailable(f"{self.place} cannot be reached: {_root(error)}") from error
        except RequestException as error:
            raise TargetUnavailable(f"{self.place} answers {what} with something unreadable: {type(error).__name__}") from error
        except json.JSONDecodeError as error:
            raise TargetUnavailable(f"{self.place} answers {what} with something that is not JSON") from error

    def _refusal(self, error: MeilisearchApiError, what: str) -> SyncdError:
        status, word, said = int(error.status_code), str(error.code or ""), tidy(str(error.message))
        if status in (401, 403):
            hint = "check `key` of the connection: is it right, and has it the rights and indexes that are needed?"
            return BadCredentials(f"{self.place} rejects the key for {what}: {said}", hint=hint)
        if status in _BUSY or status >= _SERVER_ERRORS or getattr(error, "type", None) == "system":
            return TargetUnavailable(f"{self.place} answers {what} with status {status}: {said}", after=_retry_after(error))
        return Rejected(f"{self.place} refuses {what} with status {status}: {said}", word=word, status=status)


def tidy(text: str) -> str:
    """One line of bounded length."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_TEXT else f"{line[:_LONGEST_TEXT]}…"


def _retry_after(error: MeilisearchApiError) -> float | None:
    """Seconds that the server asks us to wait; the official client keeps them only in the cause of its error."""
    response = getattr(error.__cause__, "response", None)
    text = str(response.headers.get("Retry-After", "")) if response is not None else ""
    return float(text) if text.isascii() and text.isdigit() else None


def _root(error: BaseException) -> str:
    """What the operating system said, if it was that; the official client's own text repeats the whole request."""
    system = [each for each in _causes(error) if isinstance(each, OSError) and each.strerror]
    return str(system[-1].strerror).lower() if system else "the connection broke"


def _causes(error: BaseException) -> Iterable[BaseException]:
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__ or found.__context__
