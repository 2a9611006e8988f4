"""Codex; see the module `adapter`."""

from syncd.engines.clients.adapters.codex.adapter import ADAPTER

__all__ = ["ADAPTER"]
