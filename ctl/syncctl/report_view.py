"""What a run found: any JSON, laid out as sections, facts and tables."""

import json
from collections.abc import Iterator, Mapping, Sequence

from syncctl.view import Block, Cell, Column, Facts, Heading, Line, Span, Table, pieces, quiet

CAP = 50
"""Rows of one list that are shown; the rest is counted."""
_STYLES = {"problem": "bad", "warning": "warn", "note": "quiet"}


def blocks(value: object, indent: int = 0) -> Iterator[Block]:
    """A value of any shape: plain members first, then a section for each member that holds more."""
    if isinstance(value, Mapping):
        yield from _mapping(value, indent)
    elif isinstance(value, list):
        yield from _list(value, indent)
    else:
        yield Line(scalar(value), indent)


def _mapping(members: Mapping[str, object], indent: int) -> Iterator[Block]:
    plain = [(_title(name, indent), _short(value)) for name, value in members.items() if _is_short(value)]
    if plain:
        yield Facts(plain, indent)
    for name, value in members.items():
        if not _is_short(value):
            yield Heading(_title(name, indent), indent)
            yield from blocks(value, indent + 2)


def _list(items: Sequence[object], indent: int) -> Iterator[Block]:
    shown = items[:CAP]
    if all(isinstance(item, Mapping) and all(map(_is_short, item.values())) for item in shown):
        yield _table([item for item in shown if isinstance(item, Mapping)], indent)
    else:
        for item in shown:
            yield from ([Line(_short(item), indent)] if _is_short(item) else blocks(item, indent))
    if len(items) > CAP:
        yield Line(quiet(f"and {len(items) - CAP:,} more: all of them with -o json"), indent)


def _table(rows: Sequence[Mapping[str, object]], indent: int) -> Table:
    names = list(dict.fromkeys(name for row in rows for name in row))
    right = [all(_is_number(row.get(name, 0)) for row in rows) for name in names]
    columns = [Column(name, right=number) for name, number in zip(names, right, strict=True)]
    return Table(columns, [[_short(row[name]) if name in row else "" for name in names] for row in rows], indent)


def scalar(value: object) -> Cell:
    """A plain value as it is: nothing is rounded, and an id gets no separators."""
    match value:
        case None:
            return quiet("null")
        case bool():
            return "yes" if value else "no"
        case str() if not value or value != value.strip():
            return json.dumps(value, ensure_ascii=False)  # what cannot be seen otherwise
        case str():
            return Span(value, _STYLES.get(value, ""))
        case _:
            return str(value)


def flattened(value: object, path: str = "") -> list[tuple[str, Cell]]:
    """Settings and the like: `source.connection` on the left, the value on the right."""
    if isinstance(value, Mapping) and value:
        return [row for name, member in value.items() for row in flattened(member, f"{path}.{name}" if path else str(name))]
    return [(path, _short(value) if _is_short(value) else json.dumps(value, ensure_ascii=False))]


def pairs(members: Mapping[str, str], between: str) -> str:
    return "\n".join(f"{name}{between}{value}" for name, value in members.items())


def severities(value: object) -> Iterator[str]:
    """The severity of every finding, wherever it stands."""
    if isinstance(value, Mapping):
        if isinstance(severity := value.get("severity"), str):
            yield severity
        for member in value.values():
            yield from severities(member)
    elif isinstance(value, list):
        for item in value:
            yield from severities(item)


def _title(name: str, indent: int) -> str:
    """Words for the names that an engine chose; deeper down they may be names of columns and stay as they are."""
    return name if indent else name.replace("_", " ")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_short(value: object) -> bool:
    """Fits beside a name: no mapping, and no list but a small one of plain values."""
    if isinstance(value, Mapping):
        return not value
    return not isinstance(value, list) or not any(isinstance(item, Mapping | list) for item in value)


def _short(value: object) -> Cell:
    if isinstance(value, Mapping):
        return quiet("none")
    if not isinstance(value, list):
        return scalar(value)
    if not value:
        return quiet("none")
    more = [quiet(f", and {len(value) - CAP:,} more")] if len(value) > CAP else []
    spans = [piece for item in value[:CAP] for piece in (", ", *pieces(scalar(item)))][1:]
    return (*spans, *more)
