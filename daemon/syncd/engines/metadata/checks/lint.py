"""L4: traps that every analyser accepts. Rules are pure; the ones about wildcards are for BigQuery alone, which alone has them.

`events_*` also matches `events_intraday_*` and `events_fresh_*`, and letters sort behind digits: a lower bound alone counts events twice.
"""

import re
from collections.abc import Iterator, Sequence

from syncd.engines.metadata.checks.blocks import Block, Node, Query, Reference
from syncd.engines.metadata.checks.catalog import Catalog, Unit
from syncd.engines.metadata.checks.dependencies import touched_by, used
from syncd.engines.metadata.checks.lexing import Kind, Token
from syncd.engines.metadata.checks.names import aggregates
from syncd.engines.metadata.checks.scopes import Bound, Source, cte
from syncd.engines.metadata.checks.suffixes import SUFFIX, Comparison, comparisons, is_bounded
from syncd.engines.metadata.checks.verdict import Complaint, Level

_MONTH = 6
"""Digits from which on a wildcard is a bound by itself: `events_202501*`."""
_DATES = re.compile(r"(CURRENT_)?(DATE|DATETIME|TIMESTAMP)(_ADD|_SUB|_TRUNC|_BUCKET)?|PARSE_(DATE|DATETIME|TIMESTAMP)|LAST_DAY|INT64")
_DIGITS_ONLY = re.compile(r"\\d|\[0-9\]")


def lint(sql: str, catalog: Catalog, bytes_read: int | None = None, cap: int | None = None) -> tuple[Complaint, ...]:
    """What speaks against showing a query to somebody as a good example, each once. Empty if nothing does.

    `bytes_read` is what it would read, where the warehouse has told; `cap` what it may, if anybody minds.
    """
    bound = Bound(sql, catalog)
    found = [*_results(bound), *_conflicts(bound)]
    for block in bound.blocks:
        found += _stars(block, bound)
        wildcards = [source for source in bound.sources(block) if source.pattern] if catalog.dialect == "bigquery" else []
        for source in wildcards:
            found += _suffixes(block, source)
    if bytes_read is not None and cap is not None and bytes_read > cap:
        found.append(("too_many_bytes", f"it would read {bytes_read:,} bytes; expected at most {cap:,}"))
    return tuple(dict.fromkeys(Complaint(Level.LINTED, f"lint.{code}", message) for code, message in found))


def _suffixes(block: Block, source: Source) -> Iterator[tuple[str, str]]:
    compared = [each for each in comparisons(block) if each.qualifier in {"", source.alias}]
    for each in compared:
        yield from _not_text(each, source)
        yield from _out_of_reach(each, source)
    bounded = is_bounded(block, source.alias) or any(len(_rest(unit, source)) >= _MONTH for unit in source.units)
    if not bounded:
        hint = f"write {SUFFIX} BETWEEN '…' AND '…' with digits on both sides"
        yield "unbounded_suffix", f"{source.pattern} reads shards without end: {hint}"
    others = _others(source)
    mixed = any(not text[:1].isdecimal() for each in compared if each.operator in {"=", "IN", "BETWEEN"} for text in each.texts)
    if others and ((not bounded and not _excludes(block)) or (mixed and _digits(compared))):
        yield "mixed_families", f"{source.pattern} also matches {', '.join(others)}: their events are counted twice; read them apart"


def _rest(unit: Unit, source: Source) -> str:
    """What the wildcard says of the suffix itself."""
    start = source.pattern[:-1]
    return start[len(unit.prefix) :] if unit.prefix and start.startswith(unit.prefix) else ""


def _others(source: Source) -> list[str]:
    """What the wildcard matches beside the first family."""
    start = source.pattern[:-1]
    named = {name for unit in source.units for name in unit.also_matched if name.startswith(start)}
    prefixes = sorted((unit.prefix or unit.name for unit in source.units), key=len)
    return sorted(named | {f"{prefix}*" for prefix in prefixes[1:]})


def _excludes(block: Block) -> bool:
    """Other families are kept out by word: `NOT LIKE 'intraday%'`, or a pattern of digits."""
    where = block.clause("WHERE")
    texts = [item.text for item in _tokens(where) if item.kind is Kind.STRING]
    words = {item.word for item in _tokens(where)}
    by_pattern = "REGEXP_CONTAINS" in words and any(_DIGITS_ONLY.search(text) for text in texts)
    return SUFFIX in words and (by_pattern or ("LIKE" in words and "NOT" in words and any(text[:1].isalpha() for text in texts)))


