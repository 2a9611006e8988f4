"""Literals, names, arithmetic, CASE and CAST."""

import re
from decimal import Decimal

from tests.servers.oracle import sql_number, sql_time
from tests.servers.oracle import sql_tree as tree
from tests.servers.oracle.backend import Kind, OracleError
from tests.servers.oracle.compile_base import PSEUDO_TYPES, Compiler, Typed, of_kind, value
from tests.servers.oracle.compile_conditions import comparison
from tests.servers.oracle.conversions import place, text_to_months, text_to_seconds
from tests.servers.oracle.sql_type import (
    BOOLEAN,
    DATE,
    DOUBLE,
    MONTHS,
    NATIONAL,
    NULL,
    NUMBER,
    PADDED,
    SECONDS,
    Group,
    Type,
    common,
    of_group,
    text,
)


def quoted(content: str) -> str:
    """A text literal of the storage."""
    return "'" + content.replace("'", "''") + "'"


def hexed(content: bytes) -> str:
    return f"X'{content.hex()}'"


@value(tree.Text)
def _text(compiler: Compiler, node: tree.Text) -> Typed:
    if not node.value:
        return Typed("NULL", text(1))
    kind = Kind.NCHAR if node.national else Kind.CHAR
    return Typed(quoted(node.value), Type(kind, len(node.value.encode())), nullable=False, literal=node.value)


@value(tree.Number)
def _number(compiler: Compiler, node: tree.Number) -> Typed:
    if node.value[-1] in "dDfF":
        return compiler.convert(Typed(quoted(node.value[:-1]), text(40), nullable=False), DOUBLE)
    number = Decimal(node.value)
    native = str(int(number)) if number == int(number) and abs(number) < 1 << 62 else ""
    return Typed(hexed(sql_number.encode(number)), NUMBER, nullable=False, native=native)


@value(tree.Null)
def _null(compiler: Compiler, node: tree.Null) -> Typed:
    return Typed("NULL", NULL)


@value(tree.Truth)
def _truth(compiler: Compiler, node: tree.Truth) -> Typed:
    return Typed("X'01'" if node.value else "X'00'", BOOLEAN, nullable=False)


@value(tree.Bind)
def _bind(compiler: Compiler, node: tree.Bind) -> Typed:
    return Typed(f":b{node.index + 1}", of_kind(compiler.build.binds[node.index]))


_DATE = re.compile(r"\s*(-?\d{1,4})-(\d{1,2})-(\d{1,2})\s*")
_TIMESTAMP = re.compile(r"\s*(-?\d{1,4})-(\d{1,2})-(\d{1,2}) (\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.(\d{1,9}))?\s*(\S+)?\s*")


@value(tree.Temporal)
def _temporal(compiler: Compiler, node: tree.Temporal) -> Typed:
    match node.what:
        case "INTERVAL":
            return _interval(node)
        case "DATE":
            match = _DATE.fullmatch(node.value)
            if match is None:
                raise OracleError(1861, "literal does not match format string", node.at)
            return Typed(hexed(sql_time.encode(_checked(*map(int, match.groups()), at=node.at))), DATE, nullable=False)
        case _:
            return _timestamp(node)


def _checked(*parts: int, at: int) -> sql_time.Fields:
    fields = sql_time.Fields(*parts)
    if not 1 <= fields.month <= 12:
        raise OracleError(1843, "not a valid month", at)
    if not fields.year or not 1 <= fields.day <= sql_time.days_in(fields.year, fields.month):
        raise OracleError(1847, "day of month must be between 1 and last day of month", at)
    if fields.hour > 23 or fields.minute > 59 or fields.second > 59:
        raise OracleError(1850, "hour must be between 0 and 23", at)
    return fields


def _timestamp(node: tree.Temporal) -> Typed:
    match = _TIMESTAMP.fullmatch(node.value)
    if match is None:
        raise OracleError(1861, "literal does not match format string", node.at)
    *parts, fraction, zone = match.groups()
    digits = len(fraction or "")
    fields = _checked(*map(int, parts), int(f"{fraction or '':0<9}"), at=node.at)
    if zone:
        return Typed(hexed(place(fields, None, zone)), Type(Kind.TIMESTAMP_TZ, scale=digits), nullable=False)
    return Typed(hexed(sql_time.encode(fields)), Type(Kind.TIMESTAMP, scale=digits), nullable=False)


