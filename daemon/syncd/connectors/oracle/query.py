"""A scan in Oracle's words: one ordered statement, whose rows stream from the first to the last."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from syncd.connectors.oracle.dictionary import Described
from syncd.connectors.oracle.moments import earlier
from syncd.connectors.oracle.sessions import Statement
from syncd.connectors.oracle.types import HERE, VERSION, Carrier
from syncd.domain.errors import SourceMismatch
from syncd.domain.scan import GONE, UNFIT, Position, Scan, Since
from syncd.kit.sql import Clause, Term, all_of, behind, up_to

_MOST_LISTED = 1000
"""Expressions in one list (ORA-01795)."""


class Query:
    """Statements for one scan of a relation, and what its batches become."""

    def __init__(self, described: Described, scan: Scan) -> None:
        self._described = described
        self._scan = scan
        self._names = scan.columns or described.table.names
        self._carriers = [self._carried(name) for name in self._names]
        self._terms = [self._term(name) for name in scan.order]

    @property
    def holds_lobs(self) -> bool:
        return any(carrier.lob for carrier in self._carriers)

    @property
    def schema(self) -> pa.Schema:
        """What the driver is asked for: the columns, the deletion predicate, and why a row is unfit."""
        fields = [pa.field(name, carrier.fetched) for name, carrier in zip(self._names, self._carriers, strict=True)]
        gone = [pa.field(GONE, pa.int64())] if self._scan.gone else []
        return pa.schema([*fields, *gone, *([pa.field(UNFIT, pa.string())] if self._unfit else [])])

    def rows(self) -> Statement:
        """All rows of the scan, in its order."""
        selected = [carrier.select for carrier in self._carriers]
        if self._scan.gone:
            selected.append(f"CASE WHEN (\n{self._scan.gone}\n) THEN 1 ELSE 0 END")
        if unfit := self._unfit:
            selected.append(unfit[0] if len(unfit) == 1 else f"COALESCE({', '.join(unfit)})")
        places = [term.column + (" NULLS FIRST" if term.nullable else "") for term in self._terms]
        source, where = self._source(), self._where()
        return _numbered(f"SELECT {', '.join(selected)} FROM {source.text} WHERE {where.text} ORDER BY {', '.join(places)}", source, where)

    def count(self) -> Statement:
        source, where = self._source(), self._where()
        return _numbered(f"SELECT COUNT(*) FROM {source.text} WHERE {where.text}", source, where)

    def at_least(self, rows: int) -> Statement:
        """Rows of the scan, counted no further than so many."""
        source, where = self._source(), self._where()
        text = f"SELECT COUNT(*) FROM (SELECT 1 FROM {source.text} WHERE ({where.text}) AND ROWNUM <= {rows})"
        return _numbered(text, source, where)

    def cuts(self, parts: int) -> Statement:
        """The last row of each of so many equal parts of the scan but the last; columns as in `order`, which is the scan's."""
        source = self._source()
        where = all_of([self._where(), *(Clause(f"{term.column} IS NOT NULL") for term in self._terms if term.nullable)])
        aliases = [f"k{n}" for n in range(len(self._terms))]
        keys = ", ".join(f"{term.column} AS {alias}" for term, alias in zip(self._terms, aliases, strict=True))
        order = ", ".join(term.column for term in self._terms)
        places = f"ROW_NUMBER() OVER (ORDER BY {order}) AS place, COUNT(*) OVER () AS total"
        inner = f"SELECT {keys}, {places} FROM {source.text} WHERE {where.text}"
        selected = ", ".join(self._carried(name).select_of(alias) for name, alias in zip(self._scan.order, aliases, strict=True))
        behind_a_part = f"MOD(place, CEIL(total / {parts})) = 0 AND place < total"
        return _numbered(f"SELECT {selected} FROM ({inner}) WHERE {behind_a_part} ORDER BY place", source, where)

    def finished(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """A batch as the source promises it, made of what the driver has yielded."""
        columns, names = batch.columns[: len(self._names)], list(self._names)
        finished = [carrier.finish(each) if carrier.finish else each for carrier, each in zip(self._carriers, columns, strict=True)]
        if self._scan.gone:
            finished.append(pc.equal(batch.column(GONE), 1))
            names.append(GONE)
        if self._unfit and batch.column(UNFIT).null_count < batch.num_rows:
            finished.append(batch.column(UNFIT))
            names.append(UNFIT)
        return pa.RecordBatch.from_arrays(finished, names=names)

    @property
    def _unfit(self) -> list[str]:
        return [carrier.unfit for carrier in self._carriers if carrier.unfit]

    def _source(self) -> Clause:
        scan, source = self._scan, self._described.source
        if scan.relation.removed:
            first = scan.since.value if scan.since else "0"
            return Clause(f"{source} VERSIONS BETWEEN SCN {HERE} AND {HERE}", (int(first), int(scan.moment)))
        if scan.moment and self._described.name:
            return Clause(f"{source} AS OF SCN {HERE}", (int(scan.moment),))
        return Clause(source)

    def _where(self) -> Clause:
        scan, terms = self._scan, self._terms
        return all_of(
            [
                *([Clause("VERSIONS_OPERATION = 'D'")] if scan.relation.removed else []),
                *([self._since(scan.since)] if scan.since else []),
                *([behind(terms, self._bound(scan.after))] if scan.after else []),
                *([up_to(terms, self._bound(scan.until))] if scan.until else []),
                *([self._among(scan.keys)] if scan.keys is not None else []),
            ]
        )

    def _since(self, since: Since) -> Clause:
        carrier = self._carried(since.column)
        value = earlier(since.value, since.lookback) if carrier.moment and since.lookback else since.value
        return Clause(f"{carrier.column} >= {carrier.bound}", (self._value(carrier, since.column, value),))

    def _among(self, keys: Sequence[Position]) -> Clause:
        """Text that is no value of the key's type is the key of no row."""
        carriers = [self._carried(name) for name in self._scan.key]
        for name, carrier in zip(self._scan.key, carriers, strict=True):
            self._comparable(carrier, name)
        wanted = [values for key in keys if (values := _values(carriers, key)) is not None]
        columns = ", ".join(carrier.column for carrier in carriers)
        one = f"({', '.join(carrier.bound for carrier in carriers)})"
        clauses = []
        for start in range(0, len(wanted), _MOST_LISTED):
            listed = wanted[start : start + _MOST_LISTED]
            text = f"({columns}) IN ({', '.join([one] * len(listed))})"
            clauses.append(Clause(text, tuple(value for values in listed for value in values)))
        if not clauses:
            return Clause("1 = 0")
        return Clause(" OR ".join(clause.text for clause in clauses), tuple(value for clause in clauses for value in clause.values))

    def _bound(self, position: Position) -> list[object]:
        pairs = zip(self._scan.order, position, strict=True)
        return [None if text is None else self._value(self._carried(name), name, text) for name, text in pairs]

    def _value(self, carrier: Carrier, name: str, text: str) -> object:
        self._comparable(carrier, name)
        try:
            return carrier.value(text)
        except ValueError as error:
            raise SourceMismatch(f"column '{name}' of '{self._described.table.name}' is compared with {error}") from error

    def _comparable(self, carrier: Carrier, name: str) -> None:
        if not carrier.bound:
            column = self._described.table.column(name)
            kind = column.type if column else "this type"
            raise SourceMismatch(f"column '{name}' of type {kind} cannot be a key or a watermark", hint="choose another column")

    def _carried(self, name: str) -> Carrier:
        carrier = self._described.carrier(name)
        if carrier.obstacle:
            raise SourceMismatch(f"column '{name}' of '{self._described.table.name}' cannot be read", hint=carrier.obstacle)
        if name == VERSION and self._scan.relation.removed:
            return carrier.renamed("VERSIONS_STARTSCN")
        return carrier

    def _term(self, name: str) -> Term:
        carrier = self._carried(name)
        self._comparable(carrier, name)
        column = self._described.table.column(name)
        return Term(carrier.column, carrier.bound, nullable=name != VERSION and (column is None or column.nullable))


def _values(carriers: Sequence[Carrier], key: Position) -> list[object] | None:
    if None in key:
        return None
    try:
        return [carrier.value(text or "") for carrier, text in zip(carriers, key, strict=True)]
    except ValueError:
        return None


def _numbered(text: str, *clauses: Clause) -> Statement:
    """A statement whose places of values are numbered in the order of their occurrence, which is that of the clauses."""
    first, *rest = text.split(HERE)
    numbered = first + "".join(f":{number}{part}" for number, part in enumerate(rest, 1))
    return Statement(numbered, tuple(value for clause in clauses for value in clause.values))
