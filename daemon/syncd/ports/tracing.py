"""Who is told how long the steps of a run take, and how they belong together."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Protocol

Attributes = Mapping[str, str | int | float | bool]
"""Small facts of a step: never a row's content, never a secret."""


class Span(Protocol):
    """One step, while it is under way."""

    def tell(self, attributes: Attributes) -> None:
        """Say more about it."""

    def fail(self, code: str) -> None:
        """It did not go well; the code says why."""


class Tracer(Protocol):
    """Called on the event loop. Never blocks, never raises."""

    def span(self, name: str, attributes: Attributes, parent: str = "") -> AbstractContextManager[Span]:
        """A step that lasts as long as the block, within the step that is under way where it begins. What escapes it is how it failed.

        `parent` names a step of another program that it belongs to, as W3C Trace Context writes it; what cannot be read counts as none.
        """