def _interval(node: tree.Temporal) -> Typed:
    sign = "-" if node.value.strip().startswith("-") else ""
    size = node.value.strip().lstrip("+-")
    match node.unit:
        case "YEAR TO MONTH":
            return Typed(hexed(text_to_months(sign + size)), MONTHS, nullable=False)
        case "YEAR" | "MONTH":
            months = int(size) * (12 if node.unit == "YEAR" else 1)
            return Typed(hexed(sql_time.encode_months(-months if sign else months)), MONTHS, nullable=False)
        case "DAY" | "HOUR" | "MINUTE" | "SECOND":
            unit = {"DAY": 86_400, "HOUR": 3600, "MINUTE": 60, "SECOND": 1}[node.unit]
            nanos = int(Decimal(size) * unit * sql_time.SECOND)
            return Typed(hexed(sql_time.encode_seconds(-nanos if sign else nanos)), SECONDS, nullable=False)
        case "DAY TO SECOND":
            return Typed(hexed(text_to_seconds(sign + size)), SECONDS, nullable=False)
        case _:
            raise OracleError(1867, "the interval is invalid", node.at)


@value(tree.Name)
def _name(compiler: Compiler, node: tree.Name) -> Typed:
    if node.parts == ("ROWNUM",):
        if compiler.scope.rownum is None:
            raise OracleError(976, "Specified pseudocolumn or operator not allowed here.", node.at)
        return compiler.scope.rownum
    found = compiler.scope.column(node.parts, node.at)
    if found is not None:
        return found
    name = ".".join(node.parts)
    if name in PSEUDO_TYPES:
        return known(compiler, name, PSEUDO_TYPES[name])
    if name == "DBMS_FLASHBACK.GET_SYSTEM_CHANGE_NUMBER" and "DBMS_FLASHBACK" not in compiler.build.refused:
        return known(compiler, name, NUMBER)
    raise OracleError(904, ".".join(f'"{part}"' for part in node.parts) + ": invalid identifier", node.at)


def known(compiler: Compiler, name: str, type_: Type) -> Typed:
    """What the session knows by name, the same throughout a statement."""
    return Typed(compiler.build.parameter(lambda run: run.known(name), name), type_, nullable=False)


@value(tree.Negative)
def _negative(compiler: Compiler, node: tree.Negative) -> Typed:
    if isinstance(node.value, tree.Number) and node.value.value[-1] not in "dDfF":
        return _number(compiler, tree.Number(f"-{node.value.value}"))
    operand = compiler.value(node.value)
    if operand.type.group in (Group.DOUBLE, Group.FLOAT):
        return Typed(f"negative_double({compiler.convert(operand, DOUBLE).sql})", DOUBLE)
    return Typed(f"negative({compiler.convert(operand, NUMBER, node.at).sql})", NUMBER)


_WORDS = {"+": "plus", "-": "subtract", "*": "multiply", "/": "divide"}
_FLOATS = {Group.DOUBLE, Group.FLOAT}
_MOMENTS = {Group.TIME, Group.ZONED, Group.LOCAL}


@value(tree.Arithmetic)
def _arithmetic(compiler: Compiler, node: tree.Arithmetic) -> Typed:
    if node.sign == "||":
        return _concatenation(compiler, node)
    left, right = compiler.value(node.left), compiler.value(node.right)
    groups = {left.type.group, right.type.group}
    if groups & _MOMENTS:
        return _moments(compiler, node, left, right)
    if Group.SECONDS in groups:
        return _intervals(compiler, node, left, right)
    word = _WORDS[node.sign]
    if groups & _FLOATS:
        both = [compiler.convert(side, DOUBLE, node.at).sql for side in (left, right)]
        return Typed(f"{word}_double({', '.join(both)})", DOUBLE)
    both = [compiler.convert(side, NUMBER, node.at).sql for side in (left, right)]
    return Typed(f"{word}({', '.join(both)})", NUMBER)


def _moments(compiler: Compiler, node: tree.Arithmetic, left: Typed, right: Typed) -> Typed:
    """Something with a date or a timestamp on one side or both."""
    if right.type.group in _MOMENTS and node.sign == "+" and left.type.group not in _MOMENTS:
        left, right = right, left
    if node.sign not in "+-" or left.type.group not in _MOMENTS:
        raise OracleError(932, f"inconsistent datatypes: expected NUMBER got {right.type.kind.value}", node.at)
    word = "add" if node.sign == "+" else "subtract"
    match right.type.group:
        case Group.SECONDS:
            kind = left.type if left.type.kind is not Kind.DATE else DATE
            return Typed(f"{word}_seconds({left.sql}, {right.sql})", kind)
        case Group.MONTHS:
            return Typed(f"{word}_interval_months({left.sql}, {right.sql})", left.type)
        case group if group in _MOMENTS:
            return _difference(compiler, node, left, right)
        case _:
            plain = compiler.convert(left, DATE, node.at)
            return Typed(f"{word}_days({plain.sql}, {compiler.convert(right, NUMBER, node.at).sql})", DATE)


