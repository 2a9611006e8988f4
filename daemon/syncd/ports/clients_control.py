"""What people ask of clients syncs, and what they get to see. Texts of values are JSON in which secrets are masked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Protocol

from syncd.domain.run import Run, SyncName
from syncd.domain.unified import Key, Kind


class SidePhase(Enum):
    """How a side stands."""

    OK = "ok"
    OBSERVING = "observing"
    """It is read and never written, because the settings say so."""
    WAITING = "waiting"
    """A file of it cannot be read at the moment; it takes part again once it can."""
    STOPPED = "stopped"
    """What was to be written did not pass its check; a person has to look."""


class FileState(Enum):
    """How one file of a side stands."""

    PRESENT = "present"
    MISSING = "missing"
    UNREADABLE = "unreadable"


class ConflictKind(Enum):
    """Why something waits for a person."""

    EDIT = "edit"
    """Sides changed one field to different values."""
    APPROVAL = "approval"
    """A server that stands in the files of a project would reach other clients."""
    EMPTIED = "emptied"
    """A side lost everything at once."""


class ConflictState(Enum):
    """Whether a person still has to say something."""

    OPEN = "open"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class FileView:
    """One file of a side."""

    path: str
    """As seen from the root of the machine."""
    kinds: frozenset[Kind]
    state: FileState
    problem: str = ""
    """`line 3, column 7: …`, where it is unreadable."""


@dataclass(frozen=True, slots=True)
class LossView:
    """What one side cannot hold."""

    side: str
    key: Key
    field: str
    """Empty: the entry as a whole."""
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class WatchView:
    """Health of watching the files of one side."""

    armed: int = 0
    """Folders that are watched."""
    blind: int = 0
    """Folders that should be watched and cannot."""
    corrections: int = 0
    """Changes that watching missed and a rescan found, since the daemon started."""


@dataclass(frozen=True, slots=True)
class SideView:
    """One side as it is now."""

    name: str
    client: str
    home: str
    projects: tuple[str, ...] = ()
    writes: frozenset[Kind] = frozenset(Kind)
    """The kinds of entries that syncd may write there."""
    priority: int = 0
    phase: SidePhase = SidePhase.OK
    problem: str = ""
    """Why it is waiting or stopped."""
    files: tuple[FileView, ...] = ()
    losses: tuple[LossView, ...] = ()
    cli_version: str = ""
    """Empty if the client's own program was not found."""
    last_write: datetime | None = None
    watch: WatchView = WatchView()
    notes: tuple[str, ...] = ()
    """What a person should know: what was left alone, and why; a version of the client's program that was never tried."""


@dataclass(frozen=True, slots=True)
class UnifiedView:
    """The unified model at one version."""

    version: int
    at: datetime
    entries: str
    """A JSON array in the form of `unified.write_model`."""
    tombstones: tuple[Key, ...] = ()
    """What was deleted, and is not taken over again from a side that still holds it."""


@dataclass(frozen=True, slots=True)
class Exported:
    """The unified model for another machine."""

    text: str
    """JSON, without literal secrets."""
    left_out: tuple[tuple[Key, str], ...] = ()
    """Key and field of what is a secret as plain text."""


@dataclass(frozen=True, slots=True)
class Authorship:
    """One field that a version changed, and the side or person it came from. The field is empty where the entry as a whole went."""

    key: Key
    field: str
    side: str


