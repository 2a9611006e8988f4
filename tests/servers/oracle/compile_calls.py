"""Calls of functions: what each expects, what it answers."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.servers.oracle import sql_tree as tree
from tests.servers.oracle.backend import Kind, OracleError
from tests.servers.oracle.compile_base import CALLS, Compiler, Handler, Typed, arity, call, conversion_name, sort_key, value
from tests.servers.oracle.compile_conditions import comparison
from tests.servers.oracle.compile_values import known, unified
from tests.servers.oracle.sql_type import (
    CLOB,
    DATE,
    DOUBLE,
    FLOAT,
    MONTHS,
    NANOS,
    NUMBER,
    ROWID,
    SECONDS,
    ZONED,
    Group,
    Type,
    of_group,
    raw,
    text,
)


@value(tree.Call)
def _call(compiler: Compiler, node: tree.Call) -> Typed:
    handler = CALLS.get(node.name)
    package = node.name.partition(".")[0]
    if node.name.endswith((".GETCLOBVAL", ".GETSTRINGVAL")):
        return _method(compiler, node)
    if handler is None or package in compiler.build.refused:
        raise OracleError(904, ".".join(f'"{part}"' for part in node.name.split(".")) + ": invalid identifier", node.at)
    return handler(compiler, node)


def _method(compiler: Compiler, node: tree.Call) -> Typed:
    *column, _ = node.name.split(".")
    document = compiler.value(tree.Name(tuple(column), at=node.at))
    if document.type.kind is not Kind.XMLTYPE:
        raise OracleError(22806, "not an object or REF", node.at)
    return Typed(document.sql, CLOB if node.name.endswith("CLOBVAL") else text(4000), document.nullable)


@dataclass(frozen=True, slots=True)
class Signature:
    """A function of the storage, its arguments' groups (`|` before those that may be left out), what it answers, and its defaults."""

    function: str
    arguments: str
    result: Callable[[list[Typed]], Type]
    defaults: tuple[str, ...] = ()


_LETTERS = {"t": Group.TEXT, "n": Group.NUMBER, "d": Group.TIME, "z": Group.ZONED, "r": Group.RAW, "s": Group.SECONDS, "m": Group.MONTHS}


def _fixed(type_: Type) -> Callable[[list[Typed]], Type]:
    return lambda _: type_


def _first(values: list[Typed]) -> Type:
    """A text like the first argument."""
    kind = values[0].type.kind
    kind = {Kind.CHAR: Kind.VARCHAR2, Kind.NCHAR: Kind.NVARCHAR2}.get(kind, kind)
    return Type(kind, values[0].type.size or 4000, chars=values[0].type.chars) if values[0].type.group is Group.TEXT else values[0].type


_SIGNATURES = {
    "UPPER": Signature("upper_text", "t", _first),
    "LOWER": Signature("lower_text", "t", _first),
    "INITCAP": Signature("initcap", "t", _first),
    "INSTR": Signature("instr_text", "tt|nn", _fixed(NUMBER)),
    "REPLACE": Signature("replace_text", "tt|t", _first, ("NULL",)),
    "TRANSLATE": Signature("translate", "ttt", _first),
    "LPAD": Signature("pad_text", "tn|t", _fixed(text(4000)), ("' '", "'LEFT'")),
    "RPAD": Signature("pad_text", "tn|t", _fixed(text(4000)), ("' '", "'RIGHT'")),
    "CHR": Signature("chr", "n", _fixed(text(4))),
    "ASCII": Signature("ascii", "t", _fixed(NUMBER)),
    "MOD": Signature("modulo", "nn", _fixed(NUMBER)),
    "ABS": Signature("absolute", "n", _fixed(NUMBER)),
    "SIGN": Signature("sign_of", "n", _fixed(NUMBER)),
    "CEIL": Signature("ceiling", "n", _fixed(NUMBER)),
    "FLOOR": Signature("floor_of", "n", _fixed(NUMBER)),
    "POWER": Signature("power", "nn", _fixed(NUMBER)),
    "SQRT": Signature("square_root", "n", _fixed(NUMBER)),
    "ADD_MONTHS": Signature("add_months", "dn", _fixed(DATE)),
    "MONTHS_BETWEEN": Signature("months_between", "dd", _fixed(NUMBER)),
    "LAST_DAY": Signature("last_day", "d", _fixed(DATE)),
    "FROM_TZ": Signature("from_tz", "dt", _fixed(ZONED)),
    "NUMTODSINTERVAL": Signature("interval_of", "nt", _fixed(SECONDS)),
    "NUMTOYMINTERVAL": Signature("months_of", "nt", _fixed(MONTHS)),
    "TO_DSINTERVAL": Signature("", "s", _fixed(SECONDS)),
    "TO_YMINTERVAL": Signature("", "m", _fixed(MONTHS)),
    "HEXTORAW": Signature("", "r", _fixed(raw(2000))),
    "SCN_TO_TIMESTAMP": Signature("scn_time", "n", _fixed(NANOS)),
    "TIMESTAMP_TO_SCN": Signature("time_scn", "d", _fixed(NUMBER)),
    "STANDARD_HASH": Signature("standard_hash", "t|t", _fixed(raw(64)), ("'SHA1'",)),
}