def _difference(compiler: Compiler, node: tree.Arithmetic, left: Typed, right: Typed) -> Typed:
    if node.sign != "-":
        raise OracleError(975, "date + date not allowed", node.at)
    if left.type.kind is Kind.DATE and right.type.kind is Kind.DATE:
        return Typed(f"days_between({left.sql}, {right.sql})", NUMBER)
    group = Group.TIME if left.type.group is right.type.group is Group.TIME else Group.ZONED
    both = [compiler.convert(side, of_group(group), node.at).sql for side in (left, right)]
    return Typed(f"time_between({', '.join(both)})", SECONDS)


def _intervals(compiler: Compiler, node: tree.Arithmetic, left: Typed, right: Typed) -> Typed:
    if left.type.group is not Group.SECONDS:
        left, right = right, left
    if node.sign != "*" or right.type.group is not Group.NUMBER:
        raise OracleError(932, "inconsistent datatypes: expected NUMBER got INTERVAL", node.at)
    return Typed(f"scale_seconds({left.sql}, {right.sql})", SECONDS)


def _concatenation(compiler: Compiler, node: tree.Arithmetic) -> Typed:
    sides = [compiler.value(side) for side in (node.left, node.right)]
    large = any(side.type.group is Group.LOB for side in sides)
    texts = [side if side.type.group is Group.LOB else compiler.convert(side, text(4000), node.at) for side in sides]
    national = any(side.type.kind in NATIONAL for side in sides)
    size = sum(side.type.size for side in texts)
    type_ = Type(Kind.CLOB) if large else Type(Kind.NVARCHAR2 if national else Kind.VARCHAR2, max(1, min(size, 4000)))
    first, second = (f"ifnull({side.sql}, '')" for side in texts)
    return Typed(f"nullif({first} || {second}, '')", type_)


@value(tree.Case)
def _case(compiler: Compiler, node: tree.Case) -> Typed:
    results = unified(compiler, [result for _, result in node.whens] + [node.otherwise], node.at)
    if node.operand is None:
        tests = [compiler.condition(test) for test, _ in node.whens]
    else:
        operand = compiler.value(node.operand)
        tests = [comparison(compiler, "=", operand, compiler.value(test), node.at) for test, _ in node.whens]
    branches = " ".join(f"WHEN {test} THEN {result.sql}" for test, result in zip(tests, results, strict=False))
    return Typed(f"(CASE {branches} ELSE {results[-1].sql} END)", results[0].type, any(result.nullable for result in results))


def unified(compiler: Compiler, nodes: list[tree.Node], at: int) -> list[Typed]:
    """Values of one type: that of the first that is not NULL."""
    found = [compiler.value(node) for node in nodes]
    leading = next((each.type for each in found if each.type.group is not Group.NULL), NULL)
    if leading.group is Group.NUMBER and any(each.type.group in _FLOATS for each in found):
        leading = DOUBLE
    converted = [compiler.convert(each, leading, at) for each in found]
    type_ = leading
    for each in converted:
        type_ = common(type_, each.type)
    if type_.kind in PADDED and any(each.type.kind not in PADDED or each.type.size != type_.size for each in converted):
        type_ = Type(Kind.VARCHAR2, type_.size)
    return [Typed(each.sql, type_, each.nullable) for each in converted]


@value(tree.Cast)
def _cast(compiler: Compiler, node: tree.Cast) -> Typed:
    operand, to = compiler.value(node.value), node.to
    if operand.type.group in (Group.ZONED, Group.LOCAL) and to.kind is Kind.DATE:
        operand = compiler.convert(operand, DATE)
    found = compiler.convert(operand, to, node.at)
    return Typed(_limited(found.sql, to, node.at), to, found.nullable)


def _limited(sql: str, to: Type, at: int) -> str:
    match to.kind:
        case Kind.VARCHAR2 | Kind.NVARCHAR2:
            return f"substr({sql}, 1, {to.size})"
        case Kind.CHAR | Kind.NCHAR:
            return f"pad_text({sql}, int_number({to.size}), ' ', 'RIGHT')"
        case Kind.NUMBER if to.scale is not None:
            return f"number_fit({sql}, {to.precision or sql_number.UNLIMITED}, {to.scale})"
        case Kind.DATE:
            return f"cut_fraction({sql})"
        case Kind.TIMESTAMP | Kind.TIMESTAMP_TZ | Kind.TIMESTAMP_LTZ:
            return f"round_fraction({sql}, {to.scale})"
        case _:
            return sql


@value(tree.AtZone)
def _at_zone(compiler: Compiler, node: tree.AtZone) -> Typed:
    moment = compiler.as_group(node.value, Group.ZONED)
    return Typed(f"at_zone({moment.sql}, {compiler.as_group(node.zone, Group.TEXT).sql})", Type(Kind.TIMESTAMP_TZ, scale=moment.type.scale))
