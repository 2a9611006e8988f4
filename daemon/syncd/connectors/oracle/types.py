"""How each Oracle type is carried: the SQL that makes it fit for Arrow without loss, and how a bound text becomes a value again.

Whatever the driver would round (NUMBER without a scale goes through a double), cut (a fraction at six digits), move (a time zone is
dropped) or cannot carry at all (intervals, JSON, XMLTYPE, VECTOR, ROWID) is converted by the server. A value outside of what Arrow
holds stands as NULL, and the row says so (`syncd.domain.scan.UNFIT`).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial

import pyarrow as pa

from syncd.connectors.oracle.kinds import TEXTS, Kind
from syncd.connectors.oracle.moments import moment_text
from syncd.connectors.oracle.settings import Settings
from syncd.connectors.oracle.texts import as_instants, as_json, as_json_numbers, as_nanoseconds, as_precise_instants, without_blanks

HERE = "\0"
"""Where a value is bound: no identifier holds it, so a statement can number them at its end."""
VERSION = "ORA_ROWSCN"

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?", re.ASCII)
_ORACLE_DIGITS, _LEAST, _HIGHEST = 40, -130, 125
"""What a NUMBER holds: digits, and powers of ten of the first of them."""
_INT64_DIGITS = 18
_MOST_DIGITS = 38
_UNITS = "s", "ms", "ms", "ms", "us", "us", "us", "ns", "ns", "ns"
"""By digits of a fraction of a second."""
_NS_RANGE = "TIMESTAMP '1677-09-21 00:12:44' AND TIMESTAMP '2262-04-11 23:47:16'"
"""Whole seconds within 64 bits of nanoseconds around 1970."""


@dataclass(frozen=True, slots=True)
class Carrier:
    """One column on its way. `fetched` is what the driver is asked for, `arrow` what the batch holds once `finish` is done."""

    column: str
    select: str
    fetched: pa.DataType
    arrow: pa.DataType
    finish: Callable[[pa.Array], pa.Array] | None = None
    unfit: str = ""
    """SQL: a sentence where the value cannot be carried, else NULL."""
    bound: str = ""
    """SQL of one value to compare the column with, bound at `HERE`; empty where it can be neither key nor watermark."""
    value: Callable[[str], str | Decimal] = str
    """What is bound for a position's text. Raises `ValueError` for what is no value of the type."""
    moment: str = ""
    """SQL of a TIMESTAMP without a zone, of `{}`; zoned types are in UTC there. Empty where the type is no moment."""
    zoned: bool = False
    lob: bool = False
    obstacle: str = ""

    def select_of(self, column: str) -> str:
        """`select` for another expression of the same type."""
        return self.select.replace(self.column, column)

    def renamed(self, column: str) -> "Carrier":
        """The same for another column of the same type."""
        return replace(self, column=column, select=self.select_of(column))


def carrier(column: str, name: str, kind: Kind, settings: Settings) -> Carrier:
    """How a column, given as SQL and by name, is carried."""
    made = _CARRIERS.get(kind.name)
    if made is None:
        remedy = f"leave it out by a `mapping`, or convert it in a `query`; {kind.text} has no form in a document"
        return Carrier(column, "NULL", pa.string(), pa.string(), obstacle=remedy)
    return made(column, _literal(name), kind, settings)


def carrier_of_version() -> Carrier:
    return Carrier(VERSION, VERSION, pa.int64(), pa.int64(), bound=HERE, value=decimal)


def decimal(text: str) -> Decimal:
    """A number, exactly; one of many digits may stand in quotes, as it does in JSON. Raises `ValueError`."""
    if not _NUMBER.fullmatch(digits := text.strip('"')):
        raise ValueError(f"{text!r} is no number")
    found = Decimal(digits)
    if len(found.as_tuple().digits) > _ORACLE_DIGITS or not (found == 0 or _LEAST <= found.adjusted() <= _HIGHEST):
        raise ValueError(f"{text!r} is no number that Oracle holds")
    return found


def _literal(text: str) -> str:
    """The inside of a literal."""
    return text.replace("'", "''")


def _numeric(column: str, name: str, kind: Kind, _settings: Settings) -> Carrier:
    """NUMBER(5,-3) holds whole numbers of 8 digits, NUMBER(3,5) fractions of 5."""
    if kind.name == "NUMBER" and kind.scale is not None:
        precision, scale = (_MOST_DIGITS if kind.precision is None else kind.precision), max(kind.scale, 0)
        digits = max(precision - min(kind.scale, 0), scale)
        if digits <= _INT64_DIGITS and scale == 0:
            return Carrier(column, column, pa.int64(), pa.int64(), bound=HERE, value=decimal)
        if digits < _MOST_DIGITS:
            arrow = pa.decimal128(digits, scale)
            return Carrier(column, column, arrow, arrow, bound=HERE, value=decimal)
        if digits == _MOST_DIGITS:
            return _widest(column, name, scale)
    text = f"TO_CHAR({column}, 'TM9')"
    return Carrier(column, text, pa.string(), pa.json_(), as_json_numbers, bound=HERE, value=decimal)


