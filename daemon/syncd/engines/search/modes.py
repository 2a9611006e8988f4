"""The ways to run a search sync."""

from collections.abc import Awaitable, Callable

from syncd.engines.search.asking import doctor, explain, plan
from syncd.engines.search.full import full
from syncd.engines.search.incremental import incremental
from syncd.engines.search.replacing import replace_index, roll_back
from syncd.engines.search.retrying import retry
from syncd.engines.search.verifying import verify
from syncd.engines.search.work import Work
from syncd.ports.running import Mode, Report

_SHRINK = {"allow_shrink": "true: delete however much the source no longer has"}
_DRIFT = {"accept_drift": "true: go on with changed source columns although the settings say to halt"}

MODES = {
    "full": Mode(
        "send every row, delete what the source does not have",
        writes=True,
        parameters={
            "replace": "true: build a new index beside the live one and swap them",
            "rollback": "true: put back the index that the last replace kept",
            **_SHRINK,
            **_DRIFT,
        },
    ),
    "incremental": Mode("send what changed since the last run", writes=True, parameters={**_SHRINK, **_DRIFT}),
    "verify": Mode(
        "compare keys and contents of source and index",
        writes=False,
        writes_if="repair",
        alone=True,
        parameters={"repair": "true: mend what differs"},
    ),
    "retry": Mode("look at dead letters again", writes=True),
    "plan": Mode("tell what a run would do", writes=False, parameters={"mode": "full: ask about a full run"}),
    "explain": Mode("tell everything about one row", writes=False, parameters={"key": "the row's key as a JSON array"}),
    "doctor": Mode("look for what will not work", writes=False, parameters={"all": "true: look at every row, not only the first 100,000"}),
}


async def _full(work: Work) -> Report:
    if work.says("rollback"):
        return await roll_back(work)
    await (replace_index(work) if work.says("replace") else full(work))
    return Report()


async def _incremental(work: Work) -> Report:
    await incremental(work)
    return Report()


WRITING: dict[str, Callable[[Work], Awaitable[Report]]] = {"full": _full, "incremental": _incremental, "verify": verify, "retry": retry}
ASKING: dict[str, Callable[[Work], Awaitable[Report]]] = {"verify": verify, "plan": plan, "explain": explain, "doctor": doctor}
