"""Asking a model for the examples and the insight of one table after the other, each answer checked before it counts."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import structlog

from syncd.engines.metadata import answers, prompting
from syncd.engines.metadata.assembling import Terms, assembled
from syncd.engines.metadata.cache import Example
from syncd.engines.metadata.checks.verdict import Verdict
from syncd.engines.metadata.rendering import written
from syncd.engines.metadata.sidecar import MODEL, Kept
from syncd.engines.metadata.spending import Purse
from syncd.engines.metadata.tasks import Task
from syncd.engines.metadata.warehouse import Warehouse
from syncd.engines.metadata.work import Work
from syncd.ports.models import Attempt, Prompt, TextModel

log = structlog.get_logger()

_HOPELESS = frozenset({"connection.credentials", "model.unreachable", "model.overloaded", "model.limited"})
"""What will be the same for the next table: nobody is asked any more in this run."""

Check = Callable[[Sequence[str]], Awaitable[Sequence[Verdict]]]


@dataclass(frozen=True, slots=True)
class Made:
    """What somebody has made for one unit: checked examples, and how many were no good."""

    insight: str = ""
    examples: tuple[Kept, ...] = ()
    rejected: Mapping[str, int] = field(default_factory=dict)
    problem: str = ""
    """Why it is not what was asked for."""


@dataclass(slots=True)
class Asking:
    """Of one run. `persist` writes the purse down; what was spent is never forgotten."""

    model: TextModel
    purse: Purse
    check: Check
    count: Callable[[str], int]
    """Tokens of a text, where the service does not count."""
    persist: Callable[[], Awaitable[None]]
    brief: prompting.Brief
    run: str
    now: str
    gate: asyncio.Semaphore
    hopeless: str = ""

    async def made(self, task: Task, shapes: Mapping[str, Sequence[str]]) -> Made:
        """Ask for what a task wants; what is no good goes back once with what the checks say, and is dropped then."""
        async with self.gate:
            prompt = self.brief.prompt(task.unit, task.wanted, shapes, [kept.example for kept in task.keep])
            value, problem = await self._answer(task.unit, prompt)
            if value is None:
                return Made(problem=problem)
            found = answers.candidates(value)
            good, bad = await self._checked(found.examples)
            rejected = Counter(code for _, verdict in bad for code in _codes(verdict))
            if bad and len(good) < task.wanted:
                again = self.brief.repair(prompt, task.wanted - len(good), [(example, _words(verdict)) for example, verdict in bad])
                value, problem = await self._answer(task.unit, again)
                mended, unmended = await self._checked(answers.candidates(value).examples if value else ())
                good = [*good, *mended]
                rejected.update(code for _, verdict in unmended for code in _codes(verdict))
            missing = task.wanted - len(good)
            lacking = problem or f"{len(bad)} of the model's examples did not pass the checks"
            return Made(found.insight, tuple(good[: task.wanted]), dict(rejected), lacking if missing > 0 else "")

    async def _checked(self, examples: Sequence[Example]) -> tuple[list[Kept], list[tuple[Example, Verdict]]]:
        verdicts = await self.check([example.sql for example in examples]) if examples else ()
        judged = list(zip(examples, verdicts, strict=True))
        good = [Kept.of(example, verdict, MODEL, self.now, self.model.name) for example, verdict in judged if verdict.good]
        return good, [(example, verdict) for example, verdict in judged if not verdict.good]

    async def _answer(self, unit: str, prompt: Prompt) -> tuple[Mapping[str, Any] | None, str]:
        """The answer, or why there is none. What it costs is set aside before, and written down after."""
        if self.hopeless:
            return None, self.hopeless
        tokens = await self._tokens(prompt)
        if refusal := self.purse.reserve(tokens, prompt.longest):
            self.hopeless = f"metadata.cap: {refusal}"
            return None, self.hopeless
        attempts: tuple[Attempt, ...] = ()
        try:
            reply = await self.model.ask(prompt)
            attempts = reply.attempts
        finally:
            self.purse.spend(self.run, unit, (tokens, prompt.longest), attempts)
        await self.persist()
        if reply.failure is None:
            return reply.value, ""
        problem = f"{reply.failure.code}: {reply.failure.message}"
        log.warning("model gave no answer that counts", table=unit, code=reply.failure.code, error=reply.failure.message)
        if reply.failure.code in _HOPELESS:
            self.hopeless = problem
        return None, problem

    async def _tokens(self, prompt: Prompt) -> int:
        counted = await self.model.count(prompt) if self.purse.is_capped else None
        return counted if counted is not None else self.count("\n".join([*prompt.stable, prompt.task]))


def _codes(verdict: Verdict) -> list[str]:
    return [complaint.code for complaint in verdict.complaints[:1]]


def _words(verdict: Verdict) -> str:
    return "; ".join(complaint.message for complaint in verdict.complaints)


def asking(work: Work, purse: Purse, warehouse: Warehouse, check: Check) -> Asking | None:
    """Who asks in a run; None if there is no model. All prompts begin with the same description of the warehouse, without any time."""
    if work.model is None:
        return None
    text = written(assembled({}, warehouse, Terms("", work.settings.token_budget, work.counter))[0]).decode()
    examples = work.settings.examples

    async def persist() -> None:
        name, costs = purse.document
        await work.write(replace(work.standing, last_run=work.context.run.id, last_day=purse.day), documents={name: costs})

    return Asking(
        work.model,
        purse,
        check,
        work.counter.count,
        persist,
        prompting.Brief(warehouse.catalog.dialect, text, warehouse.records, examples.answer_tokens),
        work.context.run.id,
        work.began.isoformat(timespec="seconds"),
        asyncio.Semaphore(examples.at_once),
    )