def _tokens(items: Sequence[Node]) -> Iterator[Token]:
    for item in items:
        if isinstance(item, Token):
            yield item
        else:
            yield from _tokens(item.items)


def _digits(compared: list[Comparison]) -> bool:
    return any(text[:1].isdecimal() for each in compared for text in each.texts)


def _not_text(compared: Comparison, source: Source) -> Iterator[tuple[str, str]]:
    for operand in compared.operands:
        first = operand[0] if operand else None
        if not isinstance(first, Token):
            continue
        if first.kind is Kind.NUMBER:
            yield "suffix_not_text", f"{SUFFIX} is text; put {first.text} in quotes"
        elif first.kind is Kind.WORD and _DATES.fullmatch(first.word):
            yield "suffix_not_text", f"{SUFFIX} is text; use FORMAT_DATE('%Y%m%d', …) instead of {first.text}"
        elif first.kind is Kind.STRING and "-" in first.text and not any("-" in end for unit in source.units for end, _ in unit.suffixes):
            yield "suffix_not_text", f"the suffixes of {source.pattern} have no dashes, as '{first.text}' has"


def _out_of_reach(compared: Comparison, source: Source) -> Iterator[tuple[str, str]]:
    """With `events_2*` the suffix begins behind the 2."""
    families = [unit for unit in source.units if unit.suffixes and _rest(unit, source)]
    for unit in families[:1]:
        rest, longest = _rest(unit, source), max(len(last) for _, last in unit.suffixes)
        for text in compared.texts:
            if text.isdecimal() and len(rest) + len(text) > longest:
                yield (
                    "suffix_out_of_reach",
                    f"no suffix of {source.pattern} is '{text}': what the wildcard says already, {rest}, is not in it",
                )


def _stars(block: Block, bound: Bound) -> Iterator[tuple[str, str]]:
    for output in block.outputs:
        if output.path is not None and output.path.star and not block.query.only_asked_for:
            of = bound.keys(output.path)
            tables = [unit.name for source in bound.sources(block) if not of or of[0] == source.alias for unit in source.units]
            if tables:
                yield "select_star", f"SELECT * reads every column of {tables[0]}; name those that are needed"


def _conflicts(bound: Bound) -> Iterator[tuple[str, str]]:
    wide = {unit.name: unit for block in bound.blocks for source in bound.sources(block) if source.pattern for unit in source.units}
    needed = used(bound) if any(unit.conflicting for unit in wide.values()) else frozenset()
    for unit in wide.values():
        for path in sorted(unit.conflicting):
            if touched_by(needed, unit.name, [path]):
                yield "shard_conflict", f"{path} of {unit.name} has not the same type in all shards; a query over them fails"


def _results(bound: Bound) -> Iterator[tuple[str, str]]:
    if bound.query.blocks and not _Size(bound).is_small(bound.query):
        yield "unbounded_result", "neither LIMIT nor an aggregate keeps the result small; add a LIMIT"


class _Size:
    """Tells whether results stay small however many rows there are; each query is looked at once."""

    def __init__(self, bound: Bound) -> None:
        self._bound = bound
        self._known: dict[int, bool] = {}

    def is_small(self, query: Query) -> bool:
        if id(query) not in self._known:
            self._known[id(query)] = False  # for a query that reads itself
            limited = any(name in {"LIMIT", "FETCH"} for block in query.blocks[-1:] for name, _ in block.clauses)
            self._known[id(query)] = limited or all(self._of_block(block) for block in query.blocks)
        return self._known[id(query)]

    def _of_block(self, block: Block) -> bool:
        if block.clause("GROUP") or any(aggregates(output.items) for output in block.outputs):
            return True
        if any(item.word == "ROWNUM" for item in _tokens(block.clause("WHERE"))):
            return True
        return all(self._of_reference(each, block) for each in block.references)

    def _of_reference(self, reference: Reference, block: Block) -> bool:
        if reference.query is not None:
            return self.is_small(reference.query)
        if reference.call is not None or reference.path is None:
            return reference.listed is None
        keys = self._bound.keys(reference.path)
        found = cte(keys, block.query, self._bound)
        return keys == ("DUAL",) or (found is not None and self.is_small(found[0]))
