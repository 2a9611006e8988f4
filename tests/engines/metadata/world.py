"""A real warehouse, a real folder to publish to, and real runs of the engine between them."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from syncd import catalogue
from syncd.domain.audit import Entry
from syncd.domain.batch import Checkpoint
from syncd.domain.run import Run, RunId, RunState, SyncName, Trigger
from syncd.engines.metadata.cache import Cache
from syncd.engines.metadata.engine import MetadataEngine
from syncd.engines.metadata.publishing import digest
from syncd.engines.metadata.rendering import read
from syncd.engines.metadata.settings import MetadataSync
from syncd.engines.metadata.sidecar import Sidecar
from syncd.ports.objects import ObjectStore
from syncd.ports.running import Advance, Progress, Report

OBJECT = "metadata_cache.json"
BEGINNING = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
"""A Wednesday."""


@dataclass
class Kept:
    """The documents of a sync."""

    texts: dict[str, str] = field(default_factory=dict)

    async def get(self, name: str) -> str | None:
        return self.texts.get(name)

    async def list(self, prefix: str, after: str = "", limit: int = 1000) -> Sequence[tuple[str, str]]:
        return sorted((name, text) for name, text in self.texts.items() if name.startswith(prefix) and name > after)[:limit]


class Crash(Exception):
    """The process ends here."""


@dataclass
class Context:
    """What a run sees of the daemon."""

    run: Run
    folder: Path
    documents: Kept
    entries: list[Entry]
    checkpoint: Checkpoint | None = None
    clean: bool = True
    warnings: tuple[str, ...] = ()
    crash: bool = False

    def tell(self, progress: Progress) -> None:
        self.warnings = self.warnings if progress.warnings is None else progress.warnings

    async def advance(self, step: Advance) -> None:
        if self.crash:
            raise Crash("before the commit")
        self.checkpoint = step.checkpoint
        for name, text in step.documents.items():
            self.documents.texts.pop(name, None)
            if text is not None:
                self.documents.texts[name] = text
        self.entries += step.entries

    def crowded(self) -> bool:
        return False


@dataclass
class Connections:
    """Opens the real connectors."""

    sections: Mapping[str, Mapping[str, Any]]

    @asynccontextmanager
    async def _open(self, name: str, offer: str) -> AsyncIterator[Any]:
        section = dict(self.sections[name])
        connector = catalogue.connector(section.pop("kind"))
        async with getattr(connector, offer)(connector.settings.model_validate(section)) as opened:
            yield opened

    def schemas(self, name: str) -> AbstractAsyncContextManager[Any]:
        return self._open(name, "schemas")

    def objects(self, name: str) -> AbstractAsyncContextManager[Any]:
        return self._open(name, "objects")

    def model(self, name: str) -> AbstractAsyncContextManager[Any]:
        return self._open(name, "model")


def store_in(folder: Path) -> AbstractAsyncContextManager[ObjectStore]:
    """The real store of the kind `folder`."""
    connector = catalogue.connector("folder")
    assert connector.objects
    return connector.objects(connector.settings(path=folder))


@dataclass
class World:
    folder: Path
    settings: dict[str, Any] = field(default_factory=dict)
    """Of the sync, beside its source and target."""
    model: dict[str, Any] | None = None
    """The section of the model's connection."""
    now: datetime = BEGINNING
    documents: Kept = field(default_factory=Kept)
    entries: list[Entry] = field(default_factory=list)
    last: Context | None = None
    runs: int = 0

    @property
    def file(self) -> Path:
        return self.folder / "warehouse.duckdb"

    @property
    def published(self) -> Path:
        return self.folder / "published"

    def sql(self, *statements: str) -> None:
        """Change the warehouse."""
        with duckdb.connect(self.file) as connection:
            for statement in statements:
                connection.execute(statement)

    def later(self, **by: float) -> None:
        """Let time go by."""
        self.now += timedelta(**by)

    @property
    def connections(self) -> Any:
        sections: dict[str, Mapping[str, Any]] = {
            "warehouse": {"kind": "duckdb", "path": self.file},
            "caches": {"kind": "folder", "path": self.published},
        }
        return Connections(sections | ({"claude": self.model} if self.model else {}))

    @property
    def sync(self) -> MetadataSync:
        given = {
            "engine": "metadata",
            "source": {"connection": "warehouse", "schemas": ["main"]},
            "target": {"connection": "caches", "object": OBJECT},
            **({"model": "claude"} if self.model else {}),
        }
        return MetadataSync.model_validate(given | self.settings)

    async def run(self, mode: str = "check", *, crash: bool = False, **parameters: str) -> Report:
        """One run, as the schedule or a person starts it. Raises what the engine raises."""
        self.runs += 1
        run = Run(RunId(f"R{self.runs}"), SyncName("w"), mode, Trigger.REQUEST, RunState.RUNNING, self.now, parameters)
        context = self.last = Context(run, self.folder / "own", self.documents, self.entries, crash=crash)
        engine = MetadataEngine(run.sync, self.sync, self.connections, lambda: self.now)
        seen: Any = context
        return await engine.run(seen)

    @property
    def content(self) -> bytes:
        """What readers get."""
        return (self.published / OBJECT).read_bytes()

    @property
    def cache(self) -> Cache:
        return read(self.content)

    @property
    def sidecar(self) -> Sidecar:
        content = (self.published / f"sidecars/{OBJECT}/{digest(self.content)}.json").read_bytes()
        found = Sidecar.read(content)
        assert found is not None
        return found

    @property
    def files(self) -> dict[str, tuple[int, bytes]]:
        """Everything in the store: name -> time of the last write and content."""
        found = (path for path in self.published.rglob("*") if path.is_file() and ".syncd" not in path.parts)
        return {str(path.relative_to(self.published)): (path.stat().st_mtime_ns, path.read_bytes()) for path in found}

    def actions(self) -> list[str]:
        return [entry.action for entry in self.entries]
