"""Runs compiled changes: what is computed, assigned to columns and written as versions."""

from collections.abc import Iterator, Sequence
from typing import Any

from tests.servers.oracle.assignment import Assign, assignment
from tests.servers.oracle.backend import Bind, Kind, OracleError
from tests.servers.oracle.changes import Insert, Merge, Update
from tests.servers.oracle.compile_base import of_kind
from tests.servers.oracle.runs import Execution
from tests.servers.oracle.storage import Locked
from tests.servers.oracle.versions import Writer

Change = Insert | Update | Merge


def insert_many(
    plan: Insert, run: Execution, writer: Writer, iterations: Sequence[Sequence[Bind]]
) -> tuple[int, OracleError | Locked | None]:
    """One row for each row of binds, until one fails: how many were done, and why not more."""
    return writer.insert(plan.table, _inserted(plan, run, iterations))


def _inserted(plan: Insert, run: Execution, iterations: Sequence[Sequence[Bind]]) -> Iterator[list[Any]]:
    kinds: tuple[Kind, ...] | None = None
    assigns: list[Assign] = []
    computed: Sequence[Any] = ()
    for binds in iterations:
        run.binds = binds
        found = tuple([bind.kind for bind in binds])
        if found != kinds:
            kinds, assigns = found, _assigns(plan, run, found)
        if plan.sql and not (plan.constant and computed):
            computed = _computed(plan, run)[0]
        yield [assign(_value(slot.bind, slot.computed, binds, computed)) for slot, assign in zip(plan.slots, assigns, strict=True)]


def _value(bind: int | None, place: int | None, binds: Sequence[Bind], computed: Sequence[Any]) -> Any:
    if bind is not None:
        return binds[bind].value
    return None if place is None else computed[place]


def _assigns(plan: Insert, run: Execution, kinds: Sequence[Kind]) -> list[Assign]:
    env = run.environment.text
    types = [slot.type if slot.bind is None else of_kind(kinds[slot.bind]) for slot in plan.slots]
    return [assignment(plan.table, slot.column, type_, env) for slot, type_ in zip(plan.slots, types, strict=True)]


def _computed(plan: Insert | Update, run: Execution) -> list[tuple[Any, ...]]:
    return run.connection.execute(plan.sql, run.values(plan.parameters)).fetchall()


def change(plan: Change, run: Execution, writer: Writer) -> int:
    """One execution, all or nothing: how many rows changed. Raises `OracleError` or `Locked`."""
    match plan:
        case Insert():
            return writer.insert_all(plan.table, _rows(plan, run))
        case Update():
            return _update(plan, run, writer)
        case Merge():
            new = _rows(plan.insert, run) if plan.insert else []
            changed = _update(plan.update, run, writer) if plan.update else 0
            return changed + (writer.insert_all(plan.insert.table, new) if plan.insert else 0)


def _rows(plan: Insert, run: Execution) -> list[list[Any]]:
    assigns = _assigns(plan, run, [bind.kind for bind in run.binds])
    return [
        [assign(_value(slot.bind, slot.computed, run.binds, row)) for slot, assign in zip(plan.slots, assigns, strict=True)]
        for row in _computed(plan, run)
    ]


def _update(plan: Update, run: Execution, writer: Writer) -> int:
    found = _computed(plan, run)
    versions = [row[:5] for row in found]
    if not plan.changes:
        writer.delete(plan.table, versions)
        return len(found)
    if len({version[0] for version in versions}) < len(versions):
        raise OracleError(30926, "unable to get a stable set of rows in the source tables")
    env = run.environment.text
    assigns = [(place, assignment(plan.table, column, type_, env, 1407)) for place, column, type_ in plan.changes]
    values = [list(row[5:]) for row in found]
    for row in values:
        for place, assign in assigns:
            row[place] = assign(row[place])
    writer.replace(plan.table, versions, values)
    return len(found)
