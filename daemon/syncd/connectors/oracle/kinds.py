"""The types of columns, as the dictionary declares them and as the driver describes those of a query."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import oracledb

_TIMESTAMP_DIGITS = 6
_NO_SCALE = -127
TEXTS = ("VARCHAR2", "NVARCHAR2", "CHAR", "NCHAR", "VARCHAR")
_NAMES = {
    "DB_TYPE_VARCHAR": "VARCHAR2",
    "DB_TYPE_NVARCHAR": "NVARCHAR2",
    "DB_TYPE_TIMESTAMP_TZ": "TIMESTAMP WITH TIME ZONE",
    "DB_TYPE_TIMESTAMP_LTZ": "TIMESTAMP WITH LOCAL TIME ZONE",
    "DB_TYPE_INTERVAL_DS": "INTERVAL DAY TO SECOND",
    "DB_TYPE_INTERVAL_YM": "INTERVAL YEAR TO MONTH",
    "DB_TYPE_LONG_RAW": "LONG RAW",
}


@dataclass(frozen=True, slots=True)
class Kind:
    """A column's type: `name` without any digits, `text` as Oracle writes it."""

    name: str
    text: str
    precision: int | None = None
    scale: int | None = None
    length: int = 0

    @classmethod
    def declared(cls, row: Sequence[Any]) -> Self:
        """From DATA_TYPE, DATA_PRECISION, DATA_SCALE, DATA_LENGTH, CHAR_LENGTH and CHAR_USED of ALL_TAB_COLUMNS."""
        data_type, precision, scale, data_length, char_length, char_used = row
        name = re.sub(r"\(\d+\)", "", data_type)
        digits = [int(number) for number in re.findall(r"\((\d+)\)", data_type)]
        if name.startswith("TIMESTAMP"):
            return cls(name, data_type, scale=digits[0] if digits else _TIMESTAMP_DIGITS)
        if name in ("NUMBER", "FLOAT"):
            known = None if precision is None else int(precision), None if scale is None else int(scale)
            return cls(name, _number(name, *known), *known)
        if name in TEXTS or name == "RAW":
            length = int(char_length or 0) if name in TEXTS else int(data_length)
            unit = " CHAR" if char_used == "C" and not name.startswith("N") else ""
            return cls(name, f"{name}({length}{unit})", length=length)
        return cls(name, data_type)

    @classmethod
    def fetched(cls, info: oracledb.FetchInfo) -> Self:
        """From what the driver tells of a query's column."""
        name = _NAMES.get(info.type_code.name, info.type_code.name.removeprefix("DB_TYPE_"))
        precision, scale = info.precision or None, info.scale
        if name == "NUMBER":
            known = (precision, scale) if precision is not None and scale != _NO_SCALE else (None, None)
            return cls(name, _number(name, *known), *known)
        if name.startswith("TIMESTAMP"):
            return cls(name, name.replace("TIMESTAMP", f"TIMESTAMP({scale or 0})", 1), scale=scale or 0)
        if name in TEXTS or name == "RAW":
            unit = " CHAR" if name == "CHAR" else ""
            return cls(name, f"{name}({info.display_size or info.internal_size or 0}{unit})", length=info.display_size or 0)
        return cls(name, name)


def _number(name: str, precision: int | None, scale: int | None) -> str:
    if name == "FLOAT" or (precision is None and scale is None):
        return f"{name}({precision})" if precision else name
    if precision is None:
        return f"{name}(*,{scale})"
    return f"{name}({precision},{scale})" if scale else f"{name}({precision})"