def _widest(column: str, name: str, scale: int) -> Carrier:
    """INTEGER and NUMBER(*,2) have no precision, and hold more digits than Arrow does."""
    arrow, fits = pa.decimal128(_MOST_DIGITS, scale), f"ABS({column}) < 1E{_MOST_DIGITS - scale}"
    most = f"at most {_MOST_DIGITS - scale} digits before the point can be read"
    sentence = f"'column {name} holds ' || TO_CHAR({column}, 'TM9') || ', and {most}'"
    unfit = f"CASE WHEN NOT ({fits}) THEN {sentence} END"
    return Carrier(column, f"CASE WHEN {fits} THEN {column} END", arrow, arrow, unfit=unfit, bound=HERE, value=decimal)


def _binary_float(arrow: pa.DataType, cast: str) -> "_Make":
    def make(column: str, _name: str, _kind: Kind, _settings: Settings) -> Carrier:
        return Carrier(column, column, arrow, arrow, bound=f"{cast}({HERE})", value=lambda text: str(float(text)))

    return make


def _text(column: str, _name: str, kind: Kind, settings: Settings) -> Carrier:
    """The blanks of a CHAR go at this end: for the server, nothing but blanks without its blanks is NULL."""
    if kind.name not in ("CHAR", "NCHAR"):
        return Carrier(column, column, pa.string(), pa.string(), bound=HERE)
    bound = f"CAST({HERE} AS {kind.text})" if kind.length else HERE
    finish = without_blanks if settings.trim_char else None
    return Carrier(column, column, pa.string(), pa.string(), finish, bound=bound, value=partial(_padded, kind.length))


def _padded(length: int, text: str) -> str:
    """A text that is longer than the column would be cut by the server, and then be another."""
    if length and len(text.rstrip(" ")) > length:
        raise ValueError(f"{text!r} is longer than {length} characters")
    return text or " "


def _date(column: str, name: str, _kind: Kind, _settings: Settings) -> Carrier:
    fits = f"{column} >= DATE '0001-01-01'"
    return Carrier(
        column,
        f"CASE WHEN {fits} THEN {column} END",
        pa.timestamp("s"),
        pa.timestamp("s"),
        unfit=_too_early(column, name),
        bound=f"TO_DATE({HERE}, 'YYYY-MM-DD HH24:MI:SS')",
        value=lambda text: moment_text(text, digits=0),
        moment="CAST({} AS TIMESTAMP(9))",
    )


def _timestamp(column: str, name: str, kind: Kind, _settings: Settings) -> Carrier:
    select, unit, unfit = _guarded(column, name, kind)
    precise = unit == "ns"
    return Carrier(
        column,
        select,
        pa.string() if precise else pa.timestamp(unit),
        pa.timestamp(unit),
        as_nanoseconds if precise else None,
        unfit=unfit,
        bound=f"TO_TIMESTAMP({HERE}, 'YYYY-MM-DD HH24:MI:SS.FF9')",
        value=moment_text,
        moment="{}",
    )


def _zoned(column: str, name: str, kind: Kind, _settings: Settings) -> Carrier:
    select, unit, unfit = _guarded(f"SYS_EXTRACT_UTC({column})", name, kind)
    precise = unit == "ns"
    return Carrier(
        column,
        select,
        pa.string() if precise else pa.timestamp(unit),
        pa.timestamp(unit, "UTC"),
        as_precise_instants if precise else as_instants,
        unfit=unfit,
        bound=f"FROM_TZ(TO_TIMESTAMP({HERE}, 'YYYY-MM-DD HH24:MI:SS.FF9'), '+00:00')",
        value=moment_text,
        moment="SYS_EXTRACT_UTC({})",
        zoned=True,
    )


def _guarded(utc: str, name: str, kind: Kind) -> tuple[str, str, str]:
    """What to select, its unit, and why it is unfit. Nanoseconds are text."""
    unit = _UNITS[kind.scale or 0]
    if unit != "ns":
        return f"CASE WHEN {utc} >= TIMESTAMP '0001-01-01 00:00:00' THEN {utc} END", unit, _too_early(utc, name)
    fits = f"{utc} BETWEEN {_NS_RANGE}"
    found = f"LTRIM(TO_CHAR({utc}, 'SYYYY-MM-DD HH24:MI:SS.FF9'))"
    sentence = f"'column {name} holds ' || {found} || ', and nanoseconds reach from 1677-09-21 to 2262-04-11 only'"
    text = f"TO_CHAR({utc}, 'YYYY-MM-DD HH24:MI:SS.FF9')"
    return f"CASE WHEN {fits} THEN {text} END", unit, f"CASE WHEN NOT ({fits}) THEN {sentence} END"


def _too_early(value: str, name: str) -> str:
    found = f"TO_CHAR({value}, 'SYYYY-MM-DD')"
    return f"CASE WHEN {value} < DATE '0001-01-01' THEN 'column {name} holds the date ' || {found} || ', before the year 1' END"


def _years(column: str, _name: str, _kind: Kind, _settings: Settings) -> Carrier:
    text = f"'P' || EXTRACT(YEAR FROM {column}) || 'Y' || EXTRACT(MONTH FROM {column}) || 'M'"
    return Carrier(column, f"CASE WHEN {column} IS NOT NULL THEN {text} END", pa.string(), pa.string())


