"""Who can look at a query where the warehouse itself cannot."""

from collections.abc import Sequence
from typing import Protocol


class Analyser(Protocol):
    """Knows names, types and functions of one dialect."""

    @property
    def name(self) -> str:
        """With its version: `sqlglot 30.30.0`."""

    async def analyse(self, queries: Sequence[str]) -> Sequence[str | None]:
        """For each query what is wrong with it, empty if nothing is, None if there is no telling."""
