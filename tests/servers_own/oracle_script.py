"""A database that answers as a test has told it, so that the wire alone is tested."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from tests.servers.oracle.backend import Bind, Column, Kind, OracleError, Result, Value

Iterations = Sequence[Sequence[Bind]]
Reply = Callable[[Iterations], Result]


@dataclass(eq=False)
class Script:
    """Replies by text of the statement; what sessions did is kept in order."""

    replies: dict[str, Reply] = field(default_factory=dict)
    executed: list[tuple[str, Iterations]] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    waiting: threading.Event = field(default_factory=threading.Event)
    closed: threading.Event = field(default_factory=threading.Event)

    def query(self, sql: str, columns: Sequence[Column], rows: Sequence[Sequence[Value]]) -> None:
        """Answer a query, every time it comes."""
        self.replies[sql] = lambda _: Result(columns, iter(rows))

    def change(self, sql: str) -> None:
        """Answer a statement that changes one row with each iteration."""
        self.replies[sql] = lambda iterations: Result(rowcount=len(iterations), rowid="AAAAAAAAAAAAAAAAAB")

    def fail(self, sql: str, error: Exception) -> None:
        self.replies[sql] = lambda _: raised(error)

    def session(self, user: str, session_id: int) -> "ScriptedSession":
        self.done.append(f"session of {user}")
        return ScriptedSession(self)

    def close(self) -> None:
        self.done.append("closed")


class ScriptedSession:
    def __init__(self, script: Script) -> None:
        self._script = script
        self._interrupted = threading.Event()
        self.in_transaction = False

    def describe(self, sql: str) -> Sequence[Column]:
        return self._script.replies[sql]([()]).columns

    def execute(self, sql: str, iterations: Iterations) -> Result:
        self._script.executed.append((sql, iterations))
        if sql.startswith("ALTER SESSION"):
            return Result()
        if sql == "select wait":
            self._wait()
        reply = self._script.replies.get(sql)
        if reply is None:
            raise OracleError(942, "table or view does not exist", position=14)
        result = reply(iterations)
        self.in_transaction = self.in_transaction or not result.columns
        return result

    def _wait(self) -> None:
        self._interrupted.clear()
        self._script.waiting.set()
        if self._interrupted.wait(20):
            raise OracleError(1013, "user requested cancel of current operation")

    def commit(self) -> None:
        self._script.done.append("commit")
        self.in_transaction = False

    def rollback(self) -> None:
        self._script.done.append("rollback")
        self.in_transaction = False

    def interrupt(self) -> None:
        self._interrupted.set()

    def close(self) -> None:
        self._script.closed.set()


def raised(error: Exception) -> Result:
    raise error


def failing(columns: Sequence[Column], rows: Sequence[Sequence[Value]], error: Exception) -> Result:
    """Rows, and then an error in their place."""

    def read() -> Iterator[Sequence[Value]]:
        yield from rows
        raise error

    return Result(columns, read())


def texts(*names: str) -> list[Column]:
    return [Column(name, Kind.VARCHAR2, 100) for name in names]
