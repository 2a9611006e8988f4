"""What the wire asks of the database behind it: the seam between the two halves of the stand-in."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol


class Kind(Enum):
    """Types of columns and binds, as DDL and the dictionary write them."""

    VARCHAR2 = "VARCHAR2"
    NVARCHAR2 = "NVARCHAR2"
    CHAR = "CHAR"
    NCHAR = "NCHAR"
    LONG = "LONG"
    LONG_RAW = "LONG RAW"
    NUMBER = "NUMBER"
    FLOAT = "FLOAT"
    BINARY_FLOAT = "BINARY_FLOAT"
    BINARY_DOUBLE = "BINARY_DOUBLE"
    DATE = "DATE"
    TIMESTAMP = "TIMESTAMP"
    TIMESTAMP_TZ = "TIMESTAMP WITH TIME ZONE"
    TIMESTAMP_LTZ = "TIMESTAMP WITH LOCAL TIME ZONE"
    INTERVAL_YM = "INTERVAL YEAR TO MONTH"
    INTERVAL_DS = "INTERVAL DAY TO SECOND"
    RAW = "RAW"
    ROWID = "ROWID"
    CLOB = "CLOB"
    NCLOB = "NCLOB"
    BLOB = "BLOB"
    BOOLEAN = "BOOLEAN"
    JSON = "JSON"
    XMLTYPE = "XMLTYPE"
    VECTOR = "VECTOR"
    NULL = "NULL"
    """A column that is NULL in every row, such as that of `SELECT NULL FROM dual`; described with buffer size 0."""


Value = bytes | str | None
"""One value, the same on the wire and in storage, and ordered as Oracle orders it when compared as bytes.

`str`: VARCHAR2, NVARCHAR2, CHAR, NCHAR (blank-padded), LONG, CLOB, NCLOB, JSON, XMLTYPE and VECTOR (as text), ROWID (18 characters).
`bytes`: NUMBER and FLOAT in Oracle's number format (up to 21 bytes); DATE, TIMESTAMP and TIMESTAMP_LTZ (UTC) always as 11 bytes
(7 of a DATE, then nanoseconds; the wire cuts what its type does not send), TIMESTAMP_TZ as 13 (UTC fields, then hour + 20 and
minute + 60 of the offset); intervals, BINARY_FLOAT and BINARY_DOUBLE in their wire formats; RAW, LONG RAW and BLOB as they are; BOOLEAN
b"\\x01" or b"\\x00". None is NULL, and so is the empty string.
"""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a result."""

    name: str
    kind: Kind
    size: int = 0
    """Characters of a text (or bytes of a RAW); 0 for types without a size."""
    precision: int | None = None
    """Digits of a NUMBER (None: unconstrained), binary digits of a FLOAT, leading digits of an interval."""
    scale: int | None = None
    """Scale of a NUMBER; digits of a fraction of a second."""
    nullable: bool = True


@dataclass(frozen=True, slots=True)
class Bind:
    """One bound value, with the type that the client says it has."""

    kind: Kind
    value: Value


class OracleError(Exception):
    """An error as Oracle reports it: `ORA-00942: table or view does not exist`. `position` is the offset in the statement."""

    def __init__(self, code: int, text: str, position: int = 0, done: int = 0) -> None:
        super().__init__(f"ORA-{code:05d}: {text}")
        self.code = code
        self.text = text
        self.position = position
        self.done = done
        """Rows of an array DML that were done before the one that failed."""


@dataclass(slots=True)
class Result:
    """What a statement has led to: rows to fetch where there are columns, else the number of rows it changed."""

    columns: Sequence[Column] = ()
    rows: Iterator[Sequence[Value]] = field(default_factory=lambda: iter(()))
    rowcount: int = 0
    rowid: str = ""
    """Of the last row that was changed."""


class BackendSession(Protocol):
    """One session; used by one thread, but for `interrupt`."""

    @property
    def in_transaction(self) -> bool:
        """Whether there is something to commit."""

    def describe(self, sql: str) -> Sequence[Column]:
        """The columns of a query without running it; none for other statements. Raises `OracleError`."""

    def execute(self, sql: str, iterations: Sequence[Sequence[Bind]]) -> Result:
        """Run a statement, once for each row of binds (at least one row, empty where there are no binds).

        Binds come in the order of their occurrences in the text. Rows of a query are read at the moment of the call. Raises `OracleError`.
        """

    def commit(self) -> None: ...

    def rollback(self) -> None: ...

    def interrupt(self) -> None:
        """From another thread: make what runs now fail with ORA-01013."""

    def close(self) -> None:
        """Roll back and forget the session."""


class Backend(Protocol):
    """The database."""

    def session(self, user: str, session_id: int) -> BackendSession:
        """A new session of a user, in upper case, that is also the schema of its unqualified names."""

    def close(self) -> None: ...
