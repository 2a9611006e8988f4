"""What a content can do without, from the first to the last. Pure.

1. Insights, the longest first: what goes beyond 240 characters of each.
2. Shapes of values.
3. Comments of columns, those of the deepest fields first, table by table.
4. Examples, as long as a table has more than one of its own: of those with the most first, the last of each first.
5. Descriptions of tables.
6. What is left of the insights.
7. Whole tables with their examples, those with the fewest first; never the last one.

At each of these, tables of events come behind all others. An example belongs to the first table that its query names.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from syncd.engines.metadata.cache import Cache
from syncd.engines.metadata.mentions import Names

_SHORT = 240


class What(Enum):
    LONG_INSIGHT = "shortened the insight of {unit}"
    SHAPES = "dropped the shapes of values of {unit}"
    COMMENTS = "dropped comments of columns of {unit}"
    EXAMPLE = "dropped {count} example{s} of {unit}"
    DESCRIPTION = "dropped the description of {unit}"
    INSIGHT = "dropped the insight of {unit}"
    UNIT = "dropped {unit} as a whole"


@dataclass(frozen=True, slots=True)
class Step:
    what: What
    unit: str
    number: int = 0
    """Of comments the depth, of an example its place among all."""


def steps(cache: Cache) -> list[Step]:
    """All that can be left out, in order."""
    names, events = Names(cache.schema), frozenset(cache.events_tables)
    units = sorted({*cache.schema, *cache.schema_insights}, key=lambda unit: (unit in events, unit))
    owned: dict[str, list[int]] = defaultdict(list)
    for place, example in enumerate(cache.examples):
        owned[names.first(example.sql)].append(place)
    insights = sorted(cache.schema_insights, key=lambda unit: (unit in events, -len(cache.schema_insights[unit]), unit))
    tables = sorted(cache.schema, key=lambda unit: (unit in events, len(owned[unit]), unit))
    return [
        *(Step(What.LONG_INSIGHT, unit) for unit in insights if len(cache.schema_insights[unit]) > _SHORT),
        *(Step(What.SHAPES, unit) for unit in units if cache.schema.get(unit, {}).get("shapes")),
        *_comments(cache.schema, units),
        *_surplus(owned, events),
        *(Step(What.DESCRIPTION, unit) for unit in units if cache.schema.get(unit, {}).get("description")),
        *(Step(What.INSIGHT, unit) for unit in insights),
        *(Step(What.UNIT, unit) for unit in tables[:-1]),
    ]


def _comments(schema: Mapping[str, Mapping[str, object]], units: Sequence[str]) -> Iterator[Step]:
    depths = {unit: {path.count(".") for path in _paths(schema.get(unit, {}))} for unit in units}
    for depth in sorted(set().union(*depths.values()), reverse=True):
        yield from (Step(What.COMMENTS, unit, depth) for unit in units if depth in depths[unit])


def _paths(record: Mapping[str, object]) -> Iterable[str]:
    comments = record.get("comments")
    return map(str, comments) if isinstance(comments, Mapping) else ()


def _surplus(owned: Mapping[str, Sequence[int]], events: frozenset[str]) -> Iterator[Step]:
    """Beyond the first of each table; all of those that name no table that is known."""
    ranked = (
        (unit in events, -rank, unit, place) for unit, places in owned.items() for rank, place in enumerate(places) if rank > 0 or not unit
    )
    yield from (Step(What.EXAMPLE, unit, place) for _, _, unit, place in sorted(ranked))


def without(cache: Cache, left: Iterable[Step]) -> Cache:
    """The content without some of it."""
    gone: dict[What, set[tuple[str, int]]] = defaultdict(set)
    for step in left:
        gone[step.what].add((step.unit, step.number))
    units = {unit for unit, _ in gone[What.UNIT]}
    names, places = Names(cache.schema), {place for _, place in gone[What.EXAMPLE]}
    return replace(
        cache,
        schema={unit: _record(unit, record, gone) for unit, record in cache.schema.items() if unit not in units},
        examples=tuple(
            example
            for place, example in enumerate(cache.examples)
            if place not in places and not (units and units & names.used(example.sql))
        ),
        events_tables=tuple(unit for unit in cache.events_tables if unit not in units),
        schema_insights={
            unit: _shortened(text) if (unit, 0) in gone[What.LONG_INSIGHT] else text
            for unit, text in cache.schema_insights.items()
            if unit not in units and (unit, 0) not in gone[What.INSIGHT]
        },
    )


def _record(unit: str, record: Mapping[str, object], gone: Mapping[What, set[tuple[str, int]]]) -> Mapping[str, object]:
    keys = {"shapes": What.SHAPES, "description": What.DESCRIPTION}
    kept = {key: value for key, value in record.items() if key not in keys or (unit, 0) not in gone[keys[key]]}
    comments = record.get("comments")
    if isinstance(comments, Mapping):
        kept["comments"] = {path: text for path, text in comments.items() if (unit, str(path).count(".")) not in gone[What.COMMENTS]}
    return kept if kept.get("comments", True) else {key: value for key, value in kept.items() if key != "comments"}


def _shortened(text: str) -> str:
    """Up to the end of a sentence if there is one, else of a word."""
    head = text[:_SHORT]
    sentence = max(head.rfind(mark) for mark in (". ", "; ", "。", "\n"))
    if sentence > _SHORT // 3:
        return head[: sentence + 1].rstrip()
    return f"{head.rpartition(' ')[0] or head[:-1]}…"


def told(left: Iterable[Step]) -> tuple[str, ...]:
    """For people, one line for each kind and table."""
    counts = Counter((step.what, step.unit) for step in left)
    return tuple(
        what.value.format(unit=unit or "tables that are not described", count=count, s="" if count == 1 else "s")
        for (what, unit), count in counts.items()
    )
