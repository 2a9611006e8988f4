"""A small world of plug-ins to load settings with."""

from collections.abc import Collection
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from syncd.domain.run import SyncName
from syncd.ports.connecting import Connections, Connector, Indexes, Source
from syncd.ports.running import Engine, EngineKind, Mode
from syncd.settings.load import Settings, load
from syncd.settings.problem import Problem, SettingsInvalid
from syncd.settings.secret import Secret
from syncd.settings.section import Duration, Section, SettingsPath
from syncd.settings.sync import Offer, Role, SyncSection, Use


class FileSection(Section):
    path: SettingsPath
    rows: int = Field(default=100, ge=1, le=1000)


class ServerSection(Section):
    url: str
    login: Secret | None = None
    timeout: Duration | None = None


class From(Section):
    connection: str
    columns: list[str] = Field(default_factory=list)
    key: list[str] = Field(default_factory=list)


class CopySync(SyncSection):
    source: From
    to: str = ""
    drift: Literal["evolve", "halt"] = "evolve"
    renamed: dict[str, str] = Field(default_factory=dict)
    steps: list[From] = Field(default_factory=list)
    sample: From | list[From] | None = None

    def uses(self) -> tuple[Use, ...]:
        target = (Use(Role.TARGET, Offer.INDEXES, self.to, "to"),) if self.to else ()
        return (Use(Role.SOURCE, Offer.ROWS, self.source.connection, "source.connection"), *target)


async def _check(_section: Any) -> str:
    raise NotImplementedError


def _source(_section: Any) -> AbstractAsyncContextManager[Source]:
    raise NotImplementedError


def _indexes(_section: Any) -> AbstractAsyncContextManager[Indexes]:
    raise NotImplementedError


def _build(_name: SyncName, _section: Any, _connections: Connections) -> Engine:
    raise NotImplementedError


MODES = {"full": Mode("Everything", writes=True), "incremental": Mode("What changed", writes=True), "plan": Mode("Nothing", writes=False)}
CONNECTORS = {
    "file": Connector(FileSection, _check, source=_source),
    "server": Connector(ServerSection, _check, indexes=_indexes),
    "both": Connector(FileSection, _check, source=_source, indexes=_indexes),
}


class World:
    """The engine `copy`, the connectors `file`, `server` and `both`, and `oracle`, whose driver is not installed."""

    def engine_kinds(self) -> Collection[str]:
        return ["copy"]

    def connector_kinds(self) -> Collection[str]:
        return [*CONNECTORS, "oracle"]

    def engine(self, kind: str) -> EngineKind:
        return {"copy": EngineKind(CopySync, MODES, "incremental", _build)}[kind]

    def connector(self, kind: str) -> Connector:
        if kind == "oracle":
            raise ImportError("No module named 'oracledb'")
        return CONNECTORS[kind]


class Written:
    """Settings files in a folder."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "syncd.toml"
        self._parts = folder / "conf.d"

    def main(self, text: str) -> "Written":
        self.file.write_text(text)
        return self

    def part(self, name: str, text: str) -> "Written":
        self._parts.mkdir(exist_ok=True)
        (self._parts / name).write_text(text)
        return self

    def load(self) -> Settings:
        return load(self.file, World())

    def problems(self) -> tuple[Problem, ...]:
        """What is wrong; fails if nothing is."""
        try:
            load(self.file, World())
        except SettingsInvalid as error:
            return error.problems
        raise AssertionError("the settings were accepted")

    def texts(self) -> list[str]:
        return [str(problem) for problem in self.problems()]
