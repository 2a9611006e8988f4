"""A process of its own that plans queries over empty tables, in a DuckDB that reaches nothing and is never given a row.

Every line is JSON. Standard input has objects: `{}` asks whether it is ready, `make` holds SQL that makes a table, `plan` a query. Each is
answered with the name of DuckDB's exception and its text; both are empty if nothing is wrong.

It is run by its path, and imports none of our modules: they take longer to load than most queries to plan.
"""

import json
import resource
import sys

import duckdb

Connection = duckdb.DuckDBPyConnection

_ADDRESS_SPACE = 1 << 30
"""What one value takes (`repeat('x', 3000000000)`) does not count against DuckDB's own limit, and making it cannot be interrupted."""
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "allow_community_extensions": False,
    "allow_persistent_secrets": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "enable_external_access": False,
    "max_temp_directory_size": "0KB",
    "memory_limit": "128MB",
    "python_enable_replacements": False,
    "temp_directory": "",
    "threads": 1,
}
_BUILT_IN = ("icu", "json")


def opened() -> Connection:
    connection = duckdb.connect(":memory:", config=_CONFIG)
    for extension in _BUILT_IN:
        connection.execute(f"LOAD {extension}")
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET lock_configuration = true")
    return connection


def answer(connection: Connection, question: dict[str, str]) -> tuple[str, str]:
    try:
        if "make" in question:
            connection.execute(question["make"])
        if "plan" in question:
            if [each.type for each in connection.extract_statements(question["plan"])] != [duckdb.StatementType.SELECT]:
                return "NotSupportedError", "expected one query"
            connection.execute(f"EXPLAIN {question['plan']}")
    except duckdb.Error as error:
        return type(error).__name__, str(error)
    return "", ""


def main() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESS_SPACE, _ADDRESS_SPACE))
    connection = opened()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(answer(connection, json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