def _days(column: str, _name: str, _kind: Kind, _settings: Settings) -> Carrier:
    seconds = f"RTRIM(TO_CHAR(EXTRACT(SECOND FROM {column}), 'FM90.999999999'), '.')"
    clock = f"EXTRACT(HOUR FROM {column}) || 'H' || EXTRACT(MINUTE FROM {column}) || 'M' || {seconds} || 'S'"
    text = f"'P' || EXTRACT(DAY FROM {column}) || 'DT' || {clock}"
    return Carrier(column, f"CASE WHEN {column} IS NOT NULL THEN {text} END", pa.string(), pa.string())


def _raw(column: str, _name: str, _kind: Kind, settings: Settings) -> Carrier:
    bound = f"HEXTORAW({HERE})"
    if settings.raw == "hex":
        return Carrier(column, f"RAWTOHEX({column})", pa.string(), pa.string(), bound=bound, value=_hex)
    return Carrier(column, column, pa.large_binary(), pa.large_binary(), bound=bound, value=_hex_of_bytes)


def _hex(text: str) -> str:
    """Raises `ValueError`."""
    return bytes.fromhex(text).hex().upper()


def _hex_of_bytes(text: str) -> str:
    """Of bytes as positions and documents' keys write them: a backslash, an x and two digits each, or the ASCII character."""
    return "".join(code or sign.encode("ascii").hex() for code, sign in _BYTE.findall(text)).upper()


_BYTE = re.compile(r"\\x([0-9A-Fa-f]{2})|(.)", re.DOTALL)


def _lob(column: str, name: str, kind: Kind, settings: Settings) -> Carrier:
    size, limit = f"DBMS_LOB.GETLENGTH({column})", settings.lob_limit
    binary = kind.name == "BLOB"
    arrow = pa.large_binary() if binary else pa.large_string()
    if settings.lob_over == "truncate" and not binary:
        select = f"CASE WHEN {size} > {limit} THEN SUBSTR({column}, 1, {limit}) ELSE {column} END"
        return Carrier(column, select, arrow, arrow, lob=True)
    unit = "bytes" if binary else "characters"
    sentence = f"'column {name} holds ' || {size} || ' {unit}, and `lob_limit` of the connection is {limit}'"
    unfit = f"CASE WHEN {size} > {limit} THEN {sentence} END"
    return Carrier(column, f"CASE WHEN {size} <= {limit} THEN {column} END", arrow, arrow, unfit=unfit, lob=True)


def _serialized(call: str, finish: Callable[[pa.Array], pa.Array] | None = None) -> "_Make":
    def make(column: str, _name: str, _kind: Kind, _settings: Settings) -> Carrier:
        arrow = pa.large_string() if finish is None else pa.json_(pa.large_string())
        return Carrier(column, call.format(column), pa.large_string(), arrow, finish, lob=True)

    return make


def _plain(arrow: pa.DataType) -> "_Make":
    def make(column: str, _name: str, _kind: Kind, _settings: Settings) -> Carrier:
        return Carrier(column, column, arrow, arrow)

    return make


def _rowid(column: str, _name: str, _kind: Kind, _settings: Settings) -> Carrier:
    return Carrier(column, f"ROWIDTOCHAR({column})", pa.string(), pa.string(), bound=f"CHARTOROWID({HERE})", value=_rowid_text)


def _rowid_text(text: str) -> str:
    if not _ROWID.fullmatch(text):
        raise ValueError(f"{text!r} is no ROWID")
    return text


_ROWID = re.compile(r"[A-Za-z0-9+/]{18}|\*[A-Za-z0-9+/=]+")


_Make = Callable[[str, str, Kind, Settings], Carrier]

_CARRIERS: dict[str, _Make] = {
    "NUMBER": _numeric,
    "FLOAT": _numeric,
    "BINARY_FLOAT": _binary_float(pa.float32(), "TO_BINARY_FLOAT"),
    "BINARY_DOUBLE": _binary_float(pa.float64(), "TO_BINARY_DOUBLE"),
    **dict.fromkeys(TEXTS, _text),
    "LONG": _plain(pa.large_string()),
    "DATE": _date,
    "TIMESTAMP": _timestamp,
    "TIMESTAMP WITH TIME ZONE": _zoned,
    "TIMESTAMP WITH LOCAL TIME ZONE": _zoned,
    "INTERVAL YEAR TO MONTH": _years,
    "INTERVAL DAY TO SECOND": _days,
    "RAW": _raw,
    "CLOB": _lob,
    "NCLOB": _lob,
    "BLOB": _lob,
    "BOOLEAN": _plain(pa.bool_()),
    "ROWID": _rowid,
    "UROWID": _rowid,
    "JSON": _serialized("JSON_SERIALIZE({} RETURNING CLOB)", as_json),
    "XMLTYPE": _serialized("XMLSERIALIZE(CONTENT {} AS CLOB)"),
    "VECTOR": _serialized("FROM_VECTOR({} RETURNING CLOB)", as_json),
}
