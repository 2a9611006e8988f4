"""What the names of a query mean: blocks bound to the units of a catalog."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain

from syncd.domain.schema import Column
from syncd.engines.metadata.checks.blocks import INDEX, Block, Group, Mention, Path, Query, Reference
from syncd.engines.metadata.checks.catalog import Catalog, Unit
from syncd.engines.metadata.checks.lexing import Kind
from syncd.engines.metadata.checks.parsing import parsed
from syncd.engines.metadata.checks.tables import look_up
from syncd.engines.metadata.checks.verdict import Use
from syncd.engines.metadata.checks.vocabulary import PSEUDO
from syncd.kit.text import did_you_mean

_SCALAR = re.compile(
    r"(STRING|BYTES|U?(TINY|SMALL|BIG|HUGE)?INT(EGER|\d+)?|FLOAT\d*|DOUBLE|REAL|NUM(ERIC|BER)|DEC(IMAL)?|BIG(NUMERIC|DECIMAL)|BOOL(EAN)?"
    r"|DATE|DATETIME|TIME(STAMP)?|N?(VAR)?CHAR2?|VARCHAR2|NVARCHAR2|TEXT|UUID|BLOB|CLOB|RAW)\b(?!.*[\[(<].*[\])>]\s*\[)"
)


@dataclass(frozen=True, slots=True)
class Field:
    """What a name stands for."""

    column: Column | None = None
    """None where nobody here knows."""
    uses: tuple[Use, ...] = ()
    """Where it comes from, unless a query in between has counted that."""
    listed: bool = False
    """It holds a list, of which an element must be taken first."""


@dataclass(slots=True, eq=False)
class Source:
    """A reference of FROM, looked up."""

    alias: str
    fields: Mapping[str, Field] | None
    """By their keys; None where nobody here knows them."""
    units: tuple[Unit, ...] = ()
    pattern: str = ""
    """Where it may read several shards: the wildcard, without the project; of DuckDB `query_table`."""
    listed: tuple[Use, ...] = ()
    """Of an UNNEST: the lists it takes apart."""
    value: Field = field(default_factory=Field)
    """Of an UNNEST: what the alias alone means."""
    parts: tuple[str, ...] = ()
    problem: str = ""
    code: str = "sql.unknown_table"


@dataclass(frozen=True, slots=True)
class Meaning:
    fields: tuple[Field, ...] = ()
    problem: str = ""
    through: tuple[Source, ...] = ()


class Bound:
    """A query and a catalog together."""

    def __init__(self, sql: str, catalog: Catalog) -> None:
        self.catalog = catalog
        self.query = parsed(sql, catalog.dialect)
        self.blocks = tuple(self.query.every_block())
        self._sources: dict[int, tuple[Source, ...]] = {}
        self._outputs: dict[int, Mapping[str, Field] | None] = {}

    def key(self, name: str, *, quoted: bool = False) -> str:
        """Equal for names that mean the same column."""
        if self.catalog.dialect == "oracle":
            return name if quoted else name.upper()
        return name.lower()

    def keys(self, path: Path) -> tuple[str, ...]:
        return tuple(step if step == INDEX else self.key(step, quoted=quoted) for step, quoted in zip(path.steps, path.quoted, strict=True))

    def sources(self, block: Block) -> tuple[Source, ...]:
        if id(block) not in self._sources:
            self._sources[id(block)] = ()
            for reference in block.references:
                self._sources[id(block)] += (self._source(reference, block),)
        return self._sources[id(block)]

    def aliases(self, block: Block) -> frozenset[str]:
        """Names that the results have beyond those that columns had before."""
        return frozenset(self.key(output.alias) for output in block.outputs if output.alias and len(output.items) > 1)

    def meaning(self, mention: Mention, block: Block) -> Meaning:
        """Look a name up, from its own SELECT outwards. A problem is told only where no doubt is left."""
        steps = self.keys(mention.path)
        found: list[Field] = []
        problems: list[str] = []
        through: list[Source] = []
        unsure = mention.doubtful
        for scope in scopes(block):
            sources = self.sources(scope)
            for meaning, source in self._candidates(steps, mention.path, sources):
                found += meaning.fields
                problems += [meaning.problem] if meaning.problem else []
                through.append(source)
            blind = scope.opaque or any(source.fields is None for source in sources)
            named = steps[0] in {self.key(name) for name in scope.names} or self._sees_alias(steps[0], mention, scope, block)
            unsure = unsure or blind or named
            if (found or problems) and not blind:
                break
        if found or unsure:
            return Meaning(tuple(found), "", tuple(through))
        return Meaning((), problems[0] if problems else self._unknown(mention.path, block))

    def _sees_alias(self, key: str, mention: Mention, scope: Block, block: Block) -> bool:
        """BigQuery and Oracle know the names of the results only once they are made."""
        early = scope is block and mention.clause in {"WHERE", "FROM", "SELECT"} and self.catalog.dialect != "duckdb"
        return not early and (key in self.aliases(scope) or (mention.clause == "ORDER" and self._in_first(key, scope)))

    def _in_first(self, key: str, scope: Block) -> bool:
        outputs = self.outputs(scope.query)
        return outputs is None or key in outputs

    def _candidates(self, steps: tuple[str, ...], path: Path, sources: tuple[Source, ...]) -> Iterator[tuple[Meaning, Source]]:
        for source in sources:
            qualified = _qualified(steps, source)
            whole = Field(source.value.column, source.value.uses or _whole(source))
            if qualified and len(steps) == qualified:
                yield Meaning((whole,)), source
            elif qualified and steps[qualified] == INDEX:
                yield Meaning((Field(None, whole.uses),)), source
            elif qualified and source.fields is None:
                yield Meaning((Field(),)), source
            elif qualified and source.fields is not None:
                start = source.fields.get(steps[qualified])
                if start is None:
                    known = f"{path.steps[0]} has no column {path.steps[qualified]}{did_you_mean(steps[qualified], source.fields)}"
                    yield Meaning((), known), source
                else:
                    yield self._followed(start, steps[qualified + 1 :], path), source
            if source.fields is not None and steps[0] in source.fields and not (qualified and len(steps) > qualified):
                yield self._followed(source.fields[steps[0]], steps[1:], path), source

    def _followed(self, start: Field, steps: tuple[str, ...], path: Path) -> Meaning:
        column, uses, listed = start.column, start.uses, start.listed
        for step in steps:
            if column is None:
                break
            if step == INDEX:
                column, listed = (column, False) if listed else (None, False)
                continue
            if listed:
                return Meaning((), f"{path.shown}: {column.name} is a list; take its elements with UNNEST")
            inner = next((each for each in column.fields if self.key(each.name, quoted=True) == step), None)
            if inner is None and (column.fields or _SCALAR.match(column.type.upper())):
                known = did_you_mean(step, [each.name for each in column.fields])
                return Meaning((), f"{path.shown}: {column.name} has no field {step}{known}")
            column, uses = inner, tuple(Use(use.unit, f"{use.path}.{inner.name}") for use in uses) if inner else uses
            listed = inner is not None and inner.repeated
        return Meaning((Field(column, uses, listed),))

    def _unknown(self, path: Path, block: Block) -> str:
        sources = [source for scope in scopes(block) for source in self.sources(scope)]
        known = {*chain.from_iterable(source.fields or () for source in sources), *(source.alias for source in sources)} - {""}
        what = "table or column" if len(path.steps) > 1 else "column"
        return f"there is no {what} {path.steps[0]} here{did_you_mean(self.key(path.steps[0]), sorted(known))}"

    def outputs(self, query: Query) -> Mapping[str, Field] | None:
        """The columns of a result; None where nobody here knows them, also while they are being found out."""
        if id(query) not in self._outputs:
            self._outputs[id(query)] = None
            if query.blocks:
                self._outputs[id(query)] = self._outputs_of(query.blocks[0])
        return self._outputs[id(query)]

    def _outputs_of(self, block: Block) -> Mapping[str, Field] | None:
        if block.opaque or any(item.word == "AS" for item in block.clause("SELECT")[:1]):
            return None
        found: dict[str, Field] = {}
        for output in block.outputs:
            if output.path is not None and output.path.star:
                inner = self._starred(output.path, block)
                if inner is None:
                    return None
                found |= inner
            elif output.alias:
                meaning = self.meaning(Mention(output.path, "SELECT", doubtful=True), block) if output.path else Meaning()
                first = meaning.fields[0] if len(meaning.fields) == 1 else Field()
                found[self.key(output.alias)] = Field(first.column, (), first.listed)
        return found

    def _starred(self, path: Path, block: Block) -> Mapping[str, Field] | None:
        found: dict[str, Field] = {}
        for source in self.sources(block):
            if path.steps and source.alias != self.key(path.steps[0]):
                continue
            if source.fields is None:
                return None
            found |= {key: Field(each.column, (), each.listed) for key, each in source.fields.items()}
        return found if found or not path.steps else None

    def _source(self, reference: Reference, block: Block) -> Source:
        alias = self.key(reference.alias)
        if reference.query is not None:
            return Source(alias, self._renamed(self.outputs(reference.query), reference))
        if reference.call is not None:
            return self._called(reference, alias, block)
        path = reference.path
        if path is None:
            return Source(alias, None)
        keys = self.keys(path)
        named_query = cte(keys, block.query, self)
        if named_query is not None:
            query, columns = named_query
            named = Reference(columns=reference.columns or columns)
            return Source(alias or keys[-1], self._renamed(self.outputs(query), named))
        if len(keys) > 1 and any(keys[0] == source.alias for scope in scopes(block) for source in self.sources(scope)):
            return self._unnested(path, alias or keys[-1], block)
        return self._table(path, alias, reference)

    def _table(self, path: Path, alias: str, reference: Reference) -> Source:
        parts = tuple(self.key(part) for step in path.steps for part in step.split("."))
        if "information_schema" in {part.lower() for part in parts} or parts == ("DUAL",):
            return Source(alias or parts[-1], {} if parts == ("DUAL",) else None)
        found = look_up(path, self.catalog)
        problem = f"{path.shown}* needs quotes: `{path.shown}*`" if reference.unbacked else found.problem
        source = Source(alias or parts[-1], self._columns(found.units), found.units, found.pattern, parts=() if alias else parts)
        if not found.units:
            source.fields = None
        elif self.catalog.dialect == "bigquery":
            suffix = tuple(Use(unit.name, "_TABLE_SUFFIX") for unit in found.units)
            added = {name.lower(): Field() for name in PSEUDO - {"_TABLE_SUFFIX"}}
            source.fields = {**(source.fields or {}), **added, **({"_table_suffix": Field(None, suffix)} if found.pattern else {})}
        source.fields = self._renamed(source.fields, reference)
        source.problem = problem
        return source

    def _columns(self, units: tuple[Unit, ...]) -> dict[str, Field]:
        fields: dict[str, Field] = {}
        for unit in units:
            for column in unit.columns:
                key = self.key(column.name, quoted=True)
                before = fields.get(key, Field())
                fields[key] = Field(column, (*before.uses, Use(unit.name, column.name)), column.repeated)
        return fields

    def _called(self, reference: Reference, alias: str, block: Block) -> Source:
        name = reference.path.steps[-1].upper() if reference.path is not None else ""
        if name == "UNNEST" and reference.listed is not None:
            source = self._unnested(reference.listed, alias, block)
            if reference.columns:
                source.fields = {self.key(reference.columns[0]): source.value}
            return source
        if name == "QUERY_TABLE" and reference.call is not None:
            return self._query_table(reference.call, alias)
        return Source(alias, None if name != "UNNEST" or alias == "" else {}, value=Field())

    def _query_table(self, call: Group, alias: str) -> Source:
        names = list(_strings(call))
        found = [look_up(Path(tuple(name.split(".")), (True,) * len(name.split(".")), 0), self.catalog) for name in names]
        units = tuple({unit.name: unit for each in found for unit in each.units}.values())
        problem = next((each.problem for each in found if each.problem), "")
        several = "query_table" if len(names) > 1 else ""
        return Source(alias or "query_table", self._columns(units) if units else None, units, several, problem=problem)

    def _unnested(self, path: Path, alias: str, block: Block) -> Source:
        meaning = self.meaning(Mention(path, "FROM"), block)
        element = meaning.fields[0] if meaning.fields else Field()
        column = element.column
        if meaning.problem:
            return Source(alias, None, problem=meaning.problem, code="sql.unknown_column")
        if column is None:
            return Source(alias, None)
        uses = tuple(use for each in meaning.fields for use in each.uses)
        problem = ""
        if not element.listed and (column.fields or (_SCALAR.match(column.type.upper()) and "[" not in column.type)):
            problem = f"UNNEST expects a list, but {path.shown} is {column.type}"
        inner = {
            self.key(each.name, quoted=True): Field(each, tuple(Use(use.unit, f"{use.path}.{each.name}") for use in uses), each.repeated)
            for each in column.fields
        }
        value = Field(column, uses)
        if self.catalog.dialect == "duckdb":
            inner |= {"unnest": value, **({alias: value} if alias else {})}
        return Source(alias, inner, listed=uses, value=value, problem=problem, code="sql.rejected")

    def _renamed(self, fields: Mapping[str, Field] | None, reference: Reference) -> Mapping[str, Field] | None:
        if not reference.columns:
            return fields
        if fields is None or len(fields) < len(reference.columns):
            return {self.key(name): Field() for name in reference.columns}
        return dict(zip([self.key(name) for name in reference.columns], fields.values(), strict=False))


def scopes(block: Block) -> Iterator[Block]:
    """The block, and those that it stands in."""
    current: Block | None = block
    while current is not None:
        yield current
        current = current.query.outer


def _qualified(steps: tuple[str, ...], source: Source) -> int:
    """How many steps name the source itself."""
    if source.alias and steps[0] == source.alias:
        return 1
    sizes = range(len(source.parts), 1, -1)
    return next((size for size in sizes if steps[:size] == source.parts[-size:]), 0)


def _whole(source: Source) -> tuple[Use, ...]:
    """Every column, as a row has them all."""
    return tuple(use for each in (source.fields or {}).values() for use in each.uses if use.path != "_TABLE_SUFFIX")


def cte(keys: tuple[str, ...], query: Query | None, bound: Bound) -> tuple[Query, tuple[str, ...]] | None:
    while query is not None and len(keys) == 1:
        for name, found in query.ctes.items():
            if bound.key(name) == keys[0]:
                return found
        query = query.above
    return None


def _strings(group: Group) -> Iterator[str]:
    for item in group.items:
        if isinstance(item, Group):
            yield from _strings(item)
        elif item.kind in (Kind.STRING, Kind.QUOTED):
            yield item.text
