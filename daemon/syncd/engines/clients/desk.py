"""Answers what people ask about clients syncs: from the documents that runs leave, and by starting runs."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from syncd.domain.audit import Entry
from syncd.domain.errors import InvalidRequest, NotFound, Refused
from syncd.domain.run import Run, RunId, RunState, SyncName
from syncd.domain.unified import Model, read_entry
from syncd.engines.clients import exchange, history, inbox, views
from syncd.engines.clients.contest import CENTRAL
from syncd.engines.clients.settings import ClientsSync
from syncd.engines.clients.telling import STATUS
from syncd.ports.clients_control import (
    Answer,
    Back,
    ConflictQuery,
    ConflictView,
    Difference,
    Exported,
    PlanView,
    SideView,
    UnifiedView,
    VersionView,
)
from syncd.ports.control import Wish
from syncd.ports.ledger import DocumentBook
from syncd.ports.running import Documents


class Runs(Protocol):
    """Starts runs, and tells how syncs are set."""

    def sections(self, engine: str) -> Mapping[SyncName, Any]:
        """The settings of all syncs of one engine."""

    def know(self, name: SyncName) -> None:
        """Raises `NotFound` if there is no such sync."""

    async def begin(self, wish: Wish) -> Run:
        """Start a run."""

    async def ended(self, run: RunId) -> Run:
        """Wait for the end of a run."""

    def watched(self, name: SyncName) -> tuple[int, int]:
        """How many folders of a sync are watched, and how many should be and cannot."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Implements the port `ClientsDesk`."""

    runs: Runs
    book: DocumentBook
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    async def sides(self, sync: SyncName) -> Sequence[SideView]:
        settings, kept = self._settings(sync), self.book.of(sync)
        status = json.loads(await kept.get(STATUS) or "{}")
        armed, blind = self.runs.watched(sync)
        return [views.side(name, settings.sides[name], status, armed=armed, blind=blind) for name in sorted(settings.sides)]

    async def unified(self, sync: SyncName, version: int, scope: str | None) -> UnifiedView:
        found = await self._version(sync, version)
        model = await self._model(sync, found.number)
        tombstones = await views.tombstones(self._kept(sync), scope)
        return UnifiedView(found.number, found.at, views.entries(model, scope), tombstones if version in (0, found.number) else ())

    async def export(self, sync: SyncName) -> Exported:
        found = await self._version(sync, 0)
        kept, left_out = exchange.without_secrets(await self._model(sync, found.number))
        return Exported(exchange.exported(kept, found.number), left_out)

    async def import_(self, sync: SyncName, text: str, actor: str) -> Run:
        self._settings(sync)
        exchange.imported(text)
        return await self.runs.begin(Wish(sync, "import", {"content": text}, queue=True, actor=actor))

    async def versions(self, sync: SyncName, before: int, limit: int) -> Sequence[VersionView]:
        newest = (await self._newest(sync)) if before == 0 else before - 1
        found = [await history.version_at(self._kept(sync), number) for number in range(newest, max(newest - limit, 0), -1)]
        return [views.version(each) for each in found if each]

    async def version(self, sync: SyncName, number: int) -> VersionView:
        return await self._version(sync, number)

    async def diff(self, sync: SyncName, before: int, after: int) -> Sequence[Difference]:
        newer = await self._version(sync, after)
        older = before or newer.number - 1
        if older:
            await self._version(sync, older)
        return views.differences(await self._model(sync, older), await self._model(sync, newer.number))

    async def rollback(self, sync: SyncName, back: Back, actor: str) -> Run:
        settings = self._settings(sync)
        found = await self._version(sync, back.version)
        if back.side and back.side not in settings.sides:
            raise NotFound(f"'{sync}' has no side '{back.side}'", hint=f"it has {', '.join(settings.sides)}", code="side.unknown")
        if back.key and back.key not in {**await self._model(sync, found.number), **await self._model(sync, await self._newest(sync))}:
            raise NotFound(f"neither this version nor the newest has an entry {back.key}", code="entry.unknown")
        parameters = {"version": str(found.number)}
        parameters |= {"side": back.side} if back.side else {}
        parameters |= {"key": json.dumps([back.key.scope, back.key.kind.value, back.key.name])} if back.key else {}
        return await self.runs.begin(Wish(sync, "rollback", parameters, queue=True, actor=actor))

    async def conflicts(self, query: ConflictQuery) -> Sequence[ConflictView]:
        if query.sync:
            self._settings(query.sync)
        found: list[ConflictView] = []
        for sync in [query.sync] if query.sync else self._syncs():
            kept = [json.loads(text) for _, text in await self.book.of(sync).list(inbox.CONFLICTS)]
            found += [view for each in kept if (view := views.conflict(sync, each)).state in query.states]
        return found

    async def conflict(self, number: str) -> ConflictView:
        sync, found = await self._conflict(number)
        return views.conflict(sync, found)

    async def resolve(self, number: str, answer: Answer, actor: str) -> Run:
        sync, found = await self._conflict(number)
        if found["state"] != "open":
            raise Refused(f"the conflict {number} is resolved already", code="conflict.resolved")
        said = {"take": answer.take, "actor": actor, "at": self.now().isoformat()} | _content(answer)
        sides = {side["name"] for side in found["sides"]} | {CENTRAL}
        if not answer.content and answer.take not in sides:
            raise InvalidRequest(f"'{answer.take}' takes no part in this conflict", fields={"take": f"one of {', '.join(sorted(sides))}"})
        told = {"conflict": number, "key": str(inbox.key_of(found)), "take": answer.take or "content"}
        entry = Entry("conflict.resolved", sync, actor=actor, detail=told)
        await self.book.put(sync, {inbox.RESOLUTIONS + number: json.dumps(said, ensure_ascii=False)}, entry)
        return await self.runs.begin(Wish(sync, queue=True, actor=actor))

    async def plan(self, sync: SyncName, actor: str) -> PlanView:
        self._settings(sync)
        run = await self.runs.ended((await self.runs.begin(Wish(sync, "plan", actor=actor))).id)
        if run.state is not RunState.DONE:
            why = run.failure.message if run.failure else run.state.value
            raise Refused(f"the plan could not be made: {why}", code="plan.failed")
        return views.plan(sync, json.loads(run.report))

    def _syncs(self) -> Mapping[SyncName, ClientsSync]:
        return self.runs.sections("clients")

    def _settings(self, sync: SyncName) -> ClientsSync:
        self.runs.know(sync)
        syncs = self._syncs()
        if sync not in syncs:
            raise Refused(f"'{sync}' is no clients sync", hint=f"clients syncs: {', '.join(syncs) or 'none'}", code="sync.not_clients")
        return syncs[sync]

    def _kept(self, sync: SyncName) -> Documents:
        self._settings(sync)
        return self.book.of(sync)

    async def _newest(self, sync: SyncName) -> int:
        found = 0
        while page := await self._kept(sync).list(history.VERSIONS, after=history.name_of(found)):
            found = json.loads(page[-1][1])["number"]
        return found

    async def _version(self, sync: SyncName, number: int) -> VersionView:
        found = await history.version_at(self._kept(sync), number or await self._newest(sync))
        if found is None:
            hint = "`syncctl clients versions` lists them" if number else "the first run makes one"
            raise NotFound(f"'{sync}' has no version {number or 'yet'}", hint=hint, code="version.unknown")
        return views.version(found)

    async def _model(self, sync: SyncName, number: int) -> Model:
        return await history.model_at(self._kept(sync), number) or {}

    async def _conflict(self, number: str) -> tuple[SyncName, dict[str, Any]]:
        for sync, text in await self.book.find(inbox.CONFLICTS + number):
            if sync in self._syncs():
                return sync, json.loads(text)
        raise NotFound(f"there is no conflict '{number}'", hint="`syncctl conflicts list` lists them", code="conflict.unknown")


def _content(answer: Answer) -> dict[str, Any]:
    """What a person wrote by hand, checked."""
    if not answer.content:
        return {}
    try:
        members = json.loads(answer.content)
        read_entry({field: value for field, value in (members or {}).items() if value is not None})
    except (ValueError, AttributeError, TypeError) as error:
        raise InvalidRequest(f"the content is no entry: {error}", fields={"content": "a JSON object of fields"}) from error
    return {"content": {field: value for field, value in (members or {}).items() if value is not None}}
