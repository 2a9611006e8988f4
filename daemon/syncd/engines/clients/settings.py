"""Settings of a clients sync."""

from collections.abc import Mapping
from datetime import timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from syncd import catalogue
from syncd.domain.unified import Kind, Name
from syncd.engines.clients.contest import CENTRAL, Policy
from syncd.kit.text import did_you_mean
from syncd.ports.clients import ScopeKind
from syncd.settings.section import Duration, Section, SettingsPath
from syncd.settings.sync import SyncSection

PerKind = dict[Kind, Policy]


class SideSection(Section):
    """One client, in one home."""

    client: str
    home: Annotated[SettingsPath, Field(validate_default=True)] = Path("~")
    """The user's configuration is looked for below it."""
    projects: tuple[SettingsPath, ...] = ()
    """Folders of projects, each with a configuration of its own."""
    priority: int = 0
    """Higher wins where the policy asks for it."""
    write: bool | tuple[Kind, ...] = True
    """Which kinds are written to this side; `false`: it is only observed."""
    policy: Policy | PerKind | None = None
    """In place of the sync's, in conflicts that this side takes part in."""
    include: tuple[str, ...] = ("*",)
    """Entries that this side takes part in, as `mcp/NAME`, `rules/*`, …"""
    exclude: tuple[str, ...] = ()

    @field_validator("client")
    @classmethod
    def _known(cls, value: str) -> str:
        kinds = catalogue.client_kinds()
        if value not in kinds:
            raise ValueError(f"no such client{did_you_mean(value, kinds)}; there are {', '.join(sorted(kinds))}")
        return value

    def writes(self, kind: Kind) -> bool:
        return self.write if isinstance(self.write, bool) else kind in self.write

    def takes(self, name: Name) -> bool:
        """Whether this side has anything to do with an entry."""
        text = str(name)
        return any(fnmatchcase(text, glob) for glob in self.include) and not any(fnmatchcase(text, glob) for glob in self.exclude)

    def policy_for(self, kind: Kind) -> Policy | None:
        return self.policy.get(kind) if isinstance(self.policy, Mapping) else self.policy


class ClientsSync(SyncSection):
    """`[syncs.NAME]` with `engine = "clients"`."""

    engine: Literal["clients"]
    policy: Policy | PerKind = Policy.LAST
    """What settles a conflict; per kind of entry, if it is a table."""
    rescan: Annotated[Duration, Field(gt=timedelta(0))] = timedelta(seconds=30)
    """So often everything is looked at, whatever was noticed of changes."""
    validate_with: Literal["cli", "model"] = "cli"
    """`cli`: each client that is installed looks at a copy of its files before they are replaced; `model`: our own reading is enough."""
    cli_timeout: Annotated[Duration, Field(gt=timedelta(0))] = timedelta(seconds=30)
    export_to: SettingsPath | None = None
    """A file that always holds the newest version as `syncctl clients export` writes it."""
    sides: Annotated[dict[str, SideSection], Field(min_length=1)]

    @model_validator(mode="before")
    @classmethod
    def _rescanned(cls, value: Any) -> Any:
        if isinstance(value, Mapping) and not ({"every", "cron"} & value.keys() or value.get("manual")):
            return {**value, "every": value.get("rescan", "30s")}
        return value

    @field_validator("sides")
    @classmethod
    def _named(cls, value: dict[str, SideSection]) -> dict[str, SideSection]:
        if CENTRAL in value or not all(value):
            raise ValueError(f"a side may have any name but '{CENTRAL}'")
        return value

    def policy_for(self, kind: Kind) -> Policy:
        return self.policy.get(kind, Policy.LAST) if isinstance(self.policy, Mapping) else self.policy

    def watched(self) -> list[Path]:
        """The files of all sides, and globs of files, whether they are there or not."""
        return [
            Path(folder) / spec.pattern
            for side in self.sides.values()
            for folder, kind in [(side.home, ScopeKind.USER), *((project, ScopeKind.PROJECT) for project in side.projects)]
            for spec in catalogue.client(side.client).files(kind)
        ]
