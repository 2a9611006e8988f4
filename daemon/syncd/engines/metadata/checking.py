"""The ladder over the warehouse of one run."""

from collections.abc import Sequence
from dataclasses import dataclass

from syncd.engines.metadata.assembling import Terms, assembled
from syncd.engines.metadata.checks.available import analysers_for
from syncd.engines.metadata.checks.ladder import Ladder
from syncd.engines.metadata.checks.verdict import Verdict
from syncd.engines.metadata.rendering import written
from syncd.engines.metadata.warehouse import Warehouse
from syncd.engines.metadata.work import Work
from syncd.ports.models import Usage


@dataclass(frozen=True, slots=True)
class Checker:
    work: Work
    warehouse: Warehouse

    async def check(self, queries: Sequence[str]) -> Sequence[Verdict]:
        """A verdict for each query."""
        if not queries:
            return ()
        catalog = self.warehouse.catalog
        analysers = analysers_for(catalog, self.work.context.folder / "analysers")
        return await Ladder(catalog, self.work.reader, analysers, self.work.settings.examples.most_bytes).check(queries)

    def estimate(self, tasks: int) -> dict[str, object]:
        """What asking about so many tables takes at most, without repairs: tokens, and dollars where prices are known."""
        settings, model = self.work.settings, self.work.model
        text = written(assembled({}, self.warehouse, Terms("", settings.token_budget, self.work.counter))[0]).decode()
        once, answers = self.work.counter.count(text), tasks * settings.examples.answer_tokens
        usage = Usage(output=answers, kept=once, reused=once * max(0, tasks - 1))
        told: dict[str, object] = {"requests": tasks, "tokens_read": once * tasks, "tokens_written_at_most": answers}
        return told | ({"dollars_at_most": round(model.prices.of(usage), 4)} if model and model.prices else {"dollars_at_most": "unknown"})
