"""One load: batches in, receipts out, with a window of tasks under way and single guilty documents singled out."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass
from urllib.parse import quote

from syncd.connectors.meilisearch import rules
from syncd.connectors.meilisearch.client import JSON, NDJSON, Client, Rejected
from syncd.connectors.meilisearch.window import Bounds, Budget, Parcel, Window
from syncd.domain.batch import Batch, Receipt
from syncd.domain.errors import TargetMismatch, TargetUnavailable

_TOO_LARGE = 413
_MOST_REFUSED_IN_A_ROW = 100


@dataclass(frozen=True, slots=True)
class Place:
    """The index that a load goes to. `geo` says whether it filters or sorts by `_geo`."""

    index: str
    primary_key: str
    geo: bool


class Reader:
    """Reads one batch ahead beside other work. A problem of the source waits until what was read before it is safe."""

    def __init__(self, batches: AsyncIterator[Batch]) -> None:
        self.ended = False
        self._batches = batches
        self._read: asyncio.Task[Batch | None] | None = None
        self._problem: BaseException | None = None

    async def within(self, seconds: float | None) -> Batch | None:
        """The next batch; None if there is none in time, or none any more."""
        self._read = self._read or asyncio.create_task(self._next(), name="read ahead")
        done, _ = await asyncio.wait({self._read}, timeout=seconds)
        if not done:
            return None
        read, self._read = self._read, None
        self._problem = read.exception()
        batch = None if self._problem else read.result()
        self.ended = batch is None
        return batch

    async def close(self) -> None:
        if self._read is not None:
            self._read.cancel()
            await asyncio.gather(self._read, return_exceptions=True)

    def raise_problem(self) -> None:
        if self._problem is not None:
            raise self._problem

    async def _next(self) -> Batch | None:
        return await anext(self._batches, None)


class Load:
    """Tasks are looked at together, sent while the budget admits, and vouched for from the front."""

    def __init__(self, client: Client, budget: Budget, place: Place, crowded: Callable[[], bool]) -> None:
        self._client = client
        self._budget = budget
        self._place = place
        self._crowded = crowded
        self._pace = client.pace()
        self._next_look = 0.0
        self._refused_in_a_row = 0

    async def receipts(self, batches: AsyncIterator[Batch]) -> AsyncGenerator[Receipt, None]:
        reader = Reader(batches)
        with self._budget.joined() as window:
            try:
                while True:
                    await self._look(window)
                    for receipt in window.receipts():
                        yield receipt
                    if reader.ended and window.idle:
                        break
                    await self._send(window, last=reader.ended)
                    await self._wait(window, reader)
            finally:
                await reader.close()
        reader.raise_problem()

    # ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _wait(self, window: Window, reader: Reader) -> None:
        """Read the next batch if it is wanted, but no longer than until the next look at what is under way; then what is there already."""
        seconds = max(0.0, self._next_look - _now()) if window.flying else None
        if seconds and (reader.ended or window.ripe(self._parcel())):
            await asyncio.sleep(seconds)
        while not reader.ended and not window.ripe(self._parcel()):
            batch = await reader.within(seconds)
            if batch is None:
                return
            refused = await asyncio.to_thread(rules.refusals, batch.rows, geo=self._place.geo)
            window.add(batch, refused, rules.possible_ids(batch.gone))
            seconds = 0.0

    # ── sending ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _send(self, window: Window, *, last: bool) -> None:
        while self._may_send(window, last=last):
            parcel = window.take(self._parcel())
            if parcel is None:
                return
            if not window.flying:
                self._pace, self._next_look = self._client.pace(), _now() + self._pace.shortest
            window.flying.append(parcel)
            try:
                parcel.task = await self._upload(parcel)
            except Rejected as error:
                if not _for_its_documents(error):
                    raise

    def _may_send(self, window: Window, *, last: bool) -> bool:
        """A parcel that can still grow waits, unless the server would idle. Behind one that was not taken, nothing may pass."""
        if any(parcel.task is None for parcel in window.flying):
            return False
        ready = last or not window.flying or window.ripe(self._parcel())
        return ready and self._budget.admits(window, crowded=self._crowded())

    def _parcel(self) -> Bounds:
        return self._budget.parcel(crowded=self._crowded())

    async def _upload(self, parcel: Parcel) -> int:
        documents = f"indexes/{self._place.index}/documents"
        if parcel.deletes:
            return await self._client.upload(f"{documents}/delete-batch", parcel.payload, JSON)
        return await self._client.upload(f"{documents}?primaryKey={quote(self._place.primary_key)}", parcel.payload, NDJSON)

    # ── settling ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _look(self, window: Window) -> None:
        """Settle what has succeeded, from the front: behind a failure nothing counts, because it has to be sent again in order."""
        if not window.flying or _now() < self._next_look:
            return
        tasks = await self._client.tasks([parcel.task for parcel in window.flying if parcel.task is not None])
        before = len(window.flying)
        while window.flying:
            parcel = window.flying[0]
            if parcel.task is None:
                await self._mend(window)
                break
            if parcel.task not in tasks:
                raise self._client.lost(parcel.task)
            task = tasks[parcel.task]
            if not task.over:
                break
            if not task.good:
                task.blame(self._client.place)
                await self._mend(window)
                break
            window.flying.popleft().settle()
        self._pace.note(moved=len(window.flying) < before)
        self._next_look = _now() + self._pace.seconds

    async def _mend(self, window: Window) -> None:
        """Send everything under way again, one parcel at a time.

        Which one is to blame cannot be told before: a bad document fails the tasks that happened to run together with its own. Those
        that succeeded go again too, because a document of theirs may be newer than one that is sent again before them.
        """
        uids = [parcel.task for parcel in window.flying if parcel.task is not None]

        async def all_over() -> bool | None:
            tasks = await self._client.tasks(uids)
            return all(task.over for task in tasks.values()) or None

        await self._client.until(all_over)
        while window.flying:
            await self._store(window.flying[0])
            window.flying.popleft()

    async def _store(self, parcel: Parcel) -> None:
        """Store a parcel while nothing else of this load is under way; halve what is refused until single documents are left."""
        fault = await self._attempt(parcel)
        if fault is None:
            self._refused_in_a_row = 0
            parcel.settle()
        elif parcel.deletes:
            raise TargetUnavailable(f"{self._client.place} does not delete from {self._place.index}: {fault[1]}")
        elif parcel.rows == 1:
            self._refuse(parcel, *fault)
        else:
            for half in parcel.halves():
                await self._store(half)

    async def _attempt(self, parcel: Parcel) -> rules.Fault | None:
        try:
            uid = await self._upload(parcel)
        except Rejected as error:
            if not _for_its_documents(error):
                raise
            return error.word or "payload_too_large", str(error)
        task = await self._client.finish(uid)
        if task.good:
            return None
        task.blame(self._client.place)
        return task.word, task.reason

    def _refuse(self, parcel: Parcel, code: str, reason: str) -> None:
        self._refused_in_a_row += 1
        if self._refused_in_a_row > _MOST_REFUSED_IN_A_ROW:
            raise TargetMismatch(
                f"{self._client.place} refuses {self._refused_in_a_row} documents in a row for {self._place.index}: {reason}",
                hint="so many are hardly to blame one by one: look at the settings of the index, such as its embedders",
            )
        parcel.refuse(code, reason)


def _for_its_documents(error: Rejected) -> bool:
    """Whether a request was refused for what stands in its documents, so that a smaller one may pass."""
    return error.status == _TOO_LARGE or error.word in ("malformed_payload", "payload_too_large")


def _now() -> float:
    return asyncio.get_running_loop().time()
