"""Every plug-in, one line each; a module is imported when a setting first names its kind."""

from collections.abc import Collection
from importlib import import_module

from syncd.ports.connecting import Connector
from syncd.ports.running import EngineKind

ENGINES = {
    "search": "syncd.engines.search.engine",
}

CONNECTORS = {
    "duckdb": "syncd.connectors.duckdb",
    "fts5": "syncd.connectors.fts5",
    "meilisearch": "syncd.connectors.meilisearch",
    "oracle": "syncd.connectors.oracle",
}


def engine_kinds() -> Collection[str]:
    """The kinds of engine that there are."""
    return ENGINES.keys()


def connector_kinds() -> Collection[str]:
    """The kinds of connection that there are."""
    return CONNECTORS.keys()


def engine(kind: str) -> EngineKind:
    """The engine of a kind. Raises `KeyError` for an unknown kind."""
    found: EngineKind = import_module(ENGINES[kind]).ENGINE
    return found


def connector(kind: str) -> Connector:
    """The connector of a kind. Raises `KeyError` for an unknown kind, `ImportError` if its driver is not installed."""
    found: Connector = import_module(CONNECTORS[kind]).CONNECTOR
    return found
