"""Rovo Dev; see the module `adapter`."""

from syncd.engines.clients.adapters.acli.adapter import ADAPTER

__all__ = ["ADAPTER"]