def _by_signature(signature: Signature) -> Handler:
    required, _, optional = signature.arguments.partition("|")
    letters = required + optional

    def handle(compiler: Compiler, node: tree.Call) -> Typed:
        arity(node, len(required), len(letters))
        values = [compiler.as_group(arg, _LETTERS[letter]) for arg, letter in zip(node.args, letters, strict=False)]
        given = len(values) - len(required)
        sqls = [each.sql for each in values] + list(signature.defaults[given:])
        return Typed(f"{signature.function}({', '.join(sqls)})", signature.result(values))

    return handle


CALLS.update({name: _by_signature(signature) for name, signature in _SIGNATURES.items()})


@call("NVL", "COALESCE")
def _coalesce(compiler: Compiler, node: tree.Call) -> Typed:
    arity(node, 2, 2 if node.name == "NVL" else 100)
    values = unified(compiler, list(node.args), node.at)
    return Typed(f"coalesce({', '.join(each.sql for each in values)})", values[0].type, all(each.nullable for each in values))


@call("NVL2")
def _nvl2(compiler: Compiler, node: tree.Call) -> Typed:
    arity(node, 3, 3)
    test = compiler.value(node.args[0])
    some, none = unified(compiler, list(node.args[1:]), node.at)
    return Typed(f"(CASE WHEN {test.sql} IS NOT NULL THEN {some.sql} ELSE {none.sql} END)", some.type)


@call("NULLIF")
def _nullif(compiler: Compiler, node: tree.Call) -> Typed:
    arity(node, 2, 2)
    one, other = (compiler.value(arg) for arg in node.args)
    return Typed(f"(CASE WHEN {comparison(compiler, '=', one, other, node.at)} THEN NULL ELSE {one.sql} END)", one.type)


