"""Folding: which tables of a warehouse are shards of one.

A name decides first, then the company that it keeps: a number at the end of a name means little, many that are days mean much. What is
in doubt stays a table of its own, for a family that is none would mislead whoever asks it.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

from syncd.domain.schema import Column, Table, TableKind
from syncd.engines.metadata.folding.family import Family, Folded, Version
from syncd.engines.metadata.folding.suffixes import FORMS, Form, ranges, readings
from syncd.engines.metadata.folding.typetexts import typetext

_GA4 = frozenset({"events_", "events_intraday_", "events_fresh_", "users_", "pseudonymous_users_"})
"""Prefixes of the export of Google Analytics 4."""
_FEW = 3
_FEW_NUMBERED = 4


@dataclass(frozen=True, slots=True)
class _Shape:
    """Names and types of columns, in no order."""

    columns: frozenset[tuple[str, str]]

    @classmethod
    def of(cls, columns: Iterable[Column]) -> "_Shape":
        return cls(frozenset((column.name, typetext(column)) for column in columns))

    @property
    def names(self) -> set[str]:
        return {name for name, _ in self.columns}

    def is_alike(self, other: "_Shape") -> bool:
        return 2 * len(self.names & other.names) > min(len(self.columns), len(other.columns))


@dataclass(frozen=True, slots=True)
class FoldingRules:
    """What an operator knows better. Globs are compared with prefixes, schema included: `analytics.daily_*`."""

    force: tuple[str, ...] = ()
    """Families however few or different their tables are."""
    forbid: tuple[str, ...] = ()
    """No families; stronger than `force`."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    """Tables of one prefix, with suffixes of one form."""

    prefix: str
    form: Form
    members: dict[int, Table] = field(default_factory=dict)
    """By the position of their suffix."""
    invalid: list[str] = field(default_factory=list)
    """Names that have the form, and are not on the calendar."""

    @property
    def names(self) -> Iterator[str]:
        yield from (table.name for table in self.members.values())

    @property
    def bare(self) -> str:
        """The prefix without the schema."""
        return self.prefix.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class _Known:
    shapes: Mapping[str, _Shape]
    """Of every table, by its name."""
    rules: FoldingRules


def fold(tables: Sequence[Table], rules: FoldingRules = FoldingRules()) -> Folded:
    """Find the families. The order of the tables makes no difference; each is in exactly one unit afterwards.

    Tables make a family if they have one prefix and suffixes of one form, and
    - they are at least 3, numbered ones at least 4 without a gap from 0 or 1, years at least half of those from first to last; one is
      enough for days behind a prefix of Google Analytics 4, or behind one that extends the prefix of a family (`events_intraday_`);
    - nothing that looks like them is off the calendar: of years and months nothing, of days at most as many as are on it;
    - no table is called like the prefix alone: it would be the original, and they its backups;
    - their schemas are of one kind: at most half as many schemas as tables (2 at least), because real shards keep a schema for a while,
      and more than half of the columns of the smaller of two schemas are in the other one too. Those that stand apart are left out as
      tables of their own; if they are half of all or more, there is no family.
    Views and whatever else is no table never belong to one: a wildcard that matches them fails. A prefix has one family at most, of the
    form that most of its tables have.
    """
    candidates = sorted(_candidates(tables), key=_importance)
    known = _Known(_shapes(tables), rules)
    found: dict[str, _Candidate] = {}
    claimed: set[str] = set()
    for candidate in candidates:
        if candidate.prefix in found or not claimed.isdisjoint(candidate.names):
            continue
        family = _admitted(candidate, known, found.values())
        if family:
            found[family.prefix] = family
            claimed.update(family.names)
    rest = tuple(sorted((table for table in tables if table.name not in claimed), key=lambda table: table.name))
    return Folded(rest, tuple(sorted(_families(found, known, rest), key=lambda family: family.name)))


def _candidates(tables: Iterable[Table]) -> Collection[_Candidate]:
    found: dict[tuple[str, str], _Candidate] = {}
    for table in tables:
        if table.kind is not TableKind.TABLE:
            continue
        for reading in readings(table.name):
            key = reading.prefix, reading.form.name
            candidate = found.setdefault(key, _Candidate(reading.prefix, reading.form))
            if reading.position is None:
                candidate.invalid.append(table.name)
            else:
                candidate.members[reading.position] = table
    return found.values()


def _importance(candidate: _Candidate) -> tuple[bool, int, int, str]:
    """Whoever comes first takes its tables. An extended prefix needs the family that it extends to be there before it."""
    return candidate.bare not in _GA4, -len(candidate.members), FORMS.index(candidate.form), candidate.prefix


def _admitted(candidate: _Candidate, known: _Known, found: Iterable[_Candidate]) -> _Candidate | None:
    if not candidate.members or _any_match(candidate.prefix, known.rules.forbid):
        return None
    if _any_match(candidate.prefix, known.rules.force):
        return candidate
    if candidate.prefix.rstrip("_-$") in known.shapes or not _on_the_calendar(candidate) or not _dense(candidate):
        return None
    alike = _of_one_kind(candidate, known)
    return alike if len(alike.members) >= _fewest(candidate, found) else None


def _any_match(prefix: str, globs: Iterable[str]) -> bool:
    return any(fnmatchcase(prefix, glob) for glob in globs)


def _on_the_calendar(candidate: _Candidate) -> bool:
    return len(candidate.invalid) <= (len(candidate.members) if candidate.form.daily else 0)


def _dense(candidate: _Candidate) -> bool:
    first, last, many = min(candidate.members), max(candidate.members), len(candidate.members)
    if not candidate.form.dated:
        return first in (0, 1) and last - first + 1 == many
    return candidate.form.name != "YYYY" or 2 * many >= last - first + 1


def _fewest(candidate: _Candidate, found: Iterable[_Candidate]) -> int:
    if not candidate.form.dated:
        return _FEW_NUMBERED
    if not candidate.form.daily:
        return _FEW
    extends = any(candidate.prefix.startswith(each.prefix) and each.form is candidate.form for each in found)
    return 1 if extends or candidate.bare in _GA4 else _FEW


def _of_one_kind(candidate: _Candidate, known: _Known) -> _Candidate:
    """Without those whose schema stands apart; without any if too many schemas are too different."""
    shapes = Counter(known.shapes[name] for name in candidate.names)
    many = shapes.total()
    if len(shapes) > max(2, many // 2):
        return replace(candidate, members={})
    kin = max(_clusters(shapes), key=lambda cluster: sum(shapes[shape] for shape in cluster))
    members = {at: table for at, table in candidate.members.items() if known.shapes[table.name] in kin}
    return replace(candidate, members=members if 2 * len(members) > many else {})


def _clusters(shapes: Iterable[_Shape]) -> list[set[_Shape]]:
    """Shapes together with all that are alike, and with all that are alike to those."""
    clusters: list[set[_Shape]] = []
    for shape in shapes:
        near = [cluster for cluster in clusters if any(map(shape.is_alike, cluster))]
        clusters = [cluster for cluster in clusters if cluster not in near] + [{shape}.union(*near)]
    return clusters


def _shapes(tables: Iterable[Table]) -> dict[str, _Shape]:
    """Name of a table -> its shape. Most shards have the columns of the one before, and are not written out again."""
    shapes: dict[str, _Shape] = {}
    columns: tuple[Column, ...] = ()
    shape = _Shape.of(columns)
    for table in sorted(tables, key=lambda table: table.name):
        if table.kind is TableKind.TABLE:
            if table.columns != columns:
                columns, shape = table.columns, _Shape.of(table.columns)
            shapes[table.name] = shape
    return shapes


def _families(found: Mapping[str, _Candidate], known: _Known, rest: Iterable[Table]) -> Iterator[Family]:
    families = [_family(candidate, known) for candidate in found.values()]
    units = [(family.prefix, family.name) for family in families] + [(table.name, table.name) for table in rest]
    for family in families:
        matched = sorted(name for start, name in units if start.startswith(family.prefix) and start != family.prefix)
        yield replace(family, also_matched=tuple(matched))


def _family(candidate: _Candidate, known: _Known) -> Family:
    form, members = candidate.form, candidate.members
    newest = max(members)
    holders: dict[_Shape, list[int]] = defaultdict(list)
    for at in sorted(members):
        holders[known.shapes[members[at].name]].append(at)
    versions = tuple(
        Version(ranges(form, held), members[held[-1]].columns, members[held[-1]].comment)
        for held in sorted(holders.values(), key=lambda held: (held[-1] == newest, held))
    )
    return Family(candidate.prefix, form.name, ranges(form, members), versions, members[newest])
