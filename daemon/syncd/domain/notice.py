"""What people are told without having asked."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Happening(StrEnum):
    """Why somebody is told something. `RECOVERED` follows a message about a run that halted or failed, and no other."""

    HALTED = "halted"
    FAILED = "failed"
    RECOVERED = "recovered"
    DRIFT = "drift"
    WARNINGS = "warnings"


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that a person should know of one sync, in words that may leave the daemon."""

    happening: Happening
    sync: str
    at: datetime
    code: str
    message: str
    hint: str = ""
    run: str = ""
    mode: str = ""

    def repeats(self, other: "Notice | None") -> bool:
        """Says nothing that the other did not say. A halt is news each time: between two, somebody had a hand in it."""
        if other is None or (self.happening, self.code) != (other.happening, other.code):
            return False
        match self.happening:
            case Happening.HALTED:
                return self.run == other.run
            case Happening.DRIFT | Happening.WARNINGS:
                return self.message == other.message
            case Happening.FAILED | Happening.RECOVERED:
                return True
