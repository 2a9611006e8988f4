"""Checks the whole log: the outbox by its chain, from the oldest entry to the head, and every month's file against the outbox.

It goes in slices, each in a thread, so that memory stays bounded and neither writers nor readers wait for long.
"""

from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from syncd.domain.audit import GENESIS, Recorded
from syncd.domain.errors import PermanentError
from syncd.domain.verdict import Fault, Finding, Verdict, merged
from syncd.kit.threads import in_thread
from syncd.ledger import outbox
from syncd.ledger.chain import Chain, differences
from syncd.ledger.formats import sequences_out_of_order
from syncd.ledger.outbox import Extent, Line, recorded
from syncd.ledger.sealing import EXPIRED, SEALED, digest_of, manifest_text
from syncd.ledger.shipping import AuditLog
from syncd.ledger.state import State

_SLICE = 5_000
_STRAYS = 1_000
_MOST_FINDINGS = 1_000
BOOK = "state.db"
"""Where the entries stand that everything else follows."""
_END = 2**63 - 1


@dataclass(slots=True)
class _Known:
    """What the log tells of itself while it is walked."""

    expired: set[tuple[int, str]] = field(default_factory=set)
    seals: dict[str, dict[str, object]] = field(default_factory=dict)
    rebuilt: list[Recorded] = field(default_factory=list)

    def note(self, line: Line) -> None:
        if not line[2].startswith("audit."):
            return
        try:
            entry = recorded(line)
        except (ValueError, TypeError, OverflowError):
            return  # the chain tells
        detail = dict(entry.entry.detail)
        match entry.entry.action:
            case "audit.rebuilt":
                self.rebuilt = [*self.rebuilt, entry][-_MOST_FINDINGS:]
            case name if name == SEALED:
                self.seals[str(detail.pop("month", ""))] = detail
            case name if name == EXPIRED:
                self.expired.add((int(str(detail.get("last", 0))), str(detail.get("hash", ""))))


