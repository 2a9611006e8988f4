"""The ladder: each query is looked at by one check after the other, the cheapest first, until one has something against it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from syncd.engines.metadata.checks.analysers import Analyser
from syncd.engines.metadata.checks.catalog import Catalog
from syncd.engines.metadata.checks.dependencies import uses
from syncd.engines.metadata.checks.lint import lint
from syncd.engines.metadata.checks.names import unknown_names
from syncd.engines.metadata.checks.statements import one_query
from syncd.engines.metadata.checks.verdict import Complaint, Level, Verdict
from syncd.kit.threads import in_thread
from syncd.ports.warehouse import Examined, SchemaReader


@dataclass(frozen=True, slots=True)
class Ladder:
    """Of one warehouse as it is now. What the warehouse itself thinks counts; where it cannot tell, the first analyser that can."""

    catalog: Catalog
    reader: SchemaReader
    analysers: Sequence[Analyser] = ()
    most_bytes: int | None = None
    """What a query may read, where the warehouse can tell."""

    async def check(self, queries: Sequence[str]) -> Sequence[Verdict]:
        """A verdict for each query, in their order. Raises `SourceUnavailable` if the warehouse cannot be asked; never for a bad query."""
        verdicts = await in_thread(lambda: [self._read(query) for query in queries])
        worth = [number for number, verdict in enumerate(verdicts) if not verdict.complaints]
        examined = await self.reader.examine([queries[number] for number in worth]) if worth else ()
        for number, seen in zip(worth, examined, strict=True):
            verdicts[number] = self._examined(verdicts[number], seen)
        for analyser in self.analysers:
            open_ones = [number for number in worth if Level.ANALYSED not in verdicts[number].passed and not verdicts[number].complaints]
            for number, opinion in zip(open_ones, await analyser.analyse([queries[number] for number in open_ones]), strict=True):
                if opinion is not None:
                    verdicts[number] = _analysed(verdicts[number], opinion, analyser.name)
        costs = dict(zip(worth, (seen.bytes for seen in examined), strict=True))
        return await in_thread(
            lambda: [
                self._linted(query, verdict, costs.get(number))
                for number, (query, verdict) in enumerate(zip(queries, verdicts, strict=True))
            ]
        )

    def _read(self, query: str) -> Verdict:
        """What can be told from the text and the catalog alone."""
        if complaints := one_query(query, self.catalog.dialect):
            return Verdict(frozenset(), complaints)
        if complaints := unknown_names(query, self.catalog):
            return Verdict(frozenset({Level.STATEMENT}), complaints)
        return Verdict(frozenset({Level.STATEMENT, Level.NAMES}), uses=uses(query, self.catalog))

    def _examined(self, verdict: Verdict, seen: Examined) -> Verdict:
        name = self.catalog.dialect
        passed = verdict.passed | ({Level.ANALYSED} if seen.analysed else set()) | ({Level.RAN} if seen.ran else set())
        if seen.problem:
            failed = Level.RAN if seen.analysed else Level.ANALYSED
            complaint = Complaint(failed, "sql.failed" if seen.analysed else "sql.rejected", seen.problem)
            return replace(verdict, passed=frozenset(passed - {failed}), complaints=(complaint,), by=(name,))
        return replace(verdict, passed=frozenset(passed), by=(name,) if seen.analysed or seen.ran else verdict.by)

    def _linted(self, query: str, verdict: Verdict, cost: int | None) -> Verdict:
        if Level.STATEMENT not in verdict.passed:
            return verdict
        complaints = lint(query, self.catalog, cost, self.most_bytes)
        if complaints:
            return replace(verdict, complaints=(*verdict.complaints, *complaints))
        return replace(verdict, passed=verdict.passed | {Level.LINTED})


def _analysed(verdict: Verdict, opinion: str, name: str) -> Verdict:
    if opinion:
        complaint = Complaint(Level.ANALYSED, "sql.rejected", opinion)
        return replace(verdict, complaints=(complaint,), by=(*verdict.by, name))
    return replace(verdict, passed=verdict.passed | {Level.ANALYSED}, by=(*verdict.by, name))
