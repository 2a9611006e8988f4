"""The unified model after what the sides did to their own copies: field by field, each side against its own base.

Nothing here reads or writes anything. A side says something only where it differs from what it held at the last commit; so a reformatted
file says nothing, and neither does one that another client could not express in full. What no policy settles is left as it was, on all
sides, until a person decides.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from syncd.domain.unified import Entry, Key, Kind, Model, Template, Value, digest, write_entry, written
from syncd.engines.clients.contest import CENTRAL, Bid, Concern, Conflict, Decision, Policy, most_careful, winner
from syncd.engines.clients.merging import merged

_MANY = 2
"""So many entries of one kind that are gone together may be an accident."""
_EXECUTES = frozenset({"transport", "command", "args", "url"})
"""Fields that say what is run or asked: changing one in a project's file needs a new approval."""


@dataclass(frozen=True, slots=True)
class Side:
    """One side at this moment. `scopes` are those that it takes part in, `joined` those of them that it has a base for."""

    name: str
    now: Model
    base: Model
    view: Model
    """What the side would hold of the unified model as it was before this run."""
    scopes: frozenset[str] = frozenset({""})
    joined: frozenset[str] = frozenset()
    at: Mapping[tuple[str, Kind], float] = field(default_factory=dict)
    """When its files of a scope and kind were written last, in seconds since 1970."""
    priority: int = 0

    def moment(self, key: Key) -> float:
        return self.at.get((key.scope, key.kind), 0.0)


