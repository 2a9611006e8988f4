"""The bookkeeping of one published object: what each part of it was made of, how far it was checked, and what does not fit in.

It is an object of its own, named by the digest of the published bytes that it belongs to: `sidecars/OBJECT/SHA256.json`. It is written
before them, so whoever reads the published object finds it. The published object is a rendering of it.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

from syncd.engines.metadata.cache import Example
from syncd.engines.metadata.checks.verdict import Level, Use, Verdict
from syncd.engines.metadata.folding.fingerprints import Prints

FORMAT = 1
MODEL = "model"
TEMPLATE = "template"
ADOPTED = "adopted"
"""Found in a published object that somebody else has made, and checked since."""


@dataclass(frozen=True, slots=True)
class Kept:
    """An example that was found good."""

    question: str
    sql: str
    source: str
    """`model`, `template` or `adopted`."""
    at: str
    """When it was made, ISO 8601."""
    level: int
    passed: tuple[int, ...]
    by: tuple[str, ...]
    uses: tuple[tuple[str, str], ...]
    """Units and the paths in them that it depends on."""
    maker: str = ""
    """Name of the model."""

    @classmethod
    def of(cls, example: Example, verdict: Verdict, source: str, at: str, maker: str = "") -> Self:
        uses = tuple(sorted((use.unit, use.path) for use in verdict.uses))
        level = verdict.level if verdict.level is not None else Level.STATEMENT
        return cls(example.question, example.sql, source, at, int(level), tuple(sorted(map(int, verdict.passed))), verdict.by, uses, maker)

    @property
    def example(self) -> Example:
        return Example(self.question, self.sql)

    @property
    def depends_on(self) -> frozenset[Use]:
        return frozenset(Use(unit, path) for unit, path in self.uses)


@dataclass(frozen=True, slots=True)
class Insight:
    text: str = ""
    """Empty where a template stands in: that is made when it is told, so that it is as new as the schema beside it."""
    source: str = ""
    at: str = ""
    maker: str = ""


@dataclass(frozen=True, slots=True)
class UnitState:
    """What is kept of one table or family."""

    structure: str
    """Fingerprint of names and types."""
    text: str
    """Fingerprint of descriptions."""
    paths: Mapping[str, str]
    """Path of every field -> its type."""
    shapes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Column -> shapes of its values, where they are told."""
    insight: Insight = Insight()
    examples: tuple[Kept, ...] = ()
    rejected: Mapping[str, int] = field(default_factory=dict)
    """Code -> how many examples were found no good for that reason, when they were made last."""
    wanting: str = ""
    """Why it has less than it should have; tried again by the next refresh. Empty if nothing is missing."""

    @property
    def by_model(self) -> bool:
        """A model has made some of it."""
        return MODEL in (self.insight.source, *(kept.source for kept in self.examples))

    @property
    def prints(self) -> Prints:
        return Prints(self.structure, self.text)


@dataclass(frozen=True, slots=True)
class Sidecar:
    units: Mapping[str, UnitState] = field(default_factory=dict)
    """In order of name."""
    dialect: str = ""
    sections: Mapping[str, int] = field(default_factory=dict)
    """Key of the published object -> its tokens."""
    counter: str = ""
    """What counted the tokens."""
    trimmed: tuple[str, ...] = ()
    """What was left out of the published object to keep its budget."""

    def written(self) -> bytes:
        """As JSON, one unit a line: the same for the same content."""
        head = {
            "format": FORMAT,
            "dialect": self.dialect,
            "counter": self.counter,
            "sections": dict(self.sections),
            "trimmed": self.trimmed,
        }
        opening = json.dumps(head, ensure_ascii=False)[:-1]
        units = ",\n".join(
            f"{json.dumps(name, ensure_ascii=False)}: {json.dumps(asdict(state), ensure_ascii=False, sort_keys=True)}"
            for name, state in self.units.items()
        )
        return f'{opening}, "units": {{\n{units}\n}}}}\n'.encode()

    @classmethod
    def read(cls, content: bytes) -> "Sidecar | None":
        """None if it is not one, or of another format: everything is made anew then."""
        try:
            members = json.loads(content)
            if members.get("format") != FORMAT:
                return None
            units = {name: _unit(state) for name, state in members["units"].items()}
            return cls(units, members["dialect"], members["sections"], members["counter"], tuple(members["trimmed"]))
        except (ValueError, KeyError, TypeError, AttributeError):
            return None


def _unit(members: Mapping[str, Any]) -> UnitState:
    known = {each.name: members[each.name] for each in fields(UnitState)}
    examples = tuple(_kept(each) for each in members["examples"])
    shapes = {column: tuple(each) for column, each in members["shapes"].items()}
    return UnitState(**{**known, "shapes": shapes, "insight": Insight(**members["insight"]), "examples": examples})


def _kept(members: Mapping[str, Any]) -> Kept:
    uses = tuple((unit, path) for unit, path in members["uses"])
    return Kept(**{**members, "passed": tuple(members["passed"]), "by": tuple(members["by"]), "uses": uses})
