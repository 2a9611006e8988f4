"""The ways to run a clients sync."""

import time
from collections.abc import Awaitable, Callable, Mapping

from syncd.engines.clients.planning import diffs
from syncd.engines.clients.syncing import sync
from syncd.engines.clients.telling import conflicts_told, decisions_told, losses_told
from syncd.engines.clients.work import Turn, Work, asked_back, asked_in
from syncd.ports.running import Mode, Report


async def _sync(work: Work) -> Report:
    return await sync(work, Turn())


async def _rollback(work: Work) -> Report:
    return await sync(work, await asked_back(work))


async def _import(work: Work) -> Report:
    return await sync(work, asked_in(work, time.time()))


async def _plan(work: Work) -> Report:
    """Tell what a run would do now."""
    picture = await work.picture(Turn())
    return Report(
        {
            "files": [{"side": each.side, "path": each.path, "diff": each.text} for each in diffs(picture.plans)],
            "decisions": decisions_told(picture.outcome.decisions),
            "conflicts": conflicts_told(picture),
            "losses": losses_told(picture.plans),
            "waiting": {look.name: list(look.problems) for look in picture.looks if look.problems},
            "stopped": {each.look.name: each.problem for each in picture.plans if each.problem},
        }
    )


async def _verify(work: Work) -> Report:
    """Tell which sides are not as the unified model says; conflicts, and what a side cannot hold, are no drift."""
    picture = await work.picture(Turn())
    differing = {
        each.look.name: sorted(str(name) for scope in each.scopes for name in scope.wanted) for each in picture.plans if each.changes
    }
    unsaid = sorted(str(key) for key in picture.outcome.authors)
    waiting = {look.name: list(look.problems) for look in picture.looks if look.problems}
    findings: dict[str, object] = {"entries": len(picture.outcome.model)}
    findings |= {"differing": differing} if differing else {}
    findings |= {"not_taken_over": unsaid} if unsaid else {}
    findings |= {"waiting": waiting} if waiting else {}
    return Report(findings, drifted=bool(differing or unsaid or waiting))


RUN: Mapping[str, Callable[[Work], Awaitable[Report]]] = {
    "sync": _sync,
    "plan": _plan,
    "verify": _verify,
    "rollback": _rollback,
    "import": _import,
}

MODES = {
    "sync": Mode("merge what the sides say and bring all of them to it", writes=True),
    "plan": Mode("tell what a sync would change", writes=False),
    "verify": Mode("tell which sides are not as the unified model says", writes=False),
    "rollback": Mode(
        "bring an old version back",
        writes=True,
        parameters={"version": "its number", "side": "only to this side", "key": "only this entry, as a JSON list of scope, kind and name"},
    ),
    "import": Mode("take over an exported model", writes=True, parameters={"content": "what was exported"}),
}
