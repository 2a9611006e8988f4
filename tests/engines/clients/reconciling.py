"""A world of sides without files: what each holds, what it held at the last commit, and the unified model between them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from syncd.domain.unified import Entry, Key, Kind, Model, Value
from syncd.engines.clients.contest import Policy
from syncd.engines.clients.reconcile import Central, Outcome, Resolution, Rulebook, Side, reconcile


def mcp(name: str, scope: str = "") -> Key:
    return Key(scope, Kind.MCP, name)


def stdio(command: str = "npx", **fields: Value) -> Entry:
    """A server; `__` in the name of a field stands for a dot."""
    return {"transport": "stdio", "command": command, **{name.replace("__", "."): value for name, value in fields.items()}}


@dataclass
class Holder:
    """One side. It cannot hold fields named in `lacks`."""

    name: str
    now: dict[Key, Entry] = field(default_factory=dict)
    base: dict[Key, Entry] = field(default_factory=dict)
    joined: bool = False
    at: float = 0.0
    priority: int = 0
    lacks: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset({""})
    observed: bool = False
    writes: int = 0

    def express(self, model: Model) -> dict[Key, Entry]:
        return {
            key: {name: value for name, value in entry.items() if name not in self.lacks}
            for key, entry in model.items()
            if key.scope in self.scopes
        }

    def side(self, model: Model) -> Side:
        kinds = {(scope, kind): self.at for scope in self.scopes for kind in Kind}
        joined = self.scopes if self.joined else frozenset[str]()
        return Side(self.name, dict(self.now), dict(self.base), self.express(model), self.scopes, joined, kinds, self.priority)


@dataclass
class Table:
    """All sides around one model."""

    sides: list[Holder]
    policy: Policy = Policy.LAST
    central: Central = field(default_factory=Central)
    resolutions: dict[str, Resolution] = field(default_factory=dict)
    outcomes: list[Outcome] = field(default_factory=list)

    @property
    def model(self) -> Model:
        return self.central.model

    def side(self, name: str) -> Holder:
        return next(side for side in self.sides if side.name == name)

    def merge(self) -> Outcome:
        """One run: merge, write every side, commit."""
        rules = Rulebook(dict.fromkeys(Kind, self.policy), self.resolutions)
        outcome = reconcile(self.central, [side.side(self.model) for side in self.sides], rules)
        for side in self.sides:
            held = outcome.held[side.name]
            wanted = side.express(outcome.model)
            after = {key: entry for key, entry in wanted.items() if key not in held}
            after |= {key: side.now[key] for key in held if key in side.now}
            after = dict(side.now) if side.observed else after
            side.writes += after != side.now
            side.now = after
            base = {key: entry for key, entry in after.items() if key not in held}
            side.base = base | {key: side.base[key] for key in held if key in side.base}
            side.joined = True
        moments = {key: max((side.at for side in self.sides), default=0.0) for key in outcome.authors}
        changed: Mapping[Key, float] = {**self.central.changed, **moments}
        self.central = Central(outcome.model, outcome.tombstones, changed)
        self.outcomes.append(outcome)
        return outcome