@dataclass(frozen=True, slots=True)
class VersionView:
    """One version of the unified model. Numbers grow with time, from 1."""

    number: int
    at: datetime
    run: str
    actor: str
    digest: str
    changes: tuple[Authorship, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that differs between two versions: values as JSON text, empty where there is none."""

    key: Key
    field: str
    before: str
    after: str


Fields = Mapping[str, str]
"""Field -> value as JSON text. A field that is not there has no member."""


@dataclass(frozen=True, slots=True)
class ConflictSide:
    """What one side says of the fields in question: at the last commit, and now. None: it has no such entry."""

    name: str
    base: Fields | None
    now: Fields | None
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ConflictView:
    """What waits, or waited, for a person. `id` is unique over all syncs."""

    id: str
    sync: SyncName
    key: Key
    kind: ConflictKind
    fields: tuple[str, ...]
    reason: str
    """For people: which policy was asked, and why it did not settle this."""
    since: datetime
    state: ConflictState = ConflictState.OPEN
    sides: tuple[ConflictSide, ...] = ()
    central: Fields | None = None
    """What the unified model says."""
    policy: str = ""


@dataclass(frozen=True, slots=True)
class FilePlan:
    """What a run would do to one file, as a unified diff."""

    side: str
    path: str
    diff: str


@dataclass(frozen=True, slots=True)
class DecisionView:
    """One edit that does not simply go through, and what becomes of it."""

    key: Key
    field: str
    how: str
    winner: str
    losers: tuple[str, ...] = ()
    policy: str = ""


@dataclass(frozen=True, slots=True)
class PlanView:
    """What a run would do now."""

    files: tuple[FilePlan, ...] = ()
    decisions: tuple[DecisionView, ...] = ()
    conflicts: tuple[ConflictView, ...] = ()
    losses: tuple[LossView, ...] = ()


@dataclass(frozen=True, slots=True)
class Back:
    """How far back, and what of it."""

    version: int
    side: str = ""
    """Only this side; empty: the unified model, and with it all of them."""
    key: Key | None = None
    """Only this entry; None: all of them."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person says to a conflict: exactly one of the two."""

    take: str = ""
    """Name of a side, or `central`."""
    content: str = ""
    """The fields in question as one JSON object in the form of `unified.write_entry`; null in place of a value removes the field,
    and `null` in place of the object the entry."""


@dataclass(frozen=True, slots=True)
class ConflictQuery:
    """Which conflicts; an empty name means those of all clients syncs."""

    sync: SyncName
    states: frozenset[ConflictState] = frozenset({ConflictState.OPEN})


class ClientsDesk(Protocol):
    """All that people may ask about clients syncs; as wide as the service that stands before it.

    Every call that names a sync raises `NotFound` (`sync.unknown`) if there is none of this name, and `Refused` (`sync.not_clients`) if it
    is one of another engine. What a call starts is a run like any other: it can be followed, and what became of it is in its report.
    """

    async def sides(self, sync: SyncName) -> Sequence[SideView]:
        """All sides, in order of name."""

    async def unified(self, sync: SyncName, version: int, scope: str | None) -> UnifiedView:
        """The unified model; version 0 is the newest, scope None all of them. `NotFound` (`version.unknown`)."""

    async def export(self, sync: SyncName) -> Exported:
        """The newest version, for `import_` on another machine."""

    async def import_(self, sync: SyncName, text: str, actor: str) -> Run:
        """Start a run that takes over what was exported. Entries that the text does not name stay. `InvalidRequest`."""

    async def versions(self, sync: SyncName, before: int, limit: int) -> Sequence[VersionView]:
        """Versions with a number below `before`, newest first; 0 is from the newest one on."""

    async def version(self, sync: SyncName, number: int) -> VersionView:
        """One version; 0 is the newest. `NotFound` (`version.unknown`)."""

    async def diff(self, sync: SyncName, before: int, after: int) -> Sequence[Difference]:
        """What differs, in order of key and field. `after` 0 is the newest, `before` 0 the one that came before `after`. `NotFound`."""

    async def rollback(self, sync: SyncName, back: Back, actor: str) -> Run:
        """Start a run that brings a version back, as a new version. `NotFound` for version, side or entry."""

    async def conflicts(self, query: ConflictQuery) -> Sequence[ConflictView]:
        """Conflicts in any order."""

    async def conflict(self, number: str) -> ConflictView:
        """One conflict, also a resolved one. `NotFound` (`conflict.unknown`)."""

    async def resolve(self, number: str, answer: Answer, actor: str) -> Run:
        """Start a run that carries the answer out. `NotFound`; `Refused` (`conflict.resolved`); `InvalidRequest` names what is wrong."""

    async def plan(self, sync: SyncName, actor: str) -> PlanView:
        """Read all sides anew and tell what a run would do; changes nothing."""
