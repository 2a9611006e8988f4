"""Who is to be told what, and when. Pure: the time is given."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from syncd.domain.notice import Happening, Notice
from syncd.observe.notify.judging import Subject
from syncd.settings.notify import NotifySection

_QUIET = (Happening.FAILED, Happening.DRIFT, Happening.WARNINGS)
"""These come and go by themselves. A halt waits for a person, and that all is well again is only told to who heard that it was not."""
_TROUBLE = (Happening.HALTED, Happening.FAILED)
_FIRST_WAIT = timedelta(seconds=1)
_LONGEST_WAIT = timedelta(minutes=15)
_MOST_DOUBLINGS = 10


@dataclass(slots=True)
class Told:
    """What one channel has been told of one subject."""

    last: Notice | None = None
    at: dict[Happening, datetime] = field(default_factory=dict)
    """When each was told last."""
    failures: int = 0
    """How often the message that is due has failed."""
    not_before: datetime | None = None

    def delivered(self, notice: Notice, at: datetime) -> None:
        self.last = notice
        self.at[notice.happening] = at
        self.failures, self.not_before = 0, None

    def failed(self, at: datetime) -> None:
        """Take note of a failure; the waits double."""
        self.not_before = at + min(_LONGEST_WAIT, _FIRST_WAIT * 2 ** min(self.failures, _MOST_DOUBLINGS))
        self.failures += 1


@dataclass(frozen=True, slots=True)
class Due:
    """A message for one channel, and when it may go."""

    subject: Subject
    notice: Notice
    when: datetime


def due(section: NotifySection, subject: Subject, now: Notice, told: Told) -> Due | None:
    """The message that a channel owes its people about a subject, if any."""
    if now.happening not in section.on or not section.concerns(now.sync) or now.repeats(told.last):
        return None
    if now.happening is Happening.RECOVERED and (told.last is None or told.last.happening not in _TROUBLE):
        return None
    when = now.at
    if now.happening in _QUIET and now.happening in told.at:
        when = max(when, told.at[now.happening] + section.quiet)
    return Due(subject, now, max(when, told.not_before or when))
