"""From files to settings, with every problem at once."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from syncd.domain.run import SyncName
from syncd.ports.connecting import Connector
from syncd.ports.running import EngineKind
from syncd.settings.daemon import DaemonSection, ListenSection
from syncd.settings.files import Written, read
from syncd.settings.kinds import Kinds
from syncd.settings.notify import NotifySection
from syncd.settings.problem import KeyPath, Problem, SettingsInvalid, dotted
from syncd.settings.sync import Offer, SyncSection, Use
from syncd.settings.words import choices, complaints, found

_TOP = ("daemon", "listen", "notify", "connections", "syncs")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")

SectionT = TypeVar("SectionT", bound=BaseModel)
PluginT = TypeVar("PluginT")


@dataclass(frozen=True, slots=True)
class ConnectionSettings:
    kind: str
    connector: Connector = field(compare=False)
    section: Any
    """Of the class that the connector of this kind publishes."""


@dataclass(frozen=True, slots=True)
class SyncSettings:
    kind: EngineKind = field(compare=False)
    section: SyncSection
    """Of the class that the engine publishes."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings in force. Two are equal if they say the same, wherever it is written."""

    file: Path
    daemon: DaemonSection
    listen: tuple[ListenSection, ...]
    notify: tuple[NotifySection, ...]
    connections: Mapping[str, ConnectionSettings]
    syncs: Mapping[SyncName, SyncSettings]
    written: Written = field(repr=False, compare=False)
    """What stands in which file."""


def load(file: Path, kinds: Kinds) -> Settings:
    """Read the settings file and its `conf.d`. Raises `SettingsInvalid` with everything that is wrong with them."""
    file = file.absolute()
    written = read(file)
    reading = _Reading(written, kinds)
    settings = reading.settings()
    if settings is None or written.problems:
        raise SettingsInvalid(sorted(written.problems, key=lambda problem: (problem.file != file, problem.file)))
    return settings


