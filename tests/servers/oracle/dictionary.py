"""The dictionary: what ALL_TABLES, V$DATABASE and their like tell about the catalogue and the storage."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.servers.oracle import sql_number, sql_time
from tests.servers.oracle.backend import Kind, Value
from tests.servers.oracle.catalogue import Column, Key, Table
from tests.servers.oracle.catalogue import View as DefinedView
from tests.servers.oracle.sql_type import DATE, NATIONAL, NUMBER, Group, Type, raw, text
from tests.servers.oracle.storage import Storage

NAME = "FREEPDB1"
VERSION, VERSION_FULL = "23.0.0.0.0", "23.26.0.0.0"
BANNER = "Oracle Database Free Release (stand-in for tests)"


@dataclass(frozen=True, slots=True)
class World:
    """What a view is told about."""

    storage: Storage
    user: str

    def tables(self) -> list[Table]:
        return sorted(self.storage.catalogue.tables.values(), key=lambda table: (table.owner, table.name))

    def views(self) -> list[DefinedView]:
        return sorted(self.storage.catalogue.views.values(), key=lambda view: (view.owner, view.name))


Rows = Iterator[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class View:
    columns: tuple[tuple[str, Type], ...]
    rows: Callable[[World], Rows]
    """Rows of texts, whole numbers, and nanoseconds since 1970 for dates."""

    def values(self, world: World) -> Iterator[tuple[Value, ...]]:
        types = [type_ for _, type_ in self.columns]
        for row in self.rows(world):
            yield tuple(_value(value, type_) for value, type_ in zip(row, types, strict=True))


def _value(value: Any, type_: Type) -> Value:
    if value is None or value == "":
        return None
    if type_.group is Group.NUMBER:
        return sql_number.from_int(value)
    if type_.kind is Kind.DATE:
        return sql_time.of_epoch(value // sql_time.SECOND * sql_time.SECOND)
    return value  # type: ignore[no-any-return]


_N, _D, _T = NUMBER, DATE, text(128)


def _columns(words: str) -> tuple[tuple[str, Type], ...]:
    """Names with `:n` for numbers, `:d` for dates, `:r` for raw and `:l` for long texts."""
    types = {"": _T, "n": _N, "d": _D, "l": text(4000), "r": raw(8)}
    return tuple((name, types[kind]) for name, _, kind in (word.partition(":") for word in words.split()))


def _tables(world: World) -> Rows:
    for table in world.tables():
        dependencies = "ENABLED" if table.row_dependencies else "DISABLED"
        yield table.owner, table.name, "USERS", "VALID", None, None, "NO", "N", "N", dependencies, None, "DISABLED"


def _tab_columns(world: World) -> Rows:
    for table in world.tables():
        for place, column in enumerate(table.columns, 1):
            yield _column_row(table, column, place)
    for view in world.views():
        for place, column in enumerate(view.described, 1):
            yield _column_row(view, column, place)


def _column_row(table: Table | DefinedView, column: Column, place: int) -> tuple[Any, ...]:
    type_ = column.type
    national = type_.kind in NATIONAL
    is_text = type_.group is Group.TEXT
    scale = type_.scale if type_.kind in (Kind.NUMBER, *_FRACTIONAL) else None
    return (
        table.owner,
        table.name,
        column.name,
        type_.name,
        _length(type_),
        type_.size if is_text else 0,
        type_.precision if type_.kind in (Kind.NUMBER, Kind.FLOAT, Kind.INTERVAL_DS, Kind.INTERVAL_YM) else None,
        scale,
        "Y" if column.nullable else "N",
        place,
        ("C" if type_.chars else "B") if is_text else None,
        column.default,
        "NCHAR_CS" if national else "CHAR_CS" if is_text or type_.kind is Kind.CLOB else None,
        "NO",
        "NO",
        place,
        "YES",
        None,
        None,
    )


_FRACTIONAL = (Kind.TIMESTAMP, Kind.TIMESTAMP_TZ, Kind.TIMESTAMP_LTZ, Kind.INTERVAL_DS)
_LENGTHS = {
    Kind.NUMBER: 22,
    Kind.FLOAT: 22,
    Kind.BINARY_FLOAT: 4,
    Kind.BINARY_DOUBLE: 8,
    Kind.DATE: 7,
    Kind.TIMESTAMP: 11,
    Kind.TIMESTAMP_TZ: 13,
    Kind.TIMESTAMP_LTZ: 11,
    Kind.INTERVAL_YM: 5,
    Kind.INTERVAL_DS: 11,
    Kind.ROWID: 10,
    Kind.CLOB: 4000,
    Kind.NCLOB: 4000,
    Kind.BLOB: 4000,
    Kind.BOOLEAN: 1,
    Kind.JSON: 8200,
    Kind.XMLTYPE: 2000,
    Kind.VECTOR: 8200,
    Kind.LONG: 0,
    Kind.LONG_RAW: 0,
}


def _length(type_: Type) -> int:
    """In bytes."""
    if type_.kind in NATIONAL:
        return type_.size * 2 or 4000
    if type_.chars:
        return min(type_.size * 4, 4000 if type_.kind is Kind.VARCHAR2 else 2000)
    return _LENGTHS.get(type_.kind, type_.size)


def _constraints(world: World) -> Rows:
    for table in world.tables():
        for key in table.keys:
            kind = "P" if key.primary else "U"
            yield table.owner, key.name, kind, table.name, None, None, None, "ENABLED", "VALIDATED", table.owner, key.name, table.changed
        for column in table.columns:
            if not column.nullable and not _in_primary(table, column):
                check = f'"{column.name}" IS NOT NULL'
                name = _not_null(table, column)
                yield table.owner, name, "C", table.name, check, None, None, "ENABLED", "VALIDATED", None, None, table.changed


def _in_primary(table: Table, column: Column) -> bool:
    return any(key.primary and column.name in key.columns for key in table.keys)


def _not_null(table: Table, column: Column) -> str:
    return f"SYS_C{70_000 + table.number}_{column.stored}".upper()


def _cons_columns(world: World) -> Rows:
    for table in world.tables():
        for key in table.keys:
            for place, name in enumerate(key.columns, 1):
                yield table.owner, key.name, table.name, name, place
        for column in table.columns:
            if not column.nullable and not _in_primary(table, column):
                yield table.owner, _not_null(table, column), table.name, column.name, None


def _objects(world: World) -> Rows:
    for table in world.tables():
        stamp = format_time(table.changed)
        yield table.owner, table.name, None, 70_000 + table.number, "TABLE", table.created, table.changed, stamp, "VALID", "N", "N", "N"
        for key in table.keys:
            yield table.owner, key.name, None, None, "INDEX", table.created, table.changed, stamp, "VALID", "N", "N", "N"
    for view in world.views():
        stamp = format_time(view.created)
        yield view.owner, view.name, None, 70_000 + view.number, "VIEW", view.created, view.created, stamp, "VALID", "N", "N", "N"


def format_time(nanos: int) -> str:
    fields = sql_time.decode(sql_time.of_epoch(nanos))
    return f"{fields.year:04d}-{fields.month:02d}-{fields.day:02d}:{fields.hour:02d}:{fields.minute:02d}:{fields.second:02d}"


def _tab_comments(world: World) -> Rows:
    for table in world.tables():
        yield table.owner, table.name, "TABLE", table.comment
    for view in world.views():
        yield view.owner, view.name, "VIEW", view.comment


def _col_comments(world: World) -> Rows:
    for table in world.tables():
        for column in table.columns:
            yield table.owner, table.name, column.name, column.comment


def _all_indexes(table: Table) -> list[tuple[str, tuple[str, ...], bool]]:
    keys: list[Key] = list(table.keys)
    return [(key.name, key.columns, True) for key in keys] + [(index.name, index.columns, index.unique) for index in table.indexes]


def _indexes(world: World) -> Rows:
    for table in world.tables():
        for name, _, unique in _all_indexes(table):
            yield table.owner, name, "NORMAL", table.owner, table.name, "TABLE", "UNIQUE" if unique else "NONUNIQUE", "VALID", "VISIBLE"


def _ind_columns(world: World) -> Rows:
    for table in world.tables():
        for name, columns, _ in _all_indexes(table):
            for place, column in enumerate(columns, 1):
                yield table.owner, name, table.owner, table.name, column, place, "ASC"


def _views(world: World) -> Rows:
    for view in world.views():
        yield view.owner, view.name, len(view.text), view.text


def _transactions(world: World) -> Rows:
    with world.storage.lock:
        active = sorted(world.storage.active.values(), key=lambda transaction: transaction.number)
    for transaction in active:
        start = sql_time.decode(sql_time.of_epoch(transaction.started))
        text_ = f"{start.month:02d}/{start.day:02d}/{start.year % 100:02d} {start.hour:02d}:{start.minute:02d}:{start.second:02d}"
        session = transaction.session.to_bytes(8, "big")
        address = transaction.number.to_bytes(8, "big")
        xid = (int.from_bytes(transaction.xid[part], "big") for part in (slice(2), slice(2, 4), slice(4, 8)))
        yield address, *xid, "ACTIVE", text_, transaction.started, transaction.started_scn, session, transaction.xid


def _database(world: World) -> Rows:
    storage = world.storage
    yield 1, "FREE", "READ WRITE", "ARCHIVELOG", storage.tick(), NAME, "PRIMARY", "NO", "+00:00"


def _instance(world: World) -> Rows:
    yield 1, "FREE", "standin", VERSION, VERSION_FULL, "OPEN", "ACTIVE"


def _version(world: World) -> Rows:
    yield BANNER, f"{BANNER} Version {VERSION_FULL}", BANNER, 0


def _product(world: World) -> Rows:
    yield "Oracle Database Free", VERSION, VERSION_FULL, "stand-in for tests"


def _users(world: World) -> Rows:
    owners = {world.user, "SYS", *(table.owner for table in world.tables())}
    for number, name in enumerate(sorted(owners), 100):
        yield name, number, 0


def _privileges(world: World) -> Rows:
    for name in ("CREATE SESSION", "FLASHBACK ANY TABLE", "SELECT ANY TRANSACTION"):
        yield (name,)


def _parameters(world: World) -> Rows:
    yield 1, "undo_retention", "900", "900"
    yield 2, "compatible", VERSION, VERSION


def _dual(world: World) -> Rows:
    yield ("X",)


_TABLE_COLUMNS = (
    "OWNER TABLE_NAME TABLESPACE_NAME STATUS NUM_ROWS:n BLOCKS:n PARTITIONED TEMPORARY SECONDARY DEPENDENCIES LAST_ANALYZED:d ROW_MOVEMENT"
)
_COLUMN_COLUMNS = (
    "OWNER TABLE_NAME COLUMN_NAME DATA_TYPE DATA_LENGTH:n CHAR_LENGTH:n DATA_PRECISION:n DATA_SCALE:n NULLABLE COLUMN_ID:n CHAR_USED "
    "DATA_DEFAULT:l CHARACTER_SET_NAME HIDDEN_COLUMN VIRTUAL_COLUMN INTERNAL_COLUMN_ID:n USER_GENERATED DATA_TYPE_OWNER DATA_TYPE_MOD"
)
_CONSTRAINT_COLUMNS = (
    "OWNER CONSTRAINT_NAME CONSTRAINT_TYPE TABLE_NAME SEARCH_CONDITION:l R_OWNER R_CONSTRAINT_NAME STATUS VALIDATED INDEX_OWNER INDEX_NAME "
    "LAST_CHANGE:d"
)
_OWNED: dict[str, tuple[str, Callable[[World], Rows]]] = {
    "TABLES": (_TABLE_COLUMNS, _tables),
    "TAB_COLUMNS": (_COLUMN_COLUMNS, _tab_columns),
    "TAB_COLS": (_COLUMN_COLUMNS, _tab_columns),
    "CONSTRAINTS": (_CONSTRAINT_COLUMNS, _constraints),
    "CONS_COLUMNS": ("OWNER CONSTRAINT_NAME TABLE_NAME COLUMN_NAME POSITION:n", _cons_columns),
    "OBJECTS": (
        "OWNER OBJECT_NAME SUBOBJECT_NAME OBJECT_ID:n OBJECT_TYPE CREATED:d LAST_DDL_TIME:d TIMESTAMP STATUS TEMPORARY GENERATED SECONDARY",
        _objects,
    ),
    "TAB_COMMENTS": ("OWNER TABLE_NAME TABLE_TYPE COMMENTS:l", _tab_comments),
    "COL_COMMENTS": ("OWNER TABLE_NAME COLUMN_NAME COMMENTS:l", _col_comments),
    "INDEXES": ("OWNER INDEX_NAME INDEX_TYPE TABLE_OWNER TABLE_NAME TABLE_TYPE UNIQUENESS STATUS VISIBILITY", _indexes),
    "IND_COLUMNS": ("INDEX_OWNER INDEX_NAME TABLE_OWNER TABLE_NAME COLUMN_NAME COLUMN_POSITION:n DESCEND", _ind_columns),
    "PART_TABLES": ("OWNER TABLE_NAME PARTITIONING_TYPE SUBPARTITIONING_TYPE PARTITION_COUNT:n", lambda _: iter(())),
    "PART_KEY_COLUMNS": ("OWNER NAME OBJECT_TYPE COLUMN_NAME COLUMN_POSITION:n", lambda _: iter(())),
    "SYNONYMS": ("OWNER SYNONYM_NAME TABLE_OWNER TABLE_NAME DB_LINK", lambda _: iter(())),
    "VIEWS": ("OWNER VIEW_NAME TEXT_LENGTH:n TEXT:l", _views),
}


def _of_user(rows: Callable[[World], Rows]) -> Callable[[World], Rows]:
    """Those of the user, without the owner."""
    return lambda world: (row[1:] for row in rows(world) if row[0] == world.user)


VIEWS: dict[str, View] = {
    "DUAL": View((("DUMMY", text(1)),), _dual),
    "ALL_USERS": View(_columns("USERNAME USER_ID:n CREATED:d"), _users),
    "SESSION_PRIVS": View(_columns("PRIVILEGE"), _privileges),
    "PRODUCT_COMPONENT_VERSION": View(_columns("PRODUCT VERSION VERSION_FULL STATUS"), _product),
}
for _name, (_words, _rows) in _OWNED.items():
    _all = View(_columns(_words), _rows)
    VIEWS[f"ALL_{_name}"] = VIEWS[f"DBA_{_name}"] = _all
    VIEWS[f"USER_{_name}"] = View(_all.columns[1:], _of_user(_rows))
for _name, _words, _rows in (
    (
        "DATABASE",
        "DBID:n NAME OPEN_MODE LOG_MODE CURRENT_SCN:n DB_UNIQUE_NAME DATABASE_ROLE SUPPLEMENTAL_LOG_DATA_MIN DBTIMEZONE",
        _database,
    ),
    ("INSTANCE", "INSTANCE_NUMBER:n INSTANCE_NAME HOST_NAME VERSION VERSION_FULL STATUS DATABASE_STATUS", _instance),
    ("VERSION", "BANNER:l BANNER_FULL:l BANNER_LEGACY:l CON_ID:n", _version),
    ("PARAMETER", "NUM:n NAME VALUE:l DISPLAY_VALUE:l", _parameters),
    ("TRANSACTION", "ADDR:r XIDUSN:n XIDSLOT:n XIDSQN:n STATUS START_TIME START_DATE:d START_SCN:n SES_ADDR:r XID:r", _transactions),
):
    for _prefix in ("V$", "V_$", "GV$"):
        VIEWS[_prefix + _name] = View(_columns(_words), _rows)
