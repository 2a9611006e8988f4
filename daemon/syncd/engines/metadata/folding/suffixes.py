"""The dates and numbers that names of shards end with."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from syncd.engines.metadata.folding.family import Family, Ranges

_EPOCH = datetime(1, 1, 1)  # noqa: DTZ001 - a calendar, no moment
_MONTHS = 12
_YEAR = r"(?:19|20)\d\d"
"""Of other years there are no shards, but many numbers."""


@dataclass(frozen=True, slots=True)
class Form:
    """One way of writing suffixes: each stands at a whole number, and neighbours have no gap between them."""

    name: str
    shape: re.Pattern[str]
    """What looks like one at the end of a name; it need not be on the calendar."""
    position: Callable[[str], int]
    """Raises `ValueError` for what is not on the calendar."""
    suffix: Callable[[int], str]

    @property
    def dated(self) -> bool:
        return self.name.startswith("Y")

    @property
    def daily(self) -> bool:
        """It tells the day at least: a number hardly looks like that by chance."""
        return "D" in self.name


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to understand the name of a table as that of a shard."""

    prefix: str
    form: Form
    position: int | None
    """None if it only looks like one: there is no 30 February."""


def _by_time(name: str, template: str, unit: timedelta) -> Form:
    """Days and hours."""
    shape = re.sub("%[mdH]", r"\\d\\d", template).replace("%Y", r"\d{4}")

    def position(suffix: str) -> int:
        return (_parsed(suffix, template) - _EPOCH) // unit

    def suffix(at: int) -> str:
        return (_EPOCH + at * unit).strftime(template)

    return Form(name, _at_the_end(shape), position, suffix)


def _parsed(suffix: str, template: str) -> datetime:
    moment = datetime.strptime(suffix, template)  # noqa: DTZ007 - a calendar, no moment
    if not re.match(_YEAR, suffix):
        raise ValueError("no year of a shard")
    return moment


def _by_month(name: str, between: str) -> Form:
    def position(suffix: str) -> int:
        day = _parsed(suffix, f"%Y{between}%m")
        return day.year * _MONTHS + day.month - 1

    def suffix(at: int) -> str:
        return f"{at // _MONTHS:04}{between}{at % _MONTHS + 1:02}"

    return Form(name, _at_the_end(rf"\d{{4}}{between}\d\d"), position, suffix)


def _by_year() -> Form:
    return Form("YYYY", _at_the_end(r"\d{4}"), lambda suffix: _parsed(suffix, "%Y").year, lambda at: f"{at:04}")


def _by_number(width: int) -> Form:
    """Numbers with leading zeros, all of one width; without any, if the width is 1."""
    shape = r"(?<=[_-])(?:0|[1-9]\d{0,5})\Z" if width == 1 else rf"(?<=[_-])\d{{{width}}}\Z"
    return Form("N" * width, re.compile(shape), int, lambda at: f"{at:0{width}}")


def _at_the_end(shape: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\d){shape}\Z", re.ASCII)


_DAY = timedelta(days=1)
FORMS = (
    _by_time("YYYYMMDDHH", "%Y%m%d%H", timedelta(hours=1)),
    _by_time("YYYY-MM-DD", "%Y-%m-%d", _DAY),
    _by_time("YYYY_MM_DD", "%Y_%m_%d", _DAY),
    _by_time("YYYYMMDD", "%Y%m%d", _DAY),
    _by_month("YYYY-MM", "-"),
    _by_month("YYYY_MM", "_"),
    _by_month("YYYYMM", ""),
    _by_year(),
    *(_by_number(width) for width in range(1, 7)),
)
"""The likelier before the less likely, where a name can be read in several ways."""
_BY_NAME = {form.name: form for form in FORMS}


def form_of(name: str) -> Form:
    """One of `FORMS`, by its name."""
    return _BY_NAME[name]


def readings(name: str) -> Iterator[Reading]:
    """The ways to understand a name. There is a letter between its schema and the suffix, or it is no name but only a date."""
    for form in FORMS:
        found = form.shape.search(name)
        if found and any(map(str.isalpha, name[: found.start()].rpartition(".")[2])):
            yield Reading(name[: found.start()], form, _position(form, found[0]))


def _position(form: Form, suffix: str) -> int | None:
    try:
        return form.position(suffix)
    except ValueError:
        return None


def ranges(form: Form, positions: Iterable[int]) -> Ranges:
    """Runs without a gap."""
    runs: list[list[int]] = []
    for at in sorted(positions):
        if runs and at == runs[-1][1] + 1:
            runs[-1][1] = at
        else:
            runs.append([at, at])
    return tuple((form.suffix(first), form.suffix(last)) for first, last in runs)


def suffixes(form: str, within: Ranges) -> Iterator[str]:
    """Every suffix of some ranges, in order."""
    known = form_of(form)
    for first, last in within:
        yield from map(known.suffix, range(known.position(first), known.position(last) + 1))


def count(form: str, within: Ranges) -> int:
    """How many suffixes some ranges hold."""
    known = form_of(form)
    return sum(known.position(last) - known.position(first) + 1 for first, last in within)


def shards(family: Family) -> Iterator[str]:
    """The names of the tables of a family, oldest first."""
    yield from (f"{family.prefix}{suffix}" for suffix in suffixes(family.form, family.ranges))


def is_shard(name: str, family: Family) -> bool:
    """Whether a table of this name is in a family: its suffix is in one of the ranges."""
    known = form_of(family.form)
    found = known.shape.search(name)
    if not found or name[: found.start()] != family.prefix:
        return False
    at = _position(known, found[0])
    return at is not None and any(known.position(first) <= at <= known.position(last) for first, last in family.ranges)
