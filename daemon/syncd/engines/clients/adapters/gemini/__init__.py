"""Gemini CLI; see the module `adapter`."""

from syncd.engines.clients.adapters.gemini.adapter import ADAPTER

__all__ = ["ADAPTER"]
