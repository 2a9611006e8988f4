"""Look, merge, plan, check, deploy, commit: in this order, and from the beginning if somebody writes a file meanwhile."""

import json
from dataclasses import replace

from syncd.domain.errors import TransientError
from syncd.engines.clients.committing import Found, commit
from syncd.engines.clients.deploying import Replacement
from syncd.engines.clients.exchange import keep
from syncd.engines.clients.telling import STATUS
from syncd.engines.clients.validating import checked
from syncd.engines.clients.work import Picture, Turn, Work, without
from syncd.kit.swap import Moved
from syncd.kit.threads import in_thread
from syncd.ports.running import Progress, Report

_LOOKS = 10
"""So often a run begins anew because a file was written under it."""


class FilesBusy(TransientError):
    """Files are written faster than they can be merged."""

    code = "client.files_busy"


async def sync(work: Work, turn: Turn) -> Report:
    """Bring all sides to what they say together. Raises `FilesBusy`, `ClientBusy`."""
    for _ in range(_LOOKS):
        try:
            return await _once(work, turn)
        except Moved as moved:
            last = moved.path
    raise FilesBusy(f"{last} is written again and again; nothing was changed")


async def _once(work: Work, turn: Turn) -> Report:
    work.context.tell(Progress(doing="looking at all sides"))
    picture = await work.picture(turn)
    before = json.loads(await work.context.documents.get(STATUS) or "{}")
    if any(each.changes for each in picture.plans):
        work.context.tell(Progress(doing="letting the clients look at a copy of what they get"))
    checks = await checked(picture.plans, work.settings, before.get("programs", {}))
    picture = replace(picture, plans=without(picture.plans, checks.problems))
    deployment = await _deployed(work, picture)
    report = await commit(work, picture, Found(before, checks.programs, checks.notes, deployment))
    await in_thread(work.journal.clear)
    if path := work.settings.export_to:
        await in_thread(lambda: keep(path, picture.outcome.model, int(str(report.findings["version"]))))
    return report


async def _deployed(work: Work, picture: Picture) -> str:
    """Replace all files that change; answers the id of the deployment, empty if there was nothing to do."""
    replacements = await in_thread(lambda: _once_each(picture))
    if not replacements:
        return ""
    work.context.tell(Progress(doing=f"replacing {len(replacements)} files"))
    return await in_thread(lambda: work.journal.deploy(replacements))


def _once_each(picture: Picture) -> list[Replacement]:
    """All replacements, those of a file that several sides have only once."""
    changing = [plan for plan in picture.plans if plan.changes]
    return list({each.path.resolve(): each for plan in changing for each in plan.replacements()}.values())
