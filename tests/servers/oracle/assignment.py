"""What a column keeps of a value that is written to it."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from tests.servers.oracle import sql_number, sql_time
from tests.servers.oracle.backend import Kind, OracleError
from tests.servers.oracle.catalogue import Column, Table
from tests.servers.oracle.compile_base import conversion_name
from tests.servers.oracle.conversions import CONVERSIONS, ENVIRONMENTAL
from tests.servers.oracle.sql_type import Group, Type

Assign = Callable[[Any], Any]


def assignment(table: Table, column: Column, source: Type, env: str, empty: int = 1400) -> Assign:
    """Converts and checks one value; `empty` is the error of a NULL that is not allowed. Raises `OracleError`."""
    convert = _conversion(source, column.type, env)
    check = _checker(table, column)
    nullable = column.nullable

    def assign(value: Any) -> Any:
        if value is None or value == "":
            if nullable:
                return None
            raise OracleError(empty, _no_null(empty, f'"{table.owner}"."{table.name}"."{column.name}"'))
        if convert is not None:
            value = convert(value)
        return check(value) if check is not None else value

    return assign


def _no_null(code: int, name: str) -> str:
    return f"cannot insert NULL into ({name})" if code == 1400 else f"cannot update ({name}) to NULL"


def _conversion(source: Type, to: Type, env: str) -> Assign | None:
    if source.group in (to.group, Group.NULL) or (source.group is Group.RAW and to.group is Group.BLOB):
        return None
    name = conversion_name(source, to)
    function = CONVERSIONS.get(name)
    if function is None:
        raise OracleError(932, f"inconsistent datatypes: expected {to.kind.value} got {source.kind.value}")
    return partial(function, env=env) if name in ENVIRONMENTAL else function


def _checker(table: Table, column: Column) -> Assign | None:
    type_ = column.type
    name = f'"{table.owner}"."{table.name}"."{column.name}"'
    match type_.kind:
        case Kind.VARCHAR2 | Kind.NVARCHAR2 | Kind.CHAR | Kind.NCHAR:
            return _text(type_, name)
        case Kind.RAW:
            return _raw(type_.size, name)
        case Kind.NUMBER if type_.scale is not None:
            return partial(_number, type_.precision or sql_number.UNLIMITED, type_.scale)
        case Kind.FLOAT if type_.precision is not None and type_.precision < 126:
            return partial(_float, round(type_.precision * 0.30103 + 0.5))
        case Kind.DATE:
            return _date
        case Kind.TIMESTAMP | Kind.TIMESTAMP_TZ | Kind.TIMESTAMP_LTZ if type_.scale is not None and type_.scale < 9:
            return partial(_fraction, type_.scale)
        case Kind.JSON:
            return _json
        case _:
            return None


def _too_large(name: str, actual: int, most: int) -> OracleError:
    return OracleError(12899, f"value too large for column {name} (actual: {actual}, maximum: {most})")


def _text(type_: Type, name: str) -> Assign:
    size, chars, padded = type_.size, type_.chars, type_.kind in (Kind.CHAR, Kind.NCHAR)

    def check(value: str) -> str:
        length = len(value) if chars or value.isascii() else len(value.encode())
        if length > size:
            raise _too_large(name, length, size)
        return value + " " * (size - length) if padded else value

    return check


def _raw(size: int, name: str) -> Assign:
    def check(value: bytes) -> bytes:
        if len(value) > size:
            raise _too_large(name, len(value), size)
        return value

    return check


def _number(precision: int, scale: int, value: bytes) -> bytes:
    return sql_number.fit(value, precision, scale)


def _float(digits: int, value: bytes) -> bytes:
    number = sql_number.decode(value)
    return sql_number.encode(sql_number.rounded(number, digits - 1 - number.adjusted())) if number else value


def _date(value: bytes) -> bytes:
    return value if value[7:11] == b"\0\0\0\0" else value[:7] + b"\0\0\0\0"


def _fraction(digits: int, value: bytes) -> bytes:
    return sql_time.rounded(value, digits)


def _json(value: str) -> str:
    try:
        json.loads(value)
    except ValueError as error:
        raise OracleError(40441, "JSON syntax error") from error
    return value
