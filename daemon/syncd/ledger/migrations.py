"""Brings the schema of the state file up to date, one numbered file after the other."""

import sqlite3
from importlib.resources import files
from pathlib import Path

from syncd.domain.errors import PermanentError


def bring_up(db: sqlite3.Connection, path: Path) -> None:
    """Apply every migration that the file has not seen yet, each in a transaction of its own. Raises if the file is newer than we are."""
    steps = _steps()
    found = int(db.execute("PRAGMA user_version").fetchone()[0])
    if found > len(steps):
        raise PermanentError(
            f"{path} has the schema version {found}, this syncd knows versions up to {len(steps)}",
            hint="start the version of syncd that wrote it, or a newer one",
            code="ledger.newer",
        )
    for number, sql in enumerate(steps[found:], start=found + 1):
        with db:
            db.executescript(f"BEGIN IMMEDIATE;\n{sql}\nPRAGMA user_version = {number};\nCOMMIT;")


def _steps() -> list[str]:
    """The SQL of all migrations, in order; the number that a file's name begins with is its place."""
    folder = files("syncd.ledger") / "schema"
    found = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    return [file.read_text(encoding="utf-8") for file in found]
