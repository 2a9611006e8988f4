"""What every side holds at this moment."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from syncd import catalogue
from syncd.domain.unified import Entry, Key, Kind, Model, Name
from syncd.engines.clients.reading import Reading, read
from syncd.engines.clients.settings import ClientsSync, SideSection
from syncd.ports.clients import Adapter, ScopeKind, Snapshot

USER = ""
"""The scope of the user's own configuration."""


@dataclass(frozen=True, slots=True)
class ScopeLook:
    """One scope of one side. `entries`: what takes part in the sync, in the client's own form."""

    scope: str
    folder: Path
    reading: Reading
    snapshot: Snapshot
    entries: Mapping[Name, Entry]
    imports: bool = False
    """Its rules begin with an import of another file, which has those of the others: it gets none of them here."""

    @property
    def kind(self) -> ScopeKind:
        return ScopeKind.PROJECT if self.scope else ScopeKind.USER


@dataclass(frozen=True, slots=True)
class Look:
    """One side. `problems`: why it has to wait; nothing is taken from it or given to it then."""

    name: str
    section: SideSection
    adapter: Adapter
    scopes: tuple[ScopeLook, ...]
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())

    @property
    def now(self) -> Model:
        return {Key(look.scope, *name): entry for look in self.scopes for name, entry in look.entries.items()}

    @property
    def at(self) -> dict[tuple[str, Kind], float]:
        """When the files of each scope and kind were written last."""
        found: dict[tuple[str, Kind], float] = {}
        for look in self.scopes:
            for spec in self.adapter.files(look.kind):
                times = [held.at for path, held in look.reading.files.items() if Path(path).match(spec.pattern)]
                for kind in spec.kinds if times else ():
                    place = look.scope, kind
                    found[place] = max(found.get(place, 0.0), *times)
        return found

    @property
    def digests(self) -> dict[str, str]:
        """Of every file there is, by its path."""
        return {str(look.folder / path): each for look in self.scopes for path, each in look.reading.digests.items()}


def look_at(settings: ClientsSync, seen: Mapping[str, Mapping[str, str]]) -> list[Look]:
    """Read every side; `seen`: the files of each at the last commit. Blocking."""
    with ThreadPoolExecutor(len(settings.sides), "look") as threads:  # a side whose files are just being written makes no other wait
        return list(threads.map(lambda side: _side(side[0], side[1], seen.get(side[0], {})), settings.sides.items()))


def _side(name: str, section: SideSection, seen: Mapping[str, str]) -> Look:
    adapter = catalogue.client(section.client)
    scopes, problems, notes = [], [], []
    for scope, folder in [(USER, section.home), *((str(project), project) for project in section.projects)]:
        if scope and not folder.is_dir():
            notes.append(f"{folder} is not there")
            continue
        look = _scope(adapter, section, scope, folder, seen)
        scopes.append(look)
        problems += [f"{folder / path} {why}" for path, why in look.reading.problems.items()]
        for path, bad in look.snapshot.unreadable.items():
            place = f", line {bad.line}" if bad.line else ""
            problems.append(f"{folder / path}{place}: {bad.reason}")
        notes += look.snapshot.notes
    return Look(name, section, adapter, tuple(scopes), tuple(problems), tuple(notes))


def _scope(adapter: Adapter, section: SideSection, scope: str, folder: Path, seen: Mapping[str, str]) -> ScopeLook:
    kind = ScopeKind.PROJECT if scope else ScopeKind.USER
    expected = [str(Path(path).relative_to(folder)) for path in seen if Path(path).is_relative_to(folder)]
    specs = adapter.files(kind)
    mine = [path for path in expected if any(Path(path).match(spec.pattern) for spec in specs)]
    reading = read(folder, specs, mine)
    snapshot = adapter.read(kind, reading.contents)
    own = adapter.express(kind, snapshot.entries).entries
    taken = {
        name: entry
        for name, entry in snapshot.entries.items()
        if section.takes(name) and own.get(name) == entry and not _only_imports(name, entry)
    }
    imports = any(_only_imports(name, entry) for name, entry in snapshot.entries.items())
    return ScopeLook(scope, folder, reading, snapshot, taken, imports)


def _only_imports(name: Name, entry: Entry) -> bool:
    """A text such as `@AGENTS.md` alone says where else this client shall look; another client has its own place for that."""
    text = entry.get("text", "")
    return name.kind is Kind.RULES and isinstance(text, str) and all(line.startswith("@") for line in text.split() or ["no"])
