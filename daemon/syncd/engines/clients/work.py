"""What every mode of a clients run works with, and the steps they share: look, merge, plan."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from syncd.domain.errors import InvalidRequest
from syncd.domain.unified import Entry, Key, Kind, Model
from syncd.engines.clients import history, inbox
from syncd.engines.clients.deploying import Journal
from syncd.engines.clients.exchange import imported
from syncd.engines.clients.looking import Look, look_at
from syncd.engines.clients.planning import SidePlan, apart, plan, view
from syncd.engines.clients.reconcile import Central, Outcome, Resolution, Rulebook, Side, reconcile
from syncd.engines.clients.settings import ClientsSync
from syncd.engines.clients.standing import CENTRAL_NAME, SIDE_PREFIX, Mark, SideBase, Standing, base_of, central_of
from syncd.kit.threads import in_thread
from syncd.ports.running import RunContext

IMPORTED = "import"
"""The name under which an imported model takes part."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What a run is to do beside what the sides say. `incoming` is merged like a side; `back` is put in place of what there is."""

    incoming: Model | None = None
    at: float = 0.0
    back: Mapping[Key, Entry | None] = field(default_factory=dict)
    side: str = ""
    """Put `back` only to this side."""


@dataclass(frozen=True, slots=True)
class Picture:
    """The sides as they are, what follows for the unified model, and for each side."""

    looks: tuple[Look, ...]
    sides: tuple[Side, ...]
    outcome: Outcome
    pins: Mapping[str, Mapping[Key, Entry | None]]
    plans: tuple[SidePlan, ...]
    """Of the sides that do not have to wait."""


@dataclass(frozen=True, slots=True)
class Work:
    """One run at work."""

    settings: ClientsSync
    context: RunContext
    standing: Standing
    mark: Mark
    journal: Journal
    resolutions: Mapping[str, Resolution]

    async def picture(self, turn: Turn) -> Picture:
        """Look at all sides, merge, and plan."""
        seen = {name: side.files for name, side in self.standing.sides.items()}
        looks = await in_thread(lambda: look_at(self.settings, seen))
        ready = [look for look in looks if not look.problems]
        return await in_thread(lambda: self._planned(tuple(looks), ready, turn))

    def _planned(self, looks: tuple[Look, ...], ready: Sequence[Look], turn: Turn) -> Picture:
        sides = tuple(self._side(look) for look in ready)
        extra = (self._incoming(turn, ready),) if turn.incoming is not None else ()
        outcome = reconcile(self.standing.central, (*sides, *extra), self._rulebook())
        pins = self._pins(outcome, turn)
        if turn.back and not turn.side:
            _put_back(outcome, turn.back, self.standing.central)
        plans = [plan(look, outcome.model, pins.get(look.name, {}), outcome.held[look.name]) for look in ready]
        return Picture(looks, sides, outcome, pins, apart(plans))

    def _side(self, look: Look) -> Side:
        kept = self.standing.side(look.name)
        views = view(look, self.standing.central.model, kept.pins)
        mine = {key: entry for key, entry in kept.base.items() if look.section.takes(key.within)}
        scopes = frozenset(each.scope for each in look.scopes)
        return Side(
            look.name,
            look.now,
            {key: entry for key, entry in mine.items() if key.scope in scopes},
            {Key(scope, *name): entry for scope, expressed in views.items() for name, entry in expressed.entries.items()},
            scopes,
            kept.joined & scopes,
            look.at,
            look.section.priority,
        )

    def _incoming(self, turn: Turn, ready: Sequence[Look]) -> Side:
        model = turn.incoming or {}
        scopes = frozenset(each.scope for look in ready for each in look.scopes) & {key.scope for key in model}
        at = {(key.scope, key.kind): turn.at for key in model}
        return Side(IMPORTED, model, {}, self.standing.central.model, scopes, frozenset(), at)

    def _rulebook(self) -> Rulebook:
        policies = {kind: self.settings.policy_for(kind) for kind in Kind}
        own = {
            (name, kind): policy
            for name, section in self.settings.sides.items()
            for kind in Kind
            if (policy := section.policy_for(kind)) is not None
        }
        return Rulebook(policies, self.resolutions, own)

    def _pins(self, outcome: Outcome, turn: Turn) -> dict[str, dict[Key, Entry | None]]:
        """A pin holds until somebody says something newer of its entry."""
        pins = {
            name: {key: entry for key, entry in side.pins.items() if key not in outcome.authors}
            for name, side in self.standing.sides.items()
            if name in self.settings.sides
        }
        if turn.side:
            pins.setdefault(turn.side, {}).update(turn.back)
        return pins


def _put_back(outcome: Outcome, back: Mapping[Key, Entry | None], central: Central) -> None:
    for key, entry in back.items():
        if entry is None:
            gone = outcome.model.pop(key, None)
            if gone is not None:
                outcome.tombstones[key] = ""
        elif outcome.model.get(key) != entry:
            outcome.model[key] = entry
            outcome.tombstones.pop(key, None)
        else:
            continue
        fields = {*(entry or {}), *(central.model.get(key) or {})} if entry is not None else {""}
        outcome.authors[key] = dict.fromkeys(fields, "rollback")


async def opened(settings: ClientsSync, context: RunContext) -> Work:
    """Read where the sync stands; a run that writes first undoes what a crash left half done."""
    kept, mark = context.documents, Mark.read(context.checkpoint)
    journal = Journal(context.folder / "deployment")
    if context.run.writes:  # what only looks may run beside a deployment that is under way
        await in_thread(lambda: journal.recover(mark.deployment))
    central, authors = central_of(await kept.get(CENTRAL_NAME))
    sides: dict[str, SideBase] = {}
    for name in settings.sides:
        text = await kept.get(SIDE_PREFIX + name)
        if text is not None:
            sides[name] = base_of(text)
    resolutions = {name.removeprefix(inbox.RESOLUTIONS): inbox.resolution(text) for name, text in await kept.list(inbox.RESOLUTIONS)}
    standing = Standing(mark.version, central, authors, sides)
    return Work(settings, context, standing, mark, journal, resolutions)


async def asked_back(work: Work) -> Turn:
    """What the parameters of a rollback ask for: `version`, and perhaps `side` and `key` (`SCOPE|KIND|NAME`)."""
    parameters = work.context.run.parameters
    number = parameters.get("version", "")
    old = await history.model_at(work.context.documents, int(number)) if number.isdecimal() else None
    if old is None:
        raise InvalidRequest(
            f"there is no version '{number}'", hint="`syncctl clients versions` lists them", fields={"version": "a number"}
        )
    side = parameters.get("side", "")
    if side and side not in work.settings.sides:
        raise InvalidRequest(f"there is no side '{side}'", fields={"side": f"one of {', '.join(work.settings.sides)}"})
    wanted = json.loads(parameters["key"]) if parameters.get("key") else None
    keys = [Key(wanted[0], Kind(wanted[1]), wanted[2])] if wanted else [*old, *work.standing.central.model]
    back = {key: old.get(key) for key in keys if old.get(key) != work.standing.central.model.get(key) or side}
    return Turn(back=back, side=side)


def asked_in(work: Work, now: float) -> Turn:
    """What the parameter `content` of an import holds."""
    return Turn(incoming=imported(work.context.run.parameters.get("content", "")), at=now)


def without(plans: Sequence[SidePlan], problems: Mapping[str, str]) -> tuple[SidePlan, ...]:
    """The plans, with nothing to be done for the sides that have problems."""
    return tuple(replace(each, problem=problems[each.look.name]) if each.look.name in problems else each for each in plans)