class Verification:
    """One check."""

    def __init__(self, state: State, audit: AuditLog, noted: tuple[int, str] | None) -> None:
        self._state = state
        self._audit = audit
        self._noted = noted
        self._known = _Known()
        self._findings: list[Finding] = []
        self._more = 0
        self._verdict = Verdict(0, 0)

    async def steps(self) -> AsyncGenerator[Verdict, None]:
        """How far it has come, again and again; the last one is done."""
        async with self._audit.whole():
            head, own = await self._state.read(outbox.end)
            extents = sorted(await self._state.read(partial(outbox.extents, behind=0)), key=lambda extent: extent.first)
        first = extents[0].first if extents else 1
        self._verdict = Verdict(0, 2 * max(head - first + 1, 0), first, head, own.hex())
        files = (self._file(replace(extent, last=min(extent.last, head)), head) for extent in extents)
        for part in (self._book(first, head, own), *files):
            async with aclosing(part) as counts:
                async for count in counts:
                    yield self._came(count)
        rebuilt = tuple(self._known.rebuilt)
        yield replace(self._verdict, findings=tuple(self._findings), more=self._more, rebuilt=rebuilt, done=True)

    def _came(self, count: int) -> Verdict:
        self._verdict = replace(self._verdict, checked=self._verdict.checked + count)
        return self._verdict

    def _add(self, findings: Iterable[Finding]) -> None:
        found = list(merged([*self._findings, *findings]))
        self._findings = found[:_MOST_FINDINGS]
        self._more += len(found) - len(self._findings)

    async def _book(self, first: int, head: int, own: bytes) -> AsyncGenerator[int, None]:
        begin = await self._state.read(partial(outbox.lines, behind=first - 1, upto=head, limit=1))
        known = begin[0] if begin and begin[0][0] == first else None
        before = known[8] if known and first > 1 else bytes.fromhex(GENESIS)
        chain = Chain(BOOK, first - 1, before)
        while lines := await self._state.read(partial(outbox.lines, behind=chain.sequence, upto=head, limit=_SLICE)):
            self._add(await in_thread(partial(self._followed, chain, lines)))
            yield len(lines)
        self._add(chain.end(head, own))
        if first > 1 and (first - 1, before.hex()) not in self._known.expired:
            self._add([Finding(BOOK, Fault.REMOVED, 1, first - 1, "no entry tells that they expired")])
        beyond = await self._state.read(partial(outbox.beyond_head, limit=_STRAYS))
        self._add(Finding(BOOK, Fault.INSERTED, sequence, sequence, "behind the head") for sequence in beyond)
        await self._as_noted(first, head)

    def _followed(self, chain: Chain, lines: Sequence[Line]) -> list[Finding]:
        found = []
        for line in lines:
            found += chain.follow(line)
            self._known.note(line)
        return found

    async def _as_noted(self, first: int, head: int) -> None:
        """Compare the log with what somebody noted down earlier."""
        if not self._noted or self._noted[0] < first:
            return
        sequence, own = self._noted
        if sequence > head:
            self._add([Finding(BOOK, Fault.TRUNCATED, head + 1, sequence, "it had been longer")])
            return
        lines = await self._state.read(partial(outbox.lines, behind=sequence - 1, upto=sequence, limit=1))
        if not lines or lines[0][9].hex() != own:
            self._add([Finding(BOOK, Fault.UNLINKED, sequence, sequence, "not the hash that was noted")])

    async def _file(self, extent: Extent, head: int) -> AsyncGenerator[int, None]:
        async with self._audit.whole():
            place = await self._audit.on_files(lambda files: files.place(extent.month))
        if place is None:
            self._add([Finding(f"{extent.month}.duckdb", Fault.MISSING, extent.first, extent.last)])
            return
        try:
            if place.suffix == ".parquet":
                self._add(await in_thread(partial(self._seal_kept, place, extent)))
            async with aclosing(self._compared(place.name, extent, head)) as counts:
                async for count in counts:
                    yield count
        except (PermanentError, OSError) as error:
            self._add([Finding(place.name, Fault.UNREADABLE, extent.first, extent.last, str(error))])
        self._name_the_tail(place.name, extent)

    async def _compared(self, name: str, extent: Extent, head: int) -> AsyncGenerator[int, None]:
        behind, ended = -_END, False
        while not ended:
            ours = await self._state.read(partial(outbox.of_month, extent=extent, behind=max(behind, extent.first - 1), limit=_SLICE))
            ended = len(ours) < _SLICE
            upto = _END if ended else ours[-1][0]
            theirs = await self._audit_page(extent.month, behind, upto)
            new = range(head + 1, self._state.growth.head + 1)
            self._add(await in_thread(partial(_differing, name, ours, [line for line in theirs if line[0] not in new])))
            behind = upto
            yield len(ours)

    async def _audit_page(self, month: str, behind: int, upto: int) -> list[Line]:
        async with self._audit.whole():
            return await self._audit.on_files(lambda files: files.page(month, behind, upto, _SLICE + _STRAYS))

    def _seal_kept(self, place: Path, extent: Extent) -> list[Finding]:
        """What is wrong with a sealed file as a whole. Blocks."""
        sealed = self._known.seals.get(extent.month, {})
        note = self._audit.files.manifest(extent.month)
        found = []
        if digest_of(place) != sealed.get("sha256"):
            found.append(Finding(place.name, Fault.RESEALED, extent.first, extent.last, "its bytes are not those that were sealed"))
        if not note.exists() or note.read_bytes() != manifest_text(sealed).encode():
            found.append(Finding(note.name, Fault.RESEALED, extent.first, extent.last, "it is not the manifest that was written"))
        disordered = sequences_out_of_order(place)[:_STRAYS]
        return [*found, *(Finding(place.name, Fault.REORDERED, sequence, sequence) for sequence in disordered)]

    def _name_the_tail(self, name: str, extent: Extent) -> None:
        """Removed entries at the end of a file are a tail that was cut off."""
        self._findings = [
            replace(finding, fault=Fault.TRUNCATED)
            if (finding.place, finding.fault, finding.last) == (name, Fault.REMOVED, extent.last) and finding.first > extent.first
            else finding
            for finding in self._findings
        ]


def _differing(name: str, ours: Sequence[Line], theirs: Sequence[Line]) -> list[Finding]:
    return list(differences(name, ours, theirs))
