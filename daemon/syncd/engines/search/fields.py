"""Which fields a document has, and which of them is its id: decided from the settings and the source's columns alone."""

from collections.abc import Sequence
from dataclasses import dataclass

from syncd.domain.errors import PermanentError
from syncd.engines.search.settings import SearchSync
from syncd.kit.sql import quote


class MappingInvalid(PermanentError):
    """The mapping cannot be carried out over the columns that the source has."""

    code = "mapping.invalid"


@dataclass(frozen=True, slots=True)
class Fields:
    """SQL expressions over the source's columns; `primary_key` is one of the names."""

    expressions: tuple[tuple[str, str], ...]
    primary_key: str

    @property
    def id_expression(self) -> str:
        return dict(self.expressions)[self.primary_key]


def fields_of(sync: SearchSync, columns: Sequence[str]) -> Fields:
    """The fields of a sync's documents. Raises `MappingInvalid` if it is not clear which one is the id."""
    key = sync.source.key
    mapping = dict(sync.mapping) or {name: quote(name) for name in columns}
    primary_key = sync.target.primary_key or _default_primary_key(sync, mapping)
    if len(key) == 1:
        mapping.setdefault(primary_key, quote(key[0]))
    elif primary_key not in mapping:
        mapping[primary_key] = composite_id(key)
    elif not sync.mapping:
        raise MappingInvalid(
            f"the source has a column '{primary_key}' of its own, which cannot also hold the document id made of {', '.join(key)}",
            hint="name another field in target.primary_key, or write a mapping",
        )
    first = {primary_key: mapping.pop(primary_key)}
    return Fields(tuple((first | mapping).items()), primary_key)


def _default_primary_key(sync: SearchSync, mapping: dict[str, str]) -> str:
    if len(sync.source.key) > 1:
        return "id"
    (key,) = sync.source.key
    straight = [name for name, expression in mapping.items() if expression.strip().strip('"').lower() == key.lower()]
    return "id" if "id" in straight or not straight else straight[0]


def composite_id(key: Sequence[str]) -> str:
    """SQL for a document id out of several key columns, different for different keys, and NULL if one of them is NULL.

    Each value is written as text in which letters, digits and `-` stand for themselves and every other byte of its UTF-8 form as
    `_` and two hexadecimal digits; the parts are joined by `__`, which no part can contain.
    """
    return " || '__' || ".join(_escaped(quote(column)) for column in key)


def _escaped(column: str) -> str:
    escaped = f"url_encode(CAST({column} AS VARCHAR))"
    for raw, code in (("_", "%5F"), (".", "%2E"), ("~", "%7E"), ("%", "_")):
        escaped = f"replace({escaped}, '{raw}', '{code}')"
    return escaped
