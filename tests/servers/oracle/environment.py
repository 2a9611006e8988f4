"""What a session has set about formats and time zone, as one text that travels into SQL functions."""

from dataclasses import astuple, dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Environment:
    date: str = "DD-MON-RR"
    timestamp: str = "DD-MON-RR HH.MI.SSXFF AM"
    zoned: str = "DD-MON-RR HH.MI.SSXFF AM TZR"
    zone: str = "+00:00"

    @property
    def text(self) -> str:
        return "\n".join(astuple(self))


@lru_cache(maxsize=100)
def environment(text: str) -> Environment:
    return Environment(*text.split("\n"))
