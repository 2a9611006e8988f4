"""The notices as a whole: the audit log is read as it grows, and each channel tells its people what it owes them.

There is no queue that could grow: what is kept is how things stand and what each channel was told, so at most one message a subject
waits. What is over before it could be told is not told.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import structlog

from syncd.domain.audit import Entry, Recorded
from syncd.domain.errors import SyncdError
from syncd.domain.notice import Notice
from syncd.kit.tasks import happens
from syncd.observe.following import follow, head
from syncd.observe.notify import command, judging, webhook
from syncd.observe.notify.memory import Memory, keep, load, written
from syncd.observe.notify.message import message
from syncd.observe.notify.telling import Due, Told, due
from syncd.observe.parts import Parts
from syncd.ports.ledger import Ledger, RunQuery
from syncd.settings.notify import NotifySection

log = structlog.get_logger()

Warnings = Callable[[str], Sequence[str]]
"""What is warned of in a sync now."""

_FILE = "notices.json"


@asynccontextmanager
async def notifying(sections: Sequence[NotifySection], ledger: Ledger, warnings: Warnings, parts: Parts) -> AsyncIterator[None]:
    """Tell people while the block runs; without channels, do nothing. It starts where the last process stopped."""
    if not sections:
        yield
        return
    file = ledger.folder / _FILE
    memory = await asyncio.to_thread(load, file) or Memory(await head(ledger.audit))
    notices = Notices(memory, file, ledger, warnings)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(notices.keep)
        read = parts.kept_up("notices: follow the audit log", lambda: follow(ledger.audit, memory.cursor, notices.take))
        await stack.enter_async_context(read)
        for number, section in enumerate(sections):
            channel = Channel(section, f"{number} {section.channel}", notices)
            await stack.enter_async_context(parts.kept_up(f"notices: {section.channel}", channel.serve))
        yield


class Notices:
    """How things stand, for all channels."""

    def __init__(self, memory: Memory, file: Path, ledger: Ledger, warnings: Warnings) -> None:
        self.memory = memory
        self._file = file
        self._ledger = ledger
        self._warnings = warnings
        self._changed = asyncio.Event()
        self._keeping = asyncio.Lock()

    async def take(self, entries: Sequence[Recorded]) -> None:
        """Note how things stand after some entries."""
        news = False
        for recorded in entries:
            if recorded.entry.action == "settings.reloaded":
                self._forget(recorded.entry.detail.get("removed"))
            for subject, found in (await self._judged_once(recorded)).items():
                before = self.memory.standing.get(subject)
                now = judging.follows(before, found, recorded)
                news = news or now != before
                self._stands(subject, now)
            self.memory.cursor = recorded.sequence
        if news:
            await self.keep()
            self._changed.set()
            self._changed = asyncio.Event()

    def changed(self) -> asyncio.Event:
        """An event that the next change sets; take it before looking."""
        return self._changed

    async def record(self, entry: Entry) -> None:
        """Write what became of a message, if the ledger takes it."""
        try:
            await self._ledger.audit.record([entry])
        except SyncdError as error:
            log.warning("notice not in the audit log", code=error.code, error=str(error))
        await self.keep()

    async def keep(self) -> None:
        """Keep everything for the next process."""
        async with self._keeping:
            try:
                await asyncio.to_thread(keep, self._file, written(self.memory))
            except OSError as error:
                log.warning("memory of notices not written", file=str(self._file), error=str(error))

    async def _judged_once(self, recorded: Recorded) -> judging.Standings:
        try:
            return await self._judged(recorded)
        except SyncdError:
            raise
        except Exception:
            self.memory.cursor = recorded.sequence  # who follows anew goes on behind what a bug makes of this entry
            raise

    async def _judged(self, recorded: Recorded) -> judging.Standings:
        entry = recorded.entry
        if entry.action == "schema.drifted":
            return judging.of_schema(recorded)
        if entry.action != "run.ended":
            return {}
        runs = await self._ledger.runs.find(RunQuery(ids=(entry.run,), limit=1))
        return judging.of_run(recorded, runs[0], self._warnings(entry.sync)) if runs else {}

    def _stands(self, subject: judging.Subject, now: Notice | None) -> None:
        if now is None:
            self.memory.settle(subject)
        else:
            self.memory.standing[subject] = now

    def _forget(self, removed: object) -> None:
        for sync in removed if isinstance(removed, Iterable) else ():
            self.memory.forget(str(sync))


@dataclass(slots=True)
class Channel:
    """One channel. It delivers one message after the other, the one that has been due longest first."""

    section: NotifySection
    key: str
    notices: Notices

    async def serve(self) -> None:
        """Deliver for ever."""
        while True:
            changed = self.notices.changed()
            owed = min(self._owed(), key=lambda owed: owed.when, default=None)
            wait = None if owed is None else (owed.when - _now()).total_seconds()
            if owed is not None and wait is not None and wait <= 0:
                await self._deliver(owed)
            else:
                await happens(changed, wait)

    def _owed(self) -> Iterable[Due]:
        told = self.notices.memory.told.setdefault(self.key, {})
        for subject, notice in self.notices.memory.standing.items():
            if owed := due(self.section, subject, notice, told.get(subject) or Told()):
                yield owed

    async def _deliver(self, owed: Due) -> None:
        told = self.notices.memory.told[self.key].setdefault(owed.subject, Told())
        notice = owed.notice
        detail: dict[str, object] = {"channel": self.section.channel, "event": notice.happening.value, "code": notice.code}
        try:
            await self._send(message(notice))
        except SyncdError as error:
            told.failed(_now())
            log.warning("notice not delivered", sync=notice.sync, channel=self.section.channel, error=str(error), failures=told.failures)
            if told.failures == 1:
                problem = detail | {"problem": str(error)}
                await self.notices.record(Entry("notify.failed", notice.sync, notice.run, outcome=error.code, detail=problem))
        else:
            told.delivered(notice, _now())
            await self.notices.record(Entry("notify.sent", notice.sync, notice.run, detail=detail))

    async def _send(self, body: bytes) -> None:
        if self.section.command:
            await command.run(self.section.command, body)
        else:
            await webhook.post(self.section, body)


def _now() -> datetime:
    return datetime.now(UTC)
