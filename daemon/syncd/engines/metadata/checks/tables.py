"""Which tables and families of a catalog a name in FROM means."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from syncd.engines.metadata.checks.blocks import Path
from syncd.engines.metadata.checks.catalog import Catalog, Unit
from syncd.kit.text import did_you_mean

_DATED = re.compile(r"(\d{4})[-_]?(\d\d)[-_]?(\d\d)(\d\d)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Found:
    units: tuple[Unit, ...]
    pattern: str = ""
    """With a wildcard: the name as it was written, without the project."""
    problem: str = ""


def look_up(path: Path, catalog: Catalog) -> Found:
    """Every unit that a name means: one for a table or a shard, any number for a wildcard. `problem` if there is none."""
    parts = _parts(path, catalog)
    name = ".".join(parts)
    if catalog.dialect == "bigquery":
        stranger = len(parts) > 2 and parts[0] != catalog.project and catalog.project  # noqa: PLR2004
        name = ".".join(parts[-2:])
        if stranger:
            return Found((), problem=f"there is no project {parts[0]}; expected {catalog.project}")
    if name.endswith("*"):
        return _wildcard(name, catalog)
    units = tuple(unit for unit in catalog.units.values() if _is_named(unit, name, catalog))
    return Found(units, problem="" if units else _missing(name, catalog))


def _parts(path: Path, catalog: Catalog) -> tuple[str, ...]:
    if catalog.dialect == "oracle":
        return tuple(step if quoted else step.upper() for step, quoted in zip(path.steps, path.quoted, strict=False))
    return tuple(".".join(path.steps).split("."))


def _wildcard(name: str, catalog: Catalog) -> Found:
    if catalog.dialect != "bigquery":
        return Found((), problem=f"{catalog.dialect} has no wildcard for tables, found {name}; name one shard, or list several")
    start = name[:-1]
    units = tuple(unit for unit in catalog.units.values() if any(_may_begin(each, start) for each in _spans(unit)))
    return Found(units, name, "" if units else f"the wildcard {name} matches no table{did_you_mean(name, catalog.units)}")


def _spans(unit: Unit) -> Iterator[tuple[str, str]]:
    """First and last name of each run of tables."""
    if not unit.prefix:
        yield unit.name, unit.name
    yield from ((f"{unit.prefix}{first}", f"{unit.prefix}{last}") for first, last in unit.suffixes)


def _may_begin(span: tuple[str, str], start: str) -> bool:
    first, last = span
    size = len(start)
    return size <= len(last) and first[:size] <= start <= last[:size]


def _is_named(unit: Unit, name: str, catalog: Catalog) -> bool:
    if catalog.dialect == "bigquery":
        return is_shard(unit, name) if unit.prefix else unit.name == name
    own, given = (unit.prefix or unit.name), name
    if catalog.dialect == "duckdb":
        own, given = own.lower(), given.lower()
        given = ".".join(given.split(".")[-2:])
    if "." not in given:
        own = own.rpartition(".")[2]
    return is_shard(unit, name, own, given) if unit.prefix else own == given


def is_shard(unit: Unit, name: str, prefix: str = "", given: str = "") -> bool:
    """A name is one of a family, and there is such a shard."""
    prefix, given = prefix or unit.prefix, given or name
    suffix = given.removeprefix(prefix)
    return suffix != given and _is_date_or_no_date(suffix) and any(_within(suffix, first, last) for first, last in unit.suffixes)


def _within(suffix: str, first: str, last: str) -> bool:
    if len(first) != len(last) and all(each.isdecimal() for each in (suffix, first, last)):
        return int(first) <= int(suffix) <= int(last) and (not suffix.startswith("0") or suffix == first)
    return len(suffix) == len(first) and first <= suffix <= last


def _is_date_or_no_date(suffix: str) -> bool:
    match = _DATED.fullmatch(suffix)
    if match is None:
        return True
    try:
        date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        return False
    return True


def _missing(name: str, catalog: Catalog) -> str:
    family = next((unit for unit in catalog.units.values() if unit.prefix and name.startswith(unit.prefix)), None)
    if family is not None:
        ranges = ", ".join(f"{first} to {last}" for first, last in family.suffixes[-3:])
        return f"there is no table {name}; the shards of {family.name} are {ranges}"
    if "." not in name and any(unit.rpartition(".")[2] == name for unit in catalog.units):
        meant = next(unit for unit in catalog.units if unit.rpartition(".")[2] == name)
        return f"there is no table {name} without its dataset; write {meant}"
    known = {**catalog.units, **{unit.rpartition(".")[2]: None for unit in catalog.units if "." not in name}}
    return f"there is no table {name}{did_you_mean(name, known)}"
