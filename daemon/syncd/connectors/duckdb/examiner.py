"""A process of its own that looks at queries: analyses each, then runs it, in a database that nothing can be written to or reached from.

Standard input has a line of settings (`path`, `memory_limit`, `seconds`, `rows`), then a line for each query; all lines are JSON. Standard
output answers the first line with `{}`, or with `error` and `text` if the database cannot be opened; each further one with `analysed`,
`ran` and `problem`.

It is run by its path, and imports none of our modules: they take longer to load than most queries to run.
"""

import json
import resource
import sys
from collections.abc import Iterator
from threading import Timer
from typing import Any

import duckdb

Connection = duckdb.DuckDBPyConnection

_LONGEST = 1000
_ADDRESS_SPACE = 2 << 30
"""What one value takes (`repeat('x', 3000000000)`) does not count against DuckDB's own limit, and making it cannot be interrupted."""
_BUILT_IN = ("icu", "json")
"""What the source has too, and would otherwise be loaded when it is needed."""


def open_locked(path: str, memory_limit: str) -> Connection:
    """A connection that can only read this file. What is not built in is not loaded, and no setting can be changed back."""
    config: dict[str, str | bool | int | float | list[str]] = {
        "allow_community_extensions": False,
        "allow_persistent_secrets": False,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "enable_external_access": False,
        "max_temp_directory_size": "0KB",
        "memory_limit": memory_limit,
        "python_enable_replacements": False,
        "temp_directory": "",
        "threads": 1,
    }
    connection = duckdb.connect(path, read_only=True, config=config)
    for extension in _BUILT_IN:
        connection.execute(f"LOAD {extension}")
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET lock_configuration = true")
    return connection


def examine(connection: Connection, query: str, seconds: float, rows: int) -> dict[str, Any]:
    """What DuckDB has against a query, in its own words as long as it has not looked at a row: later they may hold values."""
    timer = Timer(seconds, connection.interrupt)
    timer.start()
    try:
        text = _single(connection, query)
        connection.execute(f"EXPLAIN {text}")
    except duckdb.Error as error:
        return _answer(problem=_why_not_analysed(connection, query, error, seconds))
    except ValueError as error:
        return _answer(problem=str(error))
    else:
        return _run(connection, text, seconds, rows)
    finally:
        timer.cancel()
        timer.join()


def _single(connection: Connection, query: str) -> str:
    """The text of the only statement. Raises `ValueError` if it is none, several, or writes."""
    statements = connection.extract_statements(query)
    if len(statements) != 1:
        raise ValueError(f"expected one statement, found {len(statements)}")
    [statement] = statements
    if statement.type == duckdb.StatementType.MULTI:
        # It would read the values first, and name columns after them.
        raise ValueError("PIVOT needs its values in the query: PIVOT … ON column IN ('a', 'b') USING …")
    if statement.type != duckdb.StatementType.SELECT:
        raise ValueError(f"expected a query, found {statement.type.name}")
    return statement.query.strip().rstrip(";")


def _run(connection: Connection, text: str, seconds: float, rows: int) -> dict[str, Any]:
    """Carry it out without fetching its rows: what is explained with its costs is computed as a whole."""
    try:
        connection.execute(f"EXPLAIN ANALYZE SELECT * FROM (\n{text}\n) LIMIT {rows}")
    except duckdb.InterruptException:
        return _answer(analysed=True, problem=_too_slow(seconds))
    except duckdb.Error as error:
        return _answer(analysed=True, problem=f"fails when it is run: {_WHEN_RUN.get(type(error), 'DuckDB cannot compute it')}")
    return _answer(analysed=True, ran=True)


_WHEN_RUN: dict[type[Exception], str] = {
    duckdb.ConversionException: "a value cannot be converted (Conversion Error); try TRY_CAST, or a filter before the conversion",
    duckdb.InvalidInputException: "a function does not accept a value (Invalid Input Error)",
    duckdb.OutOfRangeException: "a number is out of range (Out of Range Error)",
    duckdb.OutOfMemoryException: "it needs more memory than it may use; let it read or keep less",
    duckdb.PermissionException: "it reads something outside of the database",
}


def _why_not_analysed(connection: Connection, query: str, error: duckdb.Error, seconds: float) -> str:
    """Empty where a view leads outside of the database: that is no fault of the query, and cannot be looked at here."""
    if isinstance(error, duckdb.InterruptException):
        return _too_slow(seconds)
    if isinstance(error, duckdb.PermissionException):
        return "" if _outside(connection, query) else "reads something outside of the database"
    words = str(error).partition("\n\nLINE ")[0]
    return " ".join(words.split())[:_LONGEST]


def _outside(connection: Connection, query: str) -> bool:
    """Whether one of the views in a query reads files."""
    [[tree]] = connection.execute("SELECT json_serialize_sql(CAST(? AS VARCHAR))", [query]).fetchall()
    named = {name.casefold() for name in _named(json.loads(tree))}
    views = connection.execute("SELECT schema_name, view_name FROM duckdb_views() WHERE NOT internal").fetchall()
    return any(view.casefold() in named and not _readable(connection, schema, view) for schema, view in views)


def _named(node: object) -> Iterator[str]:
    """The tables and views that a parsed query names."""
    if isinstance(node, dict):
        if node.get("type") == "BASE_TABLE":
            yield node["table_name"]
        node = list(node.values())
    if isinstance(node, list):
        for each in node:
            yield from _named(each)


def _readable(connection: Connection, *name: str) -> bool:
    try:
        connection.execute("EXPLAIN FROM " + ".".join('"' + part.replace('"', '""') + '"' for part in name))
    except duckdb.PermissionException:
        return False
    except duckdb.Error:
        return True
    return True


def _too_slow(seconds: float) -> str:
    return f"takes longer than {seconds:g} s"


def _answer(problem: str = "", *, analysed: bool = False, ran: bool = False) -> dict[str, Any]:
    return {"analysed": analysed, "ran": ran, "problem": problem}


def _say(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def main() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESS_SPACE, _ADDRESS_SPACE))
    settings = json.loads(sys.stdin.readline())
    try:
        connection = open_locked(settings["path"], settings["memory_limit"])
    except duckdb.Error as error:
        _say({"error": type(error).__name__, "text": str(error)})
        return
    _say({})
    for line in sys.stdin:
        _say(examine(connection, json.loads(line), settings["seconds"], settings["rows"]))


if __name__ == "__main__":
    main()
