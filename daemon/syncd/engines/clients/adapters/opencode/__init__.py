"""OpenCode; see the module `adapter`."""

from syncd.engines.clients.adapters.opencode.adapter import ADAPTER

__all__ = ["ADAPTER"]