@dataclass(frozen=True, slots=True)
class Central:
    """The unified model as of the last commit. `changed`: when each key changed last; `tombstones`: digests of what was deleted."""

    model: Model = field(default_factory=dict)
    tombstones: Mapping[Key, str] = field(default_factory=dict)
    changed: Mapping[Key, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a person decided: `take` names a side or `central`, or `content` says what the fields in question shall be; empty: no entry."""

    take: str = ""
    content: Entry | None = None
    actor: str = ""


@dataclass(frozen=True, slots=True)
class Rulebook:
    policies: Mapping[Kind, Policy] = field(default_factory=dict)
    resolutions: Mapping[str, Resolution] = field(default_factory=dict)
    """By id of the conflict that they settle."""
    of_sides: Mapping[tuple[str, Kind], Policy] = field(default_factory=dict)
    """In place of the others, wherever a side takes part in a contest."""

    def policy(self, kind: Kind, sides: Iterable[str]) -> Policy:
        own = self.policies.get(kind, Policy.LAST)
        return most_careful([self.of_sides.get((side, kind), own) for side in sides] or [own])


@dataclass(slots=True)
class Outcome:
    """`held`: keys that are neither written to a side nor taken into its base, because a person has to decide first."""

    model: dict[Key, Entry] = field(default_factory=dict)
    tombstones: dict[Key, str] = field(default_factory=dict)
    decisions: list[Decision] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    held: dict[str, set[Key]] = field(default_factory=dict)
    authors: dict[Key, dict[str, str]] = field(default_factory=dict)
    """Key -> field -> the side it comes from, for what changed. The field is empty for a deletion."""


@dataclass(slots=True)
class _Said:
    """What the sides say of one key."""

    bids: dict[str, list[Bid]] = field(default_factory=dict)
    bases: dict[str, list[Value | None]] = field(default_factory=dict)
    deleting: list[Side] = field(default_factory=list)
    moved: bool = False
    """The unified model changed since somebody who deletes the entry last saw it."""
    speaking: list[Side] = field(default_factory=list)


def reconcile(central: Central, sides: Sequence[Side], rules: Rulebook) -> Outcome:
    """Merge what every side says into the unified model. Deterministic, and the same for any order of the sides."""
    sides = sorted(sides, key=lambda side: side.name)
    outcome = Outcome(tombstones=dict(central.tombstones), held={side.name: set() for side in sides})
    silent = dict(_emptied(sides, rules, outcome))
    keys = {key for side in sides for key in (*side.now, *side.base)} | set(central.model)
    for key in sorted(keys, key=lambda key: (key.scope, key.kind.value, key.name)):
        there = [side for side in sides if key.scope in side.scopes and (key.scope, key.kind) not in silent.get(side.name, ())]
        said = _Said()
        for side in there:
            _hear(said, side, key, central)
        entry = _settled(key, said, _Around(central, there, rules, outcome))
        if entry is not None:
            outcome.model[key] = entry
            outcome.tombstones.pop(key, None)
        elif key in central.model:
            outcome.tombstones[key] = digest(write_entry(central.model[key]))
    return outcome


def _emptied(sides: Sequence[Side], rules: Rulebook, outcome: Outcome) -> Iterator[tuple[str, set[tuple[str, Kind]]]]:
    """For each side, what it lost all entries of at once: its deletions there count only once a person has said so."""
    for side in sides:
        silent: set[tuple[str, Kind]] = set()
        for scope, kind in {(key.scope, key.kind) for key in side.base if key.scope in side.joined}:
            lost = [key for key in side.base if (key.scope, key.kind) == (scope, kind)]
            if len(lost) < _MANY or any((key.scope, key.kind) == (scope, kind) for key in side.now):
                continue
            names = sorted(key.name for key in lost)
            place = Key(scope, kind, "")
            number = digest(["emptied", side.name, str(place), names])[:16]
            resolution = rules.resolutions.get(number)
            if resolution and resolution.take == side.name:
                continue
            silent.add((scope, kind))
            if not resolution:
                bids = {name: (Bid(side.name, None, side.moment(place), side.priority),) for name in names}
                outcome.conflicts.append(Conflict(number, place, Concern.EMPTIED, bids))
                outcome.held[side.name].update(lost)
        yield side.name, silent


def _hear(said: _Said, side: Side, key: Key, central: Central) -> None:
    """Add what one side says of a key."""
    joined = key.scope in side.joined
    base, now, view = side.base.get(key) if joined else None, side.now.get(key), side.view.get(key)
    if now == view or (joined and now == base):
        return
    if now is None:
        if base is not None:
            said.deleting.append(side)
            said.moved |= view != base
        return
    known = central.model.get(key)
    if known is None and not joined and central.tombstones.get(key) == digest(write_entry(now)):
        return
    _bid(said, _Edit(side, key, now, base or {}, view or {}), central)


@dataclass(frozen=True, slots=True)
class _Edit:
    """A side holds an entry otherwise than at the last commit."""

    side: Side
    key: Key
    now: Entry
    base: Entry
    view: Entry

    def fields(self, *, everything: bool) -> list[str]:
        """What it says something of."""
        if everything:
            return sorted(self.now)
        changed = {name for name in {*self.base, *self.now} if self.base.get(name) != self.now.get(name)}
        return sorted(name for name in changed if self.now.get(name) != self.view.get(name))


def _bid(said: _Said, edit: _Edit, central: Central) -> None:
    side, key = edit.side, edit.key
    known = central.model.get(key)
    fields = edit.fields(everything=known is None)
    for name in fields:
        bids = said.bids.setdefault(name, [])
        bids.append(Bid(side.name, edit.now.get(name), side.moment(key), side.priority))
        said.bases.setdefault(name, []).append(edit.base.get(name))
        moved = known is not None and name in known and edit.view.get(name) != edit.base.get(name)
        if known is not None and moved and all(bid.side != CENTRAL for bid in bids):
            bids.append(Bid(CENTRAL, known[name], central.changed.get(key, 0.0)))
            said.bases[name].append(edit.base.get(name))
    if fields:
        said.speaking.append(side)


@dataclass(frozen=True, slots=True)
class _Around:
    """What one key is settled with."""

    central: Central
    sides: Sequence[Side]
    rules: Rulebook
    outcome: Outcome

    def hold(self, key: Key, sides: Sequence[Side]) -> None:
        for side in sides:
            self.outcome.held[side.name].add(key)


def _settled(key: Key, said: _Said, around: _Around) -> Entry | None:
    """The entry from now on; None if there is none."""
    known = around.central.model.get(key)
    if not said.bids:
        if not said.deleting or known is None:
            return known
        if not said.moved:
            around.outcome.authors[key] = {"": said.deleting[0].name}
            return None
        _outlived(key, said, CENTRAL, around)
        return known
    if said.deleting:
        _outlived(key, said, said.speaking[0].name, around)
    contest = _Contest(key, dict(known or {}), {}, around)
    for name in sorted(said.bids):
        contest.settle(name, said.bids[name], said.bases[name])
    return _agreed(contest, said, known)


def _outlived(key: Key, said: _Said, winner: str, around: _Around) -> None:
    lost = tuple(Bid(side.name, None, side.moment(key), side.priority) for side in said.deleting)
    around.outcome.decisions.append(Decision(key, "", "outlived", winner, lost))


@dataclass(slots=True)
class _Contest:
    """One entry on its way to its new fields."""

    key: Key
    entry: dict[str, Value]
    open: dict[str, tuple[Bid, ...]]
    """Fields that nobody has settled."""
    around: _Around
    authors: dict[str, str] = field(default_factory=dict)

    def settle(self, name: str, bids: Sequence[Bid], bases: Sequence[Value | None]) -> None:
        known = self.entry.get(name)
        honest = [bid for bid, base in zip(bids, bases, strict=True) if not _baked(bid, base, known)]
        for bid in bids:
            if bid not in honest:
                self._decide(name, "restored", CENTRAL, [replace(bid, value="")])
        if len({_sortable(bid.value) for bid in honest}) <= 1:
            if honest:
                self.take(name, honest[0])
            return
        once = _merged_text(honest, [base for bid, base in zip(bids, bases, strict=True) if bid in honest])
        if once is not None:
            self.take(name, replace(honest[0], value=once))
            self._decide(name, "merged", "", honest)
            return
        policy = self.around.rules.policy(self.key.kind, [bid.side for bid in honest if bid.side != CENTRAL])
        best = winner(policy, honest)
        if best is None:
            self.open[name] = tuple(honest)
            return
        self.take(name, best)
        self._decide(name, "policy", best.side, [bid for bid in honest if bid.value != best.value], policy.value)

    def take(self, name: str, bid: Bid) -> None:
        if bid.value is None:
            self.entry.pop(name, None)
        else:
            self.entry[name] = bid.value
        self.authors[name] = bid.side

    def _decide(self, name: str, how: str, winner: str, lost: Sequence[Bid], policy: str = "") -> None:
        self.around.outcome.decisions.append(Decision(self.key, name, how, winner, tuple(lost), policy))


def _agreed(contest: _Contest, said: _Said, known: Entry | None) -> Entry | None:
    """The entry once persons and policies have spoken, or as it was while a person has to."""
    key, around = contest.key, contest.around
    if contest.open:
        number = digest(["edit", str(key), {name: sorted(_told(bid) for bid in bids) for name, bids in contest.open.items()}])[:16]
        resolution = around.rules.resolutions.get(number)
        if resolution is None:
            around.outcome.conflicts.append(Conflict(number, key, Concern.EDIT, contest.open, Policy.REVIEW.value))
            around.hold(
                key, [side for side in said.speaking if any(side.name == bid.side for bids in contest.open.values() for bid in bids)]
            )
            return known and _without_open(contest, known)
        _resolve(contest, resolution)
        if resolution.content is not None and not resolution.content:
            around.outcome.authors[key] = {"": resolution.actor}
            return None
    if not _coherent(key, contest.entry):
        _take_whole(contest, said)
    if _needs_approval(contest, said, known):
        return known
    if contest.entry != known:
        around.outcome.authors[key] = contest.authors
    return contest.entry


def _without_open(contest: _Contest, known: Entry) -> Entry:
    entry = {name: value for name, value in contest.entry.items() if name not in contest.open}
    entry |= {name: known[name] for name in contest.open if name in known}
    return entry if _coherent(contest.key, entry) else known


def _resolve(contest: _Contest, resolution: Resolution) -> None:
    for name, bids in contest.open.items():
        if resolution.content is not None:
            chosen = Bid(resolution.actor, resolution.content.get(name), 0.0)
        else:
            chosen = next((bid for bid in bids if bid.side == resolution.take), Bid(CENTRAL, contest.entry.get(name), 0.0))
        contest.take(name, chosen)
        lost = tuple(bid for bid in bids if bid.value != chosen.value)
        contest.around.outcome.decisions.append(Decision(contest.key, name, "resolved", resolution.take or resolution.actor, lost))


def _coherent(key: Key, entry: Entry) -> bool:
    """Fields that were settled one by one may make no whole: a command of one side and an address of another."""
    if key.kind is not Kind.MCP or not entry:
        return bool(entry)
    if entry.get("transport") == "stdio":
        return "command" in entry and "url" not in entry
    return "transport" in entry and "url" in entry and "command" not in entry


def _take_whole(contest: _Contest, said: _Said) -> None:
    """Let one side have the whole entry."""
    bids = [Bid(side.name, None, side.moment(contest.key), side.priority) for side in said.speaking]
    policy = contest.around.rules.policy(contest.key.kind, [side.name for side in said.speaking])
    best = winner(policy, bids) or max(bids, key=lambda bid: bid.at)
    whole = next(side.now[contest.key] for side in said.speaking if side.name == best.side)
    contest.entry = dict(whole)
    contest.authors = dict.fromkeys(whole, best.side)
    contest._decide("", "policy", best.side, [bid for bid in bids if bid.side != best.side], policy.value)  # noqa: SLF001 - the two are one


def _needs_approval(contest: _Contest, said: _Said, known: Entry | None) -> bool:
    """A server from a project's file reaches nobody else before a person has approved what it runs."""
    key, around = contest.key, contest.around
    runs = _runs(contest.entry)
    if not key.scope or key.kind is not Kind.MCP or runs == _runs(known or {}):
        return False
    if all(_runs(side.now.get(key, {})) == runs for side in around.sides):
        return False
    number = digest(["approval", str(key), runs])[:16]
    resolution = around.rules.resolutions.get(number)
    if resolution and resolution.take != CENTRAL:
        return False
    around.hold(key, said.speaking)
    if resolution is None:
        bids = {name: tuple(Bid(side.name, side.now[key].get(name), side.moment(key)) for side in said.speaking) for name in runs}
        around.outcome.conflicts.append(Conflict(number, key, Concern.APPROVAL, bids))
    return True


def _runs(entry: Entry) -> dict[str, object]:
    return {name: written(value) for name, value in entry.items() if name in _EXECUTES}


def _baked(bid: Bid, base: Value | None, known: Value | None) -> bool:
    """A literal where the side had a reference: a client's own command resolved it and wrote the secret back."""
    return bid.side != CENTRAL and bid.value is not None and _refers(base) and _refers(known) and not _refers(bid.value)


def _refers(value: Value | None) -> bool:
    return isinstance(value, Template) or (isinstance(value, tuple) and any(isinstance(part, Template) for part in value))


def _merged_text(bids: Sequence[Bid], bases: Sequence[Value | None]) -> str | None:
    """What all texts say together, if all began with the same text."""
    texts = [bid.value for bid in bids if isinstance(bid.value, str) and "\n" in bid.value]
    base = bases[0] if bases else None
    if len(texts) < len(bids) or not isinstance(base, str) or any(other != base for other in bases):
        return None
    return merged(base, texts)


def _sortable(value: Value | None) -> str:
    return digest(None if value is None else written(value))


def _told(bid: Bid) -> tuple[str, str]:
    return bid.side, _sortable(bid.value)
