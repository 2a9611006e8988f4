"""What an entry of the audit log means to people. Pure: no clock, no ledger."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from syncd.domain.audit import Recorded
from syncd.domain.notice import Happening, Notice
from syncd.domain.run import Run, RunState

Subject = str
"""A sync, a slash, and what of it: its writing runs, its other runs, its schema, a comparison by one mode, its warnings."""
Standings = Mapping[Subject, Notice | None]
"""What was found; None: all is well there."""

_MOST_NAMED = 5


def of_run(recorded: Recorded, run: Run, warnings: Sequence[str]) -> Standings:
    """What the end of a run tells. One that somebody ended tells nothing."""
    found: dict[Subject, Notice | None] = {}
    kind = f"{run.sync}/{'writing' if run.writes else 'looking'}"
    if run.state is RunState.DONE:
        found[kind] = None
        found[f"{run.sync}/comparing by {run.mode}"] = _differs(recorded, run) if run.drifted else None
    elif run.state is RunState.FAILED:
        found[kind] = _failed(recorded, run)
    if run.writes and run.state in (RunState.DONE, RunState.FAILED):
        found[f"{run.sync}/warnings"] = _warns(recorded, run, warnings) if warnings else None
    return found


def of_schema(recorded: Recorded) -> Standings:
    """What a changed schema tells: names of columns, never values."""
    entry = recorded.entry
    message = f"the columns of the source changed: {_columns(entry.detail)}"
    hint = f"`syncctl show {entry.sync}` has the mapping in force"
    return {f"{entry.sync}/schema": Notice(Happening.DRIFT, entry.sync, recorded.at, entry.action, message, hint, entry.run)}


def follows(before: Notice | None, found: Notice | None, recorded: Recorded) -> Notice | None:
    """How a subject stands after an entry: that all is well again is worth a message where it was not."""
    if found is not None or before is None:
        return found
    match before.happening:
        case Happening.HALTED | Happening.FAILED:
            message = f"works again; it had {before.happening.value}: {before.message}"
            return replace(before, happening=Happening.RECOVERED, at=recorded.at, message=message, hint="", run=recorded.entry.run)
        case Happening.RECOVERED:
            return before
        case Happening.DRIFT | Happening.WARNINGS:
            return None


def _failed(recorded: Recorded, run: Run) -> Notice:
    halted = recorded.entry.detail.get("hold") == "halted"
    failure = run.failure
    code, message, hint = (failure.code, failure.message, failure.hint) if failure else ("failed", "the run failed", "")
    happening = Happening.HALTED if halted else Happening.FAILED
    return Notice(happening, run.sync, recorded.at, code, message, hint, run.id, run.mode)


def _differs(recorded: Recorded, run: Run) -> Notice:
    message, hint = f"{run.mode} found a difference and did not mend it", f"`syncctl run-show {run.id}` tells which"
    return Notice(Happening.DRIFT, run.sync, recorded.at, "run.drifted", message, hint, run.id, run.mode)


def _warns(recorded: Recorded, run: Run, warnings: Sequence[str]) -> Notice:
    hint = f"`syncctl show {run.sync}` lists them"
    return Notice(Happening.WARNINGS, run.sync, recorded.at, "sync.warnings", "; ".join(warnings), hint, run.id, run.mode)


def _columns(detail: Mapping[str, object]) -> str:
    parts = []
    for what, names in sorted(detail.items()):
        listed = [str(name) for name in names] if isinstance(names, Sequence | Mapping) and not isinstance(names, str) else [str(names)]
        more = f" and {len(listed) - _MOST_NAMED} more" if len(listed) > _MOST_NAMED else ""
        parts += [f"{what} {', '.join(listed[:_MOST_NAMED])}{more}"] if listed else []
    return "; ".join(parts) or "nothing is known of how"
