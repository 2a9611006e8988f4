"""Who wins where sides say different things of one field."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from syncd.domain.unified import Key, Value

CENTRAL = "central"
"""Stands for the unified model itself where it takes part in a contest. No side may have this name."""


class Policy(Enum):
    """How a contest is settled, the most careful one first."""

    REVIEW = "manual-review"
    """Nobody wins before a person has said so."""
    CENTRAL = "central-authoritative"
    """What the unified model says stays; of what it does not know yet, the side of the highest priority decides."""
    PRIORITY = "priority"
    """The side of the highest priority."""
    LAST = "last-write-wins"
    """The side whose file was written last."""


class Concern(Enum):
    """Why something waits for a person."""

    EDIT = "edit"
    """Sides changed one field to different values."""
    APPROVAL = "approval"
    """A server that stands in the files of a project would reach other clients."""
    EMPTIED = "emptied"
    """A side lost everything at once."""


@dataclass(frozen=True, slots=True)
class Bid:
    """What one side says of a field; None removes it."""

    side: str
    value: Value | None
    at: float
    """When it was written, in seconds since 1970."""
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of an edit that did not simply go through."""

    key: Key
    field: str
    how: str
    """`policy`, `merged`, `resolved`, `restored` (a literal stood where a reference was), `outlived` (an edit outlives a deletion)."""
    winner: str
    lost: tuple[Bid, ...] = ()
    policy: str = ""


@dataclass(frozen=True, slots=True)
class Conflict:
    """What waits for a person. `bids` hold what each side says of each field in question."""

    id: str
    key: Key
    concern: Concern
    bids: Mapping[str, tuple[Bid, ...]]
    policy: str = ""

    @property
    def sides(self) -> frozenset[str]:
        return frozenset(bid.side for bids in self.bids.values() for bid in bids if bid.side != CENTRAL)


def most_careful(policies: Sequence[Policy]) -> Policy:
    order = list(Policy)
    return min(policies, key=order.index)


def winner(policy: Policy, bids: Sequence[Bid]) -> Bid | None:
    """The bid that a policy settles for; None if a person has to."""
    match policy:
        case Policy.REVIEW:
            return None
        case Policy.CENTRAL:
            own = next((bid for bid in bids if bid.side == CENTRAL), None)
            return own or max(bids, key=_by_priority)
        case Policy.PRIORITY:
            return max(bids, key=_by_priority)
        case Policy.LAST:
            return max(bids, key=_by_time)


def _by_time(bid: Bid) -> tuple[float, int, str]:
    return bid.at, bid.priority, bid.side


def _by_priority(bid: Bid) -> tuple[int, float, str]:
    return bid.priority, bid.at, bid.side