@call("DECODE")
def _decode(compiler: Compiler, node: tree.Call) -> Typed:
    arity(node, 3, 255)
    operand, *rest = node.args
    searches, results = rest[0 : len(rest) // 2 * 2 : 2], rest[1::2]
    otherwise = rest[-1] if len(rest) % 2 else tree.Null()
    left = compiler.value(operand)
    values = unified(compiler, [*results, otherwise], node.at)
    tests = [comparison(compiler, "IS", left, compiler.value(search), node.at) for search in searches]
    branches = " ".join(f"WHEN {test} THEN {result.sql}" for test, result in zip(tests, values, strict=False))
    return Typed(f"(CASE {branches} ELSE {values[-1].sql} END)", values[0].type)


@call("GREATEST", "LEAST")
def _greatest(compiler: Compiler, node: tree.Call) -> Typed:
    arity(node, 1, 255)
    values = unified(compiler, list(node.args), node.at)
    return Typed(f"{node.name.lower()}({', '.join(each.sql for each in values)})", values[0].type)


@call("LENGTH", "LENGTHB", "DBMS_LOB.GETLENGTH", "UTL_RAW.LENGTH", "VSIZE")
def _length(compiler: Compiler, node: tree.Call) -> Typed:
    arity(node, 1, 1)
    operand = compiler.value(node.args[0])
    if operand.type.group not in (Group.TEXT, Group.LOB, Group.BLOB, Group.RAW):
        operand = compiler.convert(operand, text(4000), node.at)
    name = "lengthb" if node.name in ("LENGTHB", "VSIZE") else "lob_length" if operand.type.group is Group.LOB else "length_of"
    return Typed(f"{name}({operand.sql})", NUMBER, operand.nullable)


@call("DBMS_LOB.SUBSTR", "UTL_RAW.SUBSTR")
def _lob_substr(compiler: Compiler, node: tree.Call) -> Typed:
    arity(node, 1, 3)
    operand = compiler.value(node.args[0])
    if operand.type.group not in (Group.LOB, Group.BLOB, Group.RAW):
        operand = compiler.convert(operand, CLOB, node.at)
    numbers = [compiler.as_group(arg, Group.NUMBER).sql for arg in node.args[1:]]
    type_ = text(32767) if operand.type.group is Group.LOB else raw(32767)
    return Typed(f"lob_substr({', '.join([operand.sql, *numbers])})", type_)


@call("SUBSTR")
def _substr(compiler: Compiler, node: tree.Call) -> Typed:
    """A part of a LOB is a LOB."""
    arity(node, 2, 3)
    operand = compiler.value(node.args[0])
    numbers = [compiler.as_group(arg, Group.NUMBER).sql for arg in node.args[1:]]
    if operand.type.group is Group.LOB:
        return Typed(f"substr_of_lob({', '.join([operand.sql, *numbers])})", operand.type)
    operand = compiler.as_group(node.args[0], Group.TEXT)
    return Typed(f"substr_text({', '.join([operand.sql, *numbers])})", _first([operand]))


@call("TRIM", "LTRIM", "RTRIM")
def _trim(compiler: Compiler, node: tree.Call) -> Typed:
    arity(node, 1, 2)
    operand = compiler.as_group(node.args[0], Group.TEXT)
    signs = compiler.as_group(node.args[1], Group.TEXT).sql if len(node.args) > 1 else "' '"
    option = {"LTRIM": "LEADING", "RTRIM": "TRAILING"}.get(node.name, node.option)
    return Typed(f"trim_text({operand.sql}, {signs}, '{option or 'BOTH'}')", _first([operand]))


@call("RAWTOHEX")
def _rawtohex(compiler: Compiler, node: tree.Call) -> Typed:
    arity(node, 1, 1)
    operand = compiler.value(node.args[0])
    if operand.type.group not in (Group.RAW, Group.BLOB):
        raise OracleError(932, f"inconsistent datatypes: expected RAW got {operand.type.kind.value}", node.at)
    return Typed(f"raw_to_text({operand.sql})", text(operand.type.size * 2 or 4000), operand.nullable)


@call("ROUND", "TRUNC")
def _round(compiler: Compiler, node: tree.Call) -> Typed:
    arity(node, 1, 2)
    word = node.name.lower()
    operand = compiler.value(node.args[0])
    if operand.type.group in (Group.TIME, Group.ZONED, Group.LOCAL):
        unit = compiler.as_group(node.args[1], Group.TEXT).sql if len(node.args) > 1 else "'DD'"
        return Typed(f"{word}_time({compiler.convert(operand, DATE).sql}, {unit})", DATE)
    scale = compiler.as_group(node.args[1], Group.NUMBER).sql if len(node.args) > 1 else "X'80'"
    return Typed(f"{word}_number({compiler.convert(operand, NUMBER, node.at).sql}, {scale})", NUMBER)


@call("EXTRACT")
def _extract(compiler: Compiler, node: tree.Call) -> Typed:
    operand = compiler.value(node.args[0])
    allowed = {
        Group.TIME: ("time", "YEAR MONTH DAY" if operand.type.kind is Kind.DATE else "YEAR MONTH DAY HOUR MINUTE SECOND"),
        Group.ZONED: ("zoned", "YEAR MONTH DAY HOUR MINUTE SECOND TIMEZONE_HOUR TIMEZONE_MINUTE"),
        Group.SECONDS: ("seconds", "DAY HOUR MINUTE SECOND"),
        Group.MONTHS: ("months", "YEAR MONTH"),
    }
    name, parts = allowed.get(operand.type.group, ("", ""))
    if node.option not in parts.split():
        raise OracleError(30076, "invalid extract field for extract source", node.at)
    return Typed(f"extract_{name}({operand.sql}, '{node.option}')", NUMBER)


@call("TO_CHAR", "TO_NCHAR", "TO_CLOB", "TO_NCLOB")
def _to_char(compiler: Compiler, node: tree.Call) -> Typed:
    arity(node, 1, 3)
    operand = compiler.value(node.args[0])
    to = {"TO_CLOB": CLOB, "TO_NCLOB": Type(Kind.NCLOB), "TO_NCHAR": Type(Kind.NVARCHAR2, 4000)}.get(node.name, text(_room(operand.type)))
    if len(node.args) == 1:
        return Typed(compiler.convert(operand, to, node.at).sql, to, operand.nullable)
    model = compiler.as_group(node.args[1], Group.TEXT).sql
    match operand.type.group:
        case Group.TIME:
            sql = f"write_time({operand.sql}, {model})"
        case Group.ZONED:
            sql = f"write_zoned({operand.sql}, {model})"
        case Group.LOCAL:
            sql = f"write_time({compiler.convert(operand, NANOS).sql}, {model})"
        case Group.FLOAT | Group.DOUBLE | Group.NUMBER | Group.TEXT:
            sql = f"number_model({compiler.convert(operand, NUMBER).sql}, {model})"
        case _:
            raise OracleError(1722, "invalid number", node.at)
    return Typed(sql, text(100), operand.nullable)


def _room(type_: Type) -> int:
    return type_.size or {Group.NUMBER: 40, Group.LOB: 4000, Group.RAW: 4000}.get(type_.group, 75)


@call("TO_NUMBER")
def _to_number(compiler: Compiler, node: tree.Call) -> Typed:
    arity(node, 1, 3)
    if len(node.args) == 1:
        return compiler.as_group(node.args[0], Group.NUMBER)
    sides = [compiler.as_group(arg, Group.TEXT).sql for arg in node.args[:2]]
    return Typed(f"model_number({', '.join(sides)})", NUMBER)


@call("TO_BINARY_DOUBLE", "TO_BINARY_FLOAT")
def _to_float(compiler: Compiler, node: tree.Call) -> Typed:
    arity(node, 1, 1)
    return compiler.convert(compiler.value(node.args[0]), DOUBLE if node.name.endswith("DOUBLE") else FLOAT, node.at)


@call("TO_DATE", "TO_TIMESTAMP", "TO_TIMESTAMP_TZ")
def _to_time(compiler: Compiler, node: tree.Call) -> Typed:
    arity(node, 1, 3)
    type_ = {"TO_DATE": DATE, "TO_TIMESTAMP": NANOS, "TO_TIMESTAMP_TZ": Type(Kind.TIMESTAMP_TZ, scale=9)}[node.name]
    operand = compiler.value(node.args[0])
    if operand.type.group in (Group.TIME, Group.ZONED, Group.LOCAL):
        return Typed(compiler.convert(operand, type_, node.at).sql, type_, operand.nullable)
    words = compiler.convert(operand, text(4000), node.at)
    if len(node.args) == 1:
        return _implied(compiler, words, type_)
    model = compiler.as_group(node.args[1], Group.TEXT).sql
    env = f", {compiler.build.environment()}" if node.name == "TO_TIMESTAMP_TZ" else ""
    name = {"TO_DATE": "read_date", "TO_TIMESTAMP": "read_timestamp", "TO_TIMESTAMP_TZ": "read_zoned"}[node.name]
    return Typed(f"{name}({words.sql}, {model}{env})", type_, words.nullable)


def _implied(compiler: Compiler, words: Typed, type_: Type) -> Typed:
    """By the session's format."""
    if type_.group is Group.ZONED or type_.kind is Kind.DATE:
        return Typed(f"{conversion_name(words.type, type_)}({words.sql}, {compiler.build.environment()})", type_, words.nullable)
    model = compiler.build.parameter(lambda run: run.environment.timestamp, "timestamp format")
    return Typed(f"read_timestamp({words.sql}, {model})", type_, words.nullable)


@call("SYS_EXTRACT_UTC")
def _sys_extract_utc(compiler: Compiler, node: tree.Call) -> Typed:
    arity(node, 1, 1)
    moment = compiler.as_group(node.args[0], Group.ZONED)
    return Typed(f"substr({moment.sql}, 1, 11)", Type(Kind.TIMESTAMP, scale=moment.type.scale), moment.nullable)


@call("JSON_SERIALIZE", "XMLSERIALIZE", "FROM_VECTOR", "VECTOR_SERIALIZE")
def _serialized(compiler: Compiler, node: tree.Call) -> Typed:
    arity(node, 1, 1)
    document = compiler.value(node.args[0])
    if document.type.group not in (Group.LOB, Group.TEXT):
        raise OracleError(932, f"inconsistent datatypes: expected - got {document.type.kind.value}", node.at)
    return Typed(document.sql, node.returning or (text(4000) if node.name == "JSON_SERIALIZE" else CLOB), document.nullable)


@call("TO_VECTOR", "XMLTYPE", "JSON", "XMLPARSE")
def _document(compiler: Compiler, node: tree.Call) -> Typed:
    arity(node, 1, 3)
    kind = {"TO_VECTOR": Kind.VECTOR, "JSON": Kind.JSON}.get(node.name, Kind.XMLTYPE)
    return Typed(compiler.convert(compiler.value(node.args[0]), CLOB, node.at).sql, Type(kind))


@call("EMPTY_CLOB", "EMPTY_BLOB")
def _empty(compiler: Compiler, node: tree.Call) -> Typed:
    return Typed("NULL", CLOB if node.name == "EMPTY_CLOB" else of_group(Group.BLOB))


@call("TO_BLOB")
def _to_blob(compiler: Compiler, node: tree.Call) -> Typed:
    arity(node, 1, 1)
    return compiler.as_group(node.args[0], Group.BLOB)


@call("ORA_HASH")
def _ora_hash(compiler: Compiler, node: tree.Call) -> Typed:
    arity(node, 1, 3)
    operand = compiler.value(node.args[0])
    if operand.type.group is Group.ROWID:
        operand = compiler.convert(operand, text(18))
    numbers = [compiler.as_group(arg, Group.NUMBER).sql for arg in node.args[1:]]
    numbers += ["int_number(4294967295)", "int_number(0)"][len(numbers) :]
    return Typed(f"ora_hash({sort_key(operand, node.at)}, {', '.join(numbers)})", NUMBER)


@call("ROWIDTOCHAR")
def _rowid_to_char(compiler: Compiler, node: tree.Call) -> Typed:
    arity(node, 1, 1)
    return compiler.convert(compiler.as_group(node.args[0], Group.ROWID), text(18), node.at)


@call("CHARTOROWID")
def _char_to_rowid(compiler: Compiler, node: tree.Call) -> Typed:
    arity(node, 1, 1)
    return compiler.convert(compiler.value(node.args[0]), ROWID, node.at)


@call("SYS_CONTEXT", "USERENV")
def _context(compiler: Compiler, node: tree.Call) -> Typed:
    names = [arg.value.upper() for arg in node.args if isinstance(arg, tree.Text)]
    if node.name == "USERENV":
        names.insert(0, "USERENV")
    if len(names) != 2 or names[0] != "USERENV":
        raise OracleError(2003, "invalid USERENV parameter", node.at)
    return known(compiler, f"USERENV {names[1]}", text(256))


@call("DBMS_FLASHBACK.GET_SYSTEM_CHANGE_NUMBER")
def _current_scn(compiler: Compiler, node: tree.Call) -> Typed:
    return known(compiler, node.name, NUMBER)
