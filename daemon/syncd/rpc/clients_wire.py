"""Values of clients syncs to messages and back: one function for each type, no decisions."""

from collections.abc import Collection, Iterable
from enum import Enum

from syncapi.v1 import clients_pb2 as pb
from syncd.domain.errors import InvalidRequest
from syncd.domain.unified import Key, Kind
from syncd.ports import clients_control as asked
from syncd.rpc import wire


def _name(value: Enum, prefix: str) -> str:
    return f"{prefix}_{value.name}"


def kinds(of: Collection[Kind]) -> list[pb.EntryKind.ValueType]:
    return sorted(_kind(kind) for kind in of)


def _kind(kind: Kind) -> pb.EntryKind.ValueType:
    return pb.EntryKind.Value(_name(kind, "ENTRY_KIND"))


def key(of: Key) -> pb.EntryKey:
    return pb.EntryKey(scope=of.scope, kind=_kind(of.kind), name=of.name)


def read_key(message: pb.EntryKey) -> Key:
    """Raises `InvalidRequest` if the kind is none."""
    known = {_kind(kind): kind for kind in Kind}
    if message.kind not in known:
        raise InvalidRequest("the key names no kind", fields={"key.kind": "ENTRY_KIND_MCP, _RULES or _PERMISSIONS"})
    return Key(message.scope, known[message.kind], message.name)


def side(view: asked.SideView) -> pb.ClientSide:
    return pb.ClientSide(
        name=view.name,
        client=view.client,
        home=view.home,
        projects=view.projects,
        writes=kinds(view.writes),
        priority=view.priority,
        phase=pb.SidePhase.Value(_name(view.phase, "SIDE_PHASE")),
        problem=view.problem,
        files=map(_file, view.files),
        losses=map(loss, view.losses),
        cli_version=view.cli_version,
        last_write_at=wire.moment(view.last_write),
        notes=view.notes,
        watch=pb.WatchHealth(armed=view.watch.armed, blind=view.watch.blind, corrections=view.watch.corrections),
    )


def _file(view: asked.FileView) -> pb.ClientFile:
    state = pb.FileState.Value(_name(view.state, "FILE_STATE"))
    return pb.ClientFile(path=view.path, kinds=kinds(view.kinds), state=state, problem=view.problem)


def loss(view: asked.LossView) -> pb.ClientLoss:
    return pb.ClientLoss(side=view.side, key=key(view.key), field=view.field, code=view.code, reason=view.reason)


def unified(view: asked.UnifiedView) -> pb.GetUnifiedResponse:
    return pb.GetUnifiedResponse(
        version=view.version, at=wire.moment(view.at), entries_json=view.entries, tombstones=map(key, view.tombstones)
    )


def exported(view: asked.Exported) -> pb.ExportClientsResponse:
    left_out = [pb.FieldKey(key=key(of), field=field) for of, field in view.left_out]
    return pb.ExportClientsResponse(text=view.text, left_out=left_out)


def plan(view: asked.PlanView) -> pb.PlanClientsResponse:
    return pb.PlanClientsResponse(
        files=[pb.FilePlan(side=each.side, path=each.path, diff=each.diff) for each in view.files],
        decisions=map(_decision, view.decisions),
        conflicts=map(conflict, view.conflicts),
        losses=map(loss, view.losses),
    )


def _decision(view: asked.DecisionView) -> pb.EditDecision:
    return pb.EditDecision(key=key(view.key), field=view.field, how=view.how, winner=view.winner, losers=view.losers, policy=view.policy)


def conflict(view: asked.ConflictView) -> pb.Conflict:
    return pb.Conflict(
        id=view.id,
        sync=view.sync,
        key=key(view.key),
        kind=pb.ConflictKind.Value(_name(view.kind, "CONFLICT_KIND")),
        fields=view.fields,
        reason=view.reason,
        since=wire.moment(view.since),
        state=_state(view.state),
        sides=map(_conflict_side, view.sides),
        central=_fields(view.central),
        policy=view.policy,
    )


def _conflict_side(view: asked.ConflictSide) -> pb.ConflictSide:
    return pb.ConflictSide(name=view.name, base=_fields(view.base), now=_fields(view.now), changed_at=wire.moment(view.changed_at))


def _fields(held: asked.Fields | None) -> pb.EntryFields | None:
    return None if held is None else pb.EntryFields(values_json=held)


def _state(state: asked.ConflictState) -> pb.ConflictState.ValueType:
    return pb.ConflictState.Value(_name(state, "CONFLICT_STATE"))


def states(wanted: Iterable[pb.ConflictState.ValueType]) -> frozenset[asked.ConflictState]:
    """The open ones if none is named. Raises `InvalidRequest` for a number that is none."""
    known = {_state(state): state for state in asked.ConflictState}
    chosen = frozenset(wanted)
    if not chosen <= known.keys():
        raise InvalidRequest("states holds what is no state", fields={"states": "CONFLICT_STATE_OPEN or _RESOLVED"})
    return frozenset(known[state] for state in chosen) or frozenset({asked.ConflictState.OPEN})


def version(view: asked.VersionView) -> pb.ModelVersion:
    return pb.ModelVersion(
        number=view.number,
        at=wire.moment(view.at),
        run=view.run,
        actor=view.actor,
        digest=view.digest,
        changes=[pb.FieldChange(key=key(each.key), field=each.field, side=each.side) for each in view.changes],
    )


def difference(view: asked.Difference) -> pb.FieldDifference:
    return pb.FieldDifference(key=key(view.key), field=view.field, before_json=view.before, after_json=view.after)
