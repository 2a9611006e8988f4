"""Every plug-in, one line each; a module is imported when a setting first names its kind."""

from collections.abc import Collection
from importlib import import_module

from syncd.ports.clients import Adapter
from syncd.ports.connecting import Connector
from syncd.ports.running import EngineKind

ENGINES = {
    "clients": "syncd.engines.clients.engine",
    "metadata": "syncd.engines.metadata.engine",
    "search": "syncd.engines.search.engine",
}

CONNECTORS = {
    "anthropic": "syncd.connectors.anthropic",
    "bigquery": "syncd.connectors.bigquery",
    "duckdb": "syncd.connectors.duckdb",
    "folder": "syncd.connectors.folder",
    "fts5": "syncd.connectors.fts5",
    "gcs": "syncd.connectors.gcs",
    "meilisearch": "syncd.connectors.meilisearch",
    "oracle": "syncd.connectors.oracle",
}

CLIENTS = {
    "acli": "syncd.engines.clients.adapters.acli",
    "claude": "syncd.engines.clients.adapters.claude",
    "codex": "syncd.engines.clients.adapters.codex",
    "gemini": "syncd.engines.clients.adapters.gemini",
    "opencode": "syncd.engines.clients.adapters.opencode",
    "qwen": "syncd.engines.clients.adapters.qwen",
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


def client_kinds() -> Collection[str]:
    """The AI coding clients that there are adapters for."""
    return CLIENTS.keys()


def client(kind: str) -> Adapter:
    """The adapter of a client. Raises `KeyError` for an unknown one."""
    found: Adapter = import_module(CLIENTS[kind]).ADAPTER
    return found
