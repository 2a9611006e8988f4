"""Which plug-ins there are, as far as settings need to know."""

from collections.abc import Collection
from typing import Protocol

from syncd.ports.connecting import Connector
from syncd.ports.running import EngineKind


class Kinds(Protocol):
    def engine_kinds(self) -> Collection[str]:
        """The names that `engine` may have."""

    def connector_kinds(self) -> Collection[str]:
        """The names that `kind` may have."""

    def engine(self, kind: str) -> EngineKind:
        """One engine. Raises `KeyError` for an unknown kind, `ImportError` if something that it needs is not installed."""

    def connector(self, kind: str) -> Connector:
        """One connector. Raises `KeyError` for an unknown kind, `ImportError` if its driver is not installed."""
