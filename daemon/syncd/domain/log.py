"""Records of the daemon's own log, and which of them somebody wants to see."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum


class Level(IntEnum):
    """How much a record matters; higher is more."""

    DEBUG = 10
    INFO = 20
    WARNING = 30
    ERROR = 40
    CRITICAL = 50


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One record as it was kept."""

    sequence: int
    at: datetime
    level: Level
    event: str
    sync: str = ""
    run: str = ""
    logger: str = ""
    """The library that said it; empty if the daemon itself did."""
    trace: str = ""
    values: Mapping[str, object] = field(default_factory=dict)
    """What else was said."""

    def words(self) -> Iterator[str]:
        """Everything that a person may search for."""
        yield from (self.event, self.sync, self.run, self.logger, self.trace)
        for name, value in self.values.items():
            yield f"{name}={value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which records are wanted; empty members take all."""

    since: datetime | None = None
    until: datetime | None = None
    least: Level = Level.DEBUG
    sync: str = ""
    run: str = ""
    event: str = ""
    """Stands in the phrase or in the name of the library, upper and lower case alike."""
    text: str = ""
    """Stands anywhere, upper and lower case alike."""

    def takes(self, record: LogRecord) -> bool:
        return (
            record.level >= self.least
            and (not self.sync or record.sync == self.sync)
            and (not self.run or record.run == self.run)
            and self._in_time(record.at)
            and self._says(record)
        )

    def _in_time(self, at: datetime) -> bool:
        return (self.since is None or at >= self.since) and (self.until is None or at < self.until)

    def _says(self, record: LogRecord) -> bool:
        event, text = self.event.casefold(), self.text.casefold()
        return (not event or event in record.event.casefold() or event in record.logger.casefold()) and (
            not text or any(text in words.casefold() for words in record.words())
        )