class _Reading:
    """One pass over the tables of the settings; what is wrong goes to the problems of what is written."""

    def __init__(self, written: Written, kinds: Kinds) -> None:
        self._written = written
        self._kinds = kinds
        self._connectors: dict[str, Connector] = {}
        """Of the connections whose kind is known."""

    def settings(self) -> Settings | None:
        for key in self._written.tables:
            if key not in _TOP:
                self._problem((key,), f"no such setting{choices(key, _TOP)}")
        daemon = self._section(("daemon",), DaemonSection, self._written.tables.get("daemon", {}))
        listen = self._listen(daemon)
        notify = tuple(self._notify())
        connections = self._named("connections", self._connection)
        syncs = self._named("syncs", self._sync)
        if daemon is None:
            return None
        return Settings(
            file=self._written.file,
            daemon=daemon,
            listen=listen,
            notify=notify,
            connections=connections,
            syncs={SyncName(name): sync for name, sync in syncs.items()},
            written=self._written,
        )

    def _listen(self, daemon: DaemonSection | None) -> tuple[ListenSection, ...]:
        given = self._written.tables.get("listen")
        if given is None:
            given = [{"socket": str(daemon.state_dir / "syncd.sock")}] if daemon else []
        if not isinstance(given, list):
            self._problem(("listen",), "expected one or more tables '[[listen]]'", found(given))
            return ()
        sections: dict[str, ListenSection] = {}
        for number, value in enumerate(given):
            section = self._section(("listen", number), ListenSection, value)
            if section is not None and sections.setdefault(section.place, section) is not section:
                self._problem(("listen", number, section.way), "is another listener's already", found(section.place))
        return tuple(sections.values())

    def _notify(self) -> Iterator[NotifySection]:
        given = self._written.tables.get("notify", [])
        if not isinstance(given, list):
            self._problem(("notify",), "expected one or more tables '[[notify]]'", found(given))
            return
        for number, value in enumerate(given):
            section = self._section(("notify", number), NotifySection, value)
            if section is not None:
                yield section

    def _named(self, group: str, read_one: Callable[[str, dict[str, Any]], PluginT | None]) -> dict[str, PluginT]:
        read_ones = {}
        for name, value in self._tables(group).items():
            if not _NAME.fullmatch(name):
                self._problem((group, name), "a name has up to 63 letters, digits, '_' and '-', and begins with a letter or digit")
            elif not isinstance(value, dict):
                self._problem((group, name), "expected a table", found(value))
            elif (one := read_one(name, value)) is not None:
                read_ones[name] = one
        return read_ones

    def _tables(self, group: str) -> dict[str, Any]:
        tables = self._written.tables.get(group, {})
        if isinstance(tables, dict):
            return tables
        self._problem((group,), f"expected tables '[{group}.NAME]'", found(tables))
        return {}

    def _connection(self, name: str, value: dict[str, Any]) -> ConnectionSettings | None:
        path = ("connections", name)
        connector = self._plugin((*path, "kind"), self._kinds.connector_kinds(), self._kinds.connector)
        if connector is None:
            return None
        self._connectors[name] = connector
        own = {key: given for key, given in value.items() if key != "kind"}
        section = self._section(path, connector.settings, own)
        return None if section is None else ConnectionSettings(value["kind"], connector, section)

    def _sync(self, name: str, value: dict[str, Any]) -> SyncSettings | None:
        path = ("syncs", name)
        kind = self._plugin((*path, "engine"), self._kinds.engine_kinds(), self._kinds.engine)
        if kind is None:
            return None
        section: SyncSection | None = self._section(path, kind.settings, value)
        if section is None:
            return None
        if section.mode is not None and section.mode not in kind.modes:
            self._problem((*path, "mode"), f"no such mode{choices(section.mode, list(kind.modes))}", found(section.mode))
        for use in section.uses():
            self._check_use((*path, *use.at.split(".")), use)
        return SyncSettings(kind, section)

    def _section(self, path: KeyPath, kind: type[SectionT], value: Any) -> SectionT | None:
        if not isinstance(value, dict):
            self._problem(path, "expected a table", found(value))
            return None
        try:
            return kind.model_validate(value, context={"base": self._written.file.parent})
        except ValidationError as error:
            for complaint in complaints(error, kind, value):
                self._problem((*path, *complaint.path), complaint.message, complaint.found)
            return None

    def _plugin(self, path: KeyPath, known: Collection[str], get: Callable[[str], PluginT]) -> PluginT | None:
        """What the setting at `path` names, if there is such a thing and it can be imported."""
        group, name, key = path
        kind = self._written.tables[str(group)][name].get(key)
        if kind is None:
            self._problem(path, f"is required; there are: {', '.join(sorted(known))}")
        elif not isinstance(kind, str):
            self._problem(path, "expected text", found(kind))
        elif kind not in known:
            self._problem(path, f"no such {key}{choices(kind, list(known))}", found(kind))
        else:
            try:
                return get(kind)
            except ImportError as error:
                if (error.name or "").startswith("syncd."):
                    raise
                self._problem(path, f'{kind!r} needs a package that is not installed ({error}): pip install "syncd[{kind}]"')
        return None

    def _check_use(self, path: KeyPath, use: Use) -> None:
        known = self._tables("connections")
        connector = self._connectors.get(use.connection)
        if use.connection not in known:
            if self._written.complete:
                self._problem(path, f"no such connection{choices(use.connection, list(known))}", found(use.connection))
        elif connector is not None and not _can(connector, use.offer):
            kind = known[use.connection]["kind"]
            self._problem(
                path,
                f"{kind!r} cannot be the {use.role.value} of this sync; these kinds can: {', '.join(self._able(use.offer)) or 'none'}",
                found(use.connection),
            )

    def _able(self, offer: Offer) -> list[str]:
        able = []
        for kind in sorted(self._kinds.connector_kinds()):
            try:
                if _can(self._kinds.connector(kind), offer):
                    able.append(kind)
            except ImportError:
                continue
        return able

    def _problem(self, path: KeyPath, message: str, shown: str = "") -> None:
        self._written.problems.append(Problem(self._written.place(path), dotted(path), message, shown))


def _can(connector: Connector, offer: Offer) -> bool:
    return getattr(connector, offer.value) is not None
