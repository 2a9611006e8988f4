"""The JSON form of every column type, as SQL that runs in DuckDB over an Arrow batch.

| Type                                  | JSON                                                                                  |
| ------------------------------------- | ------------------------------------------------------------------------------------- |
| BOOLEAN, integers of up to 64 bits    | the value itself; 2^53 and beyond stay exact                                          |
| HUGEINT, UHUGEINT, BIGNUM             | a number where 64 bits hold it, else a string with all digits                         |
| DECIMAL                               | a number where 15 digits hold it, else a string with all digits                       |
| FLOAT, DOUBLE                         | the shortest number that reads back the same; NaN and the infinities become null      |
| VARCHAR, ENUM, UUID                   | a string                                                                              |
| DATE, TIME, TIMESTAMP (s, ms, us, ns) | ISO 8601 without a zone: `2026-11-20`, `10:00:00`, `2026-11-20T10:00:00.5`; any year  |
| TIMESTAMP WITH TIME ZONE (us, ns)     | ISO 8601 in UTC: `2026-11-20T01:00:00Z`                                               |
| TIME WITH TIME ZONE, BIT              | a string in DuckDB's own form: `10:00:00+09`, `0101`                                  |
| INTERVAL                              | an ISO 8601 duration: `P14M3DT90.5S`                                                  |
| BLOB                                  | a string: base64                                                                      |
| JSON                                  | as it is                                                                              |
| LIST, ARRAY, STRUCT, MAP, UNION       | array, array, object, object with the keys as text, the value that is set             |
| NULL of any type                      | null: the field is there, without a value                                             |
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from syncd.kit.sql import quote

EXACT_DIGITS = 15
"""Any decimal number of so many digits survives a 64-bit float (IEEE 754 binary64)."""
_EXACT_POWER = 22
"""Up to this power of ten they are read exactly in whatever way; beyond, quick readers of JSON may be one unit in the last place off."""


class SqlType(Protocol):
    """What DuckDB's Python types tell of themselves."""

    @property
    def id(self) -> str: ...

    @property
    def children(self) -> Sequence[tuple[str, Any]]: ...


def json_form(value: str, kind: SqlType, depth: int = 0) -> str:
    """SQL that turns the SQL `value` of a type into something whose JSON is the form above."""
    if leaf := _LEAVES.get(kind.id):
        return leaf(value)
    if nested := _NESTED.get(kind.id):
        return nested(value, kind, depth)
    return value


def needs_text(kind: SqlType) -> str:
    """Why a number of this type may not stay a number; empty if it always does."""
    if kind.id == "decimal" and _precision(kind) > EXACT_DIGITS:
        return f"{kind} holds more than {EXACT_DIGITS} digits; such values become strings"
    if kind.id in ("hugeint", "uhugeint", "bignum"):
        return f"{kind} holds more than 64 bits; such values become strings"
    return ""


def _wide_integer(value: str) -> str:
    fits = f"TRY_CAST({value} AS HUGEINT) BETWEEN -9223372036854775808 AND 18446744073709551615"
    return f"CASE WHEN {fits} THEN CAST(CAST({value} AS VARCHAR) AS JSON) ELSE to_json(CAST({value} AS VARCHAR)) END"


def _precision(kind: SqlType) -> int:
    return int(dict(kind.children)["precision"])


def _decimal(value: str, kind: SqlType, _depth: int) -> str:
    precision, scale = _precision(kind), int(dict(kind.children)["scale"])
    if precision <= EXACT_DIGITS:
        return value
    bound, digits = _shift("9" * EXACT_DIGITS, scale), f"CAST({value} AS VARCHAR)"
    if scale == precision:  # DuckDB writes no zero before the point then
        digits = f"regexp_replace({digits}, '^(-?)\\.', '\\10.')"
    if scale > _EXACT_POWER:
        return f"to_json({digits})"
    return f"CASE WHEN {value} BETWEEN -{bound} AND {bound} THEN to_json({value}) ELSE to_json({digits}) END"


def _shift(digits: str, scale: int) -> str:
    padded = digits.rjust(scale + 1, "0")
    return f"{padded[:-scale]}.{padded[-scale:]}" if scale else digits


def _timestamp(value: str) -> str:
    return f"replace(CAST({value} AS VARCHAR), ' ', 'T')"


def _instant(value: str) -> str:
    text = _timestamp(f"({value} AT TIME ZONE 'UTC')")
    return f"regexp_replace({text}, '([0-9])$', '\\1Z')"


def _interval(value: str) -> str:
    months = f"(datepart('year', {value}) * 12 + datepart('month', {value}))"
    micros = f"(datepart('hour', {value}) * 3600000000 + datepart('minute', {value}) * 60000000 + datepart('microseconds', {value}))"
    seconds = f"rtrim(rtrim(CAST(CAST({micros} AS DECIMAL(20, 0)) * 0.000001 AS VARCHAR), '0'), '.')"
    return f"('P' || {months} || 'M' || datepart('day', {value}) || 'DT' || {seconds} || 'S')"


_LEAVES: dict[str, Callable[[str], str]] = {
    "hugeint": _wide_integer,
    "uhugeint": _wide_integer,
    "bignum": _wide_integer,
    "double": lambda value: f"CASE WHEN isfinite({value}) THEN {value} END",
    "float": lambda value: f"CASE WHEN isfinite({value}) THEN CAST(CAST({value} AS VARCHAR) AS DOUBLE) END",
    "timestamp": _timestamp,
    "timestamp_s": _timestamp,
    "timestamp_ms": _timestamp,
    "timestamp_ns": _timestamp,
    "timestamp with time zone": _instant,
    "timestamptz_ns": _instant,
    "time with time zone": lambda value: f"CAST({value} AS VARCHAR)",
    "bit": lambda value: f"CAST({value} AS VARCHAR)",
    "interval": _interval,
    "blob": lambda value: f"to_base64({value})",
}


def _list(value: str, kind: SqlType, depth: int) -> str:
    (_, child) = kind.children[0]
    item = f"item{depth}"
    inner = json_form(item, child, depth + 1)
    return value if inner == item else f"list_transform({value}, lambda {item}: to_json({inner}))"


def _struct(value: str, kind: SqlType, depth: int) -> str:
    members = (
        f"'{name.replace(chr(39), chr(39) * 2)}', {json_form(f'({value}).{quote(name)}', child, depth + 1)}"
        for name, child in kind.children
    )
    return f"CASE WHEN {value} IS NOT NULL THEN json_object({', '.join(members)}) END"


def _map(value: str, kind: SqlType, depth: int) -> str:
    entry = f"entry{depth}"
    child = dict(kind.children)["value"]
    inner = json_form(f"{entry}.value", child, depth + 1)
    pairs = f"list_transform(map_entries({value}), lambda {entry}: {{'key': CAST({entry}.key AS VARCHAR), 'value': to_json({inner})}})"
    return f"CASE WHEN {value} IS NOT NULL THEN map_from_entries({pairs}) END"


def _union(value: str, kind: SqlType, depth: int) -> str:
    tags = [(name, child) for name, child in kind.children if name]
    arms = (f"WHEN '{name}' THEN to_json({json_form(f'({value}).{quote(name)}', child, depth + 1)})" for name, child in tags)
    return f"CASE CAST(union_tag({value}) AS VARCHAR) {' '.join(arms)} END"


_NESTED: dict[str, Callable[[str, SqlType, int], str]] = {
    "decimal": _decimal,
    "list": _list,
    "array": _list,
    "struct": _struct,
    "map": _map,
    "union": _union,
}
