"""One execution of a compiled statement: its binds, its moment, and what the session knows by name."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tests.servers.oracle import sql_number, sql_time
from tests.servers.oracle import sql_tree as tree
from tests.servers.oracle.backend import Bind, OracleError
from tests.servers.oracle.compile_base import Parameter
from tests.servers.oracle.dictionary import NAME
from tests.servers.oracle.environment import Environment
from tests.servers.oracle.storage import Connection, Storage


@dataclass(frozen=True, slots=True)
class Who:
    """The session as SYS_CONTEXT tells of it."""

    user: str
    schema: str
    session: int


@dataclass(slots=True)
class Execution:
    storage: Storage
    connection: Connection
    who: Who
    environment: Environment
    binds: Sequence[Bind]
    scn: int
    mark: int
    now: int

    def values(self, parameters: Sequence[Parameter]) -> dict[str, Any]:
        """What the places of a statement stand for."""
        found = {f"b{place}": bind.value if bind.value != "" else None for place, bind in enumerate(self.binds, 1)}
        found.update({f"p{place}": compute(self) for place, compute in enumerate(parameters, 1)})
        return found

    def scalar(self, sql: str, parameters: Sequence[Parameter]) -> Any:
        return self.connection.execute(sql, self.values(parameters)).fetchone()[0]

    def snapshot(self, unit: str, value: Any, moment: tree.Moment, readable_from: int) -> int:
        """The SCN of a moment in the past. Raises `OracleError` where the table cannot be read as it was then."""
        if unit == "MINVALUE":
            return max(self.storage.floor, readable_from)
        if value is None:
            raise OracleError(8187, "snapshot expression not allowed here", moment.at)
        scn = sql_number.to_int(value) if unit == "SCN" else self.storage.scn_at(sql_time.to_epoch(value))
        if not 0 < scn <= self.storage.scn:
            raise OracleError(8181, "specified number is not a valid system change number", moment.at)
        if scn < self.storage.floor:
            raise _too_old(moment)
        if scn < readable_from:
            raise OracleError(1466, "unable to read data - table definition has changed", moment.at)
        return scn

    def known(self, name: str) -> Any:
        """Of names such as SYSDATE, and of USERENV parameters."""
        if name.startswith("USERENV "):
            return self._context(name.removeprefix("USERENV "))
        return _KNOWN[name](self)

    def _context(self, name: str) -> str:
        known = {
            "CURRENT_SCHEMA": self.who.schema,
            "CURRENT_USER": self.who.user,
            "SESSION_USER": self.who.user,
            "SID": str(self.who.session),
            "SESSIONID": str(self.who.session),
            "DB_NAME": NAME,
            "CON_NAME": NAME,
            "SERVICE_NAME": NAME,
            "DB_UNIQUE_NAME": NAME,
            "INSTANCE_NAME": "FREE",
            "SERVER_HOST": "standin",
            "HOST": "standin",
            "LANGUAGE": "AMERICAN_AMERICA.AL32UTF8",
            "LANG": "US",
        }
        if name not in known:
            raise OracleError(2003, "invalid USERENV parameter")
        return known[name]

    @property
    def moment(self) -> bytes:
        """Now, in UTC and to the microsecond."""
        return sql_time.of_epoch(self.now // 1000 * 1000)

    def here(self) -> bytes:
        """Now, in the zone of the session."""
        utc = sql_time.number_of(self.moment)
        return sql_time.zoned(utc, sql_time.offset_at(self.environment.zone, utc))

    def wall(self) -> bytes:
        return sql_time.of_number(sql_time.local_number(self.here()))


def _too_old(moment: tree.Moment) -> OracleError:
    if moment.versions:
        return OracleError(30052, "invalid lower limit snapshot expression", moment.at)
    return OracleError(1555, 'snapshot too old: rollback segment number 3 with name "_SYSSMU3_1" too small', moment.at)


def _day(value: bytes) -> bytes:
    return value[:7] + b"\0\0\0\0"


_KNOWN: dict[str, Callable[[Execution], Any]] = {
    "SYSDATE": lambda run: _day(run.moment),
    "SYSTIMESTAMP": lambda run: sql_time.zoned(sql_time.number_of(run.moment), 0),
    "CURRENT_DATE": lambda run: _day(run.wall()),
    "CURRENT_TIMESTAMP": lambda run: run.here(),
    "LOCALTIMESTAMP": lambda run: run.wall(),
    "USER": lambda run: run.who.user,
    "UID": lambda run: sql_number.from_int(100),
    "SESSIONTIMEZONE": lambda run: run.environment.zone,
    "DBTIMEZONE": lambda run: "+00:00",
    "DBMS_FLASHBACK.GET_SYSTEM_CHANGE_NUMBER": lambda run: sql_number.from_int(run.storage.tick()),
}
