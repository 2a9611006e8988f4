"""A refresh: look, find out what has changed, make what is missing, publish, write down where the sync stands."""

from syncd.engines.metadata import spending
from syncd.engines.metadata.asking import asking
from syncd.engines.metadata.checking import Checker
from syncd.engines.metadata.committing import Outcome, commit
from syncd.engines.metadata.looking import look
from syncd.engines.metadata.remaking import Remaking, Wanted
from syncd.engines.metadata.sidecar import Sidecar
from syncd.engines.metadata.spending import Purse, Spent
from syncd.engines.metadata.tasks import Plan
from syncd.engines.metadata.work import Work
from syncd.ports.running import Report


async def refresh(work: Work, wanted: Wanted) -> Report:
    """Bring what is published up to date; what need not be written is not. Raises `ShrinkRefused`."""
    seen = await look(work, everything=wanted.full)
    purse = await _purse(work)
    checker = Checker(work, seen.warehouse)
    one = Remaking(work, wanted, seen, checker, asking(work, purse, seen.warehouse, checker.check) if purse else None)
    work.say("comparing with what is published")
    done = await work.publisher.publish(one.make)
    outcome = Outcome(
        look=seen,
        plan=one.first or Plan(),
        made=one.made.values(),
        sidecar=one.sidecar or Sidecar(),
        method=one.method,
        written=done,
        cost=purse.total(work.context.run.id) if purse else Spent(),
        full=wanted.full,
        complete=wanted.complete,
    )
    return await commit(work, outcome)


async def _purse(work: Work) -> Purse | None:
    if work.model is None:
        return None
    day = spending.today(work.began, work.settings.refresh.timezone)
    return Purse.opened(await work.context.documents.get(spending.COSTS + day), day, work.model, work.settings.spending)
