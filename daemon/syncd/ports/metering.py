"""Who counts the calls that the control plane answers."""

from typing import Protocol


class Meter(Protocol):
    """Called on the event loop. Never blocks, never raises."""

    def stream_began(self, method: str) -> None:
        """A streaming call is under way from now on."""

    def stream_ended(self, method: str) -> None:
        """A streaming call is no longer under way, however it ended."""

    def answered(self, method: str, code: str) -> None:
        """A call of either kind has ended with a status: `OK`, `NOT_FOUND`."""
