"""What dated shards cost a prompt: one record for a family, against the usual ways to write a schema down."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from syncd.domain.schema import Column, Table
from syncd.engines.metadata.cache import Cache
from syncd.engines.metadata.folding.folding import FoldingRules
from syncd.engines.metadata.rendering import written
from syncd.engines.metadata.templates import insight_for, templates_for
from syncd.engines.metadata.tokens import counter
from syncd.engines.metadata.warehouse import Warehouse
from tests.bench import claude2, ga4
from tests.bench.report import Report

SHARDS = (13, 30, 90, 400, 800)
_SCHEMA = "analytics"
_EXAMPLES = 20
_FAMILY = 1_400
_GROWTH = 10
_SAVED = 0.999
_NO_RULE_FOLDS = FoldingRules(forbid=("*",))

Count = Callable[[Sequence[str]], Sequence[int]]


@dataclass(frozen=True, slots=True)
class _Form:
    """A way to write the schema of a table down, and the tokens that our notes of the first measurement have for it."""

    name: str
    write: Callable[[Table], object]
    indent: int | None
    noted: str


def _fields(columns: Sequence[Column]) -> list[dict[str, object]]:
    """As the API of BigQuery answers."""
    return [
        {
            "name": each.name,
            "type": each.type,
            "mode": "REPEATED" if each.repeated else "NULLABLE",
            **({"fields": _fields(each.fields)} if each.fields else {}),
        }
        for each in columns
    ]


def _paths(table: Table) -> Mapping[str, str]:
    return {path: leaf.type for column in table.columns for path, leaf in column.leaves()}


_FORMS = (
    _Form("nested JSON, indented by 2", lambda table: _fields(table.columns), 2, "Claude 2 7,182, o200k 7,010"),
    _Form("nested JSON, compact", lambda table: _fields(table.columns), None, "Claude 2 4,097, o200k 3,950"),
    _Form("path -> type, compact", _paths, None, "Claude 2 2,758, o200k 2,024"),
)


def measure(report: Report) -> None:
    """With the counter of the repository, and with that of Claude 2 if it can be had."""
    own = counter()
    _measured(report, own.name, lambda texts: [own.count(text) for text in texts])
    try:
        _measured(report, "Claude 2", claude2.tokens)
    except claude2.CannotCount as problem:
        report.line("Claude 2", f"not counted: {problem}")


def _measured(report: Report, measure_name: str, count: Count) -> None:
    one = ga4.shards(_SCHEMA, 1)[0]
    unfolded = dict(zip(_FORMS, count([_json({one.name: form.write(one)}, form.indent) for form in _FORMS]), strict=True))
    families = dict(zip(SHARDS, count([family(shards) for shards in SHARDS]), strict=True))
    report.line(f"[{measure_name}] one shard, 185 fields", "tokens", "noted before")
    for form, tokens in unfolded.items():
        report.line(f"  {form.name}", f"{tokens:,}", form.noted)
    report.line("a family of", "tokens", *(f"all, {form.name}" for form in _FORMS))
    for shards, tokens in families.items():
        saved = [f"{shards * each:,} (saved {1 - tokens / (shards * each):.3%})" for each in unfolded.values()]
        report.line(f"  {shards} shards", f"{tokens:,}", *saved)
    _bars(report, families, 400 * unfolded[_FORMS[0]])
    _files(report, count)


def _bars(report: Report, families: Mapping[int, int], unfolded: int) -> None:
    most, growth, saved = max(families.values()), families[800] - families[400], 1 - families[400] / unfolded
    report.bar("  the largest of them", f"{most:,}", f"≤ {_FAMILY:,}", kept=most <= _FAMILY)
    report.bar("  from 400 to 800 shards", f"{growth:+}", f"≤ +{_GROWTH}", kept=growth <= _GROWTH)
    report.bar("  saved of 400 shards", f"{saved:.3%}", f"≥ {_SAVED:.1%}", kept=saved >= _SAVED)


def _files(report: Report, count: Count) -> None:
    """Of the file as readers get it, and of one with a table of its own for each shard, written in the same short form."""
    report.line(f"the file, {_EXAMPLES} examples, 15 other tables", "tokens", "shards unfolded, same form")
    for shards in SHARDS:
        folded, unfolded = count([file(shards, FoldingRules()), file(shards, _NO_RULE_FOLDS)])
        report.line(f"  {shards} shards", f"{folded:,}", f"{unfolded:,} (saved {1 - folded / unfolded:.1%})")


def family(shards: int) -> str:
    """All that the file says of a family: its record, its insight, and that it holds events."""
    return _file(Warehouse.of(ga4.shards(_SCHEMA, shards), FoldingRules(), "bigquery"), examples=0)


def file(shards: int, rules: FoldingRules) -> str:
    return _file(Warehouse.of([*ga4.shards(_SCHEMA, shards), *ga4.others(_SCHEMA)], rules, "bigquery"), _EXAMPLES)


def _file(warehouse: Warehouse, examples: int) -> str:
    made = chain.from_iterable(templates_for(unit, "bigquery")[:3] for unit in warehouse.units.values())
    cache = Cache(
        "2026-11-18T12:00:00+00:00",
        "deterministic",
        warehouse.records,
        tuple(islice(made, examples)),
        tuple(unit.name for unit in warehouse.catalog.units.values() if unit.events),
        {name: insight_for(unit) for name, unit in warehouse.units.items()},
    )
    return written(cache).decode()


def _json(value: object, indent: int | None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent, separators=None if indent else (",", ":"))
