"""What readers get: the six parts of `metadata_cache.json`."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Example:
    question: str
    sql: str


@dataclass(frozen=True, slots=True)
class Cache:
    """One description of a warehouse. The order of the fields is the order of the keys."""

    generated_at: str
    """ISO 8601."""
    generation_method: str
    """`llm_enhanced` if a model took part, `deterministic` if not; old files may have others."""
    schema: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    """Name of a unit -> its record, in order of name."""
    examples: tuple[Example, ...] = ()
    events_tables: tuple[str, ...] = ()
    """Names of the units that hold events of Google Analytics 4."""
    schema_insights: Mapping[str, str] = field(default_factory=dict)
    """Name of a unit -> what is worth knowing of it beyond its columns."""
