"""The ways to run a metadata sync."""

from collections.abc import Awaitable, Callable, Mapping

from syncd.engines.metadata import telling
from syncd.engines.metadata.checking import Checker
from syncd.engines.metadata.due import Due, due
from syncd.engines.metadata.looking import look
from syncd.engines.metadata.refreshing import refresh
from syncd.engines.metadata.remaking import Wanted
from syncd.engines.metadata.restoring import restore
from syncd.engines.metadata.tasks import Asked, planned
from syncd.engines.metadata.work import Work
from syncd.ports.running import Mode, Progress, Report


async def _check(work: Work) -> Report:
    """Publish what has changed, and do what is due by the clock. Costs next to nothing if there is neither."""
    standing = work.standing
    if standing.pinned:
        warning = f"the snapshot {standing.pinned} was restored and holds; `syncctl metadata refresh` goes on from the warehouse as it is"
        work.context.tell(Progress(doing="holding a snapshot", warnings=(warning,)))
        await work.seen()
        return Report({"pinned": standing.pinned})
    what = due(work.settings.refresh, work.began, standing.moment("refreshed_at"), standing.moment("full_at"))
    if what is Due.NOTHING and standing.generation and await _unchanged(work):
        await work.seen()
        return Report()
    return await refresh(work, Wanted(full=what is Due.FULL, complete=what is not Due.NOTHING))


async def _unchanged(work: Work) -> bool:
    """Neither the warehouse nor the published object has been written since they were looked at, told without looking into them."""
    stamp = await work.reader.stamp()
    if not stamp or stamp != work.standing.stamp:
        return False
    found = await work.publisher.store.stat(work.publisher.object)
    return found is not None and found.generation == work.standing.generation


async def _refresh(work: Work) -> Report:
    parameters = work.context.run.parameters
    tables = tuple(name for name in parameters.get("table", "").split(",") if name)
    full, shrink = (parameters.get(name) == "true" for name in ("full", "allow_shrink"))
    return await refresh(work, Wanted(full, tables, complete=not tables, allow_shrink=shrink))


async def _plan(work: Work) -> Report:
    """Tell what a refresh would make, and what the model would be asked."""
    seen = await look(work)
    before = await work.publisher.current()
    known = before.sidecar.units if before.sidecar else {}
    full = work.context.run.parameters.get("full") == "true"
    asked = Asked(full=full, complete=True, model=work.model is not None)
    plan = planned(known, seen.warehouse, work.settings.examples.per_table, asked)
    tasks = [task for task in plan.tasks.values() if task]
    findings = {**telling.plan_told(plan), "tables_to_make": len(tasks), "examples_to_make": sum(task.wanted for task in tasks)}
    if work.model is not None and tasks:
        findings["estimate"] = Checker(work, seen.warehouse).estimate(len(tasks))
    return Report(findings)


async def _verify(work: Work) -> Report:
    """Tell whether what is published is as the warehouse is, and whether its examples are still good."""
    seen = await look(work, everything=True)
    before = await work.publisher.current()
    if before.sidecar is None:
        return Report({"published": before.stored is not None, "bookkeeping": False}, drifted=True)
    plan = planned(before.sidecar.units, seen.warehouse, 0, Asked())
    kept = [each for state in before.sidecar.units.values() for each in state.examples]
    verdicts = await Checker(work, seen.warehouse).check([each.sql for each in kept])
    bad = {each.question: verdict.complaints[0].message for each, verdict in zip(kept, verdicts, strict=True) if not verdict.good}
    findings = {"tables": len(before.sidecar.units), "examples": len(kept), **telling.changes_told(plan.changes)}
    return Report(findings | ({"bad_examples": bad} if bad else {}), drifted=bool(plan.changes or bad))


RUN: Mapping[str, Callable[[Work], Awaitable[Report]]] = {
    "check": _check,
    "refresh": _refresh,
    "restore": restore,
    "plan": _plan,
    "verify": _verify,
}

_FULL = "`true`: everything anew"

MODES = {
    "check": Mode("publish what has changed in the warehouse, and what is due by the clock", writes=True),
    "refresh": Mode(
        "make what is missing or has changed, tell of new shards, and publish",
        writes=True,
        parameters={
            "table": "make these tables, shards or families anew; separated by commas",
            "full": _FULL,
            "allow_shrink": "`true`: publish also what has lost most tables, or all examples",
        },
    ),
    "restore": Mode("publish a snapshot again", writes=True, parameters={"snapshot": "its id"}),
    "plan": Mode("tell what a refresh would make, and what it may cost", writes=False, parameters={"full": _FULL}),
    "verify": Mode("tell whether what is published is as the warehouse is, and its examples are good", writes=False),
}
