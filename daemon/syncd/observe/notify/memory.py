"""What outlives a restart: how things stand, who was told what, and up to where the audit log was read."""

from dataclasses import dataclass, field
from pathlib import Path

import structlog
from pydantic import TypeAdapter, ValidationError

from syncd.domain.notice import Notice
from syncd.kit.files import write_atomically
from syncd.observe.notify.judging import Subject
from syncd.observe.notify.telling import Told

log = structlog.get_logger()


@dataclass(slots=True)
class Memory:
    """Small: at most a few subjects a sync."""

    cursor: int
    standing: dict[Subject, Notice] = field(default_factory=dict)
    told: dict[str, dict[Subject, Told]] = field(default_factory=dict)
    """By channel."""

    def forget(self, sync: str) -> None:
        """Drop a sync that the settings do not have any more."""
        for subject in [subject for subject in self.standing if subject.partition("/")[0] == sync]:
            self.settle(subject)

    def settle(self, subject: Subject) -> None:
        """All is well there, and nobody needs to know that it was not; when it was told last stays."""
        self.standing.pop(subject, None)
        for told in self.told.values():
            if subject in told:
                told[subject].last = None


_FORM = TypeAdapter(Memory)


def load(file: Path) -> Memory | None:
    """What was kept; None if nothing was. A file that makes no sense is left for the next `keep` to replace."""
    try:
        return _FORM.validate_json(file.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError, ValueError) as error:
        log.warning("memory of notices not readable, starting afresh", file=str(file), problem=type(error).__name__)
        return None


def written(memory: Memory) -> bytes:
    return _FORM.dump_json(memory)


def keep(file: Path, content: bytes) -> None:
    """Replace the file as a whole."""
    write_atomically(file, content)
