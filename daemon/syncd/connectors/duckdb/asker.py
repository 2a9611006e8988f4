"""A process of its own that asks the catalogue: of many wide tables it takes far more memory than it answers with.

Standard input has a line of settings for DuckDB (`path`, `config`), then a line for each statement, with its parameters; all lines are
JSON. Standard output answers each with `rows`, or with `error` and `text`.

It is run by its path, and imports none of our modules: they would take more memory than the catalogue of most files.
"""

import json
import os
import resource
import sys
from collections.abc import Sequence
from typing import Any

import duckdb


def _answer(connection: duckdb.DuckDBPyConnection, statement: str, parameters: Sequence[object]) -> dict[str, Any]:
    try:
        return {"rows": connection.execute(statement, parameters).fetchall()}
    except duckdb.Error as error:
        return _problem(error)


def _problem(error: duckdb.Error) -> dict[str, Any]:
    return {"error": type(error).__name__, "text": str(error)}


def _say(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def main() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    settings = json.loads(sys.stdin.readline())
    settings["config"]["temp_directory"] += f"-{os.getpid()}"
    try:
        connection = duckdb.connect(settings["path"], read_only=True, config=settings["config"])
    except duckdb.Error as error:
        _say(_problem(error))
        return
    _say({"rows": []})
    with connection:
        for line in sys.stdin:
            _say(_answer(connection, *json.loads(line)))


if __name__ == "__main__":
    main()
