"""How far a table is complete: the oldest open transaction first, then the SCN, then what the rows themselves say.

Whatever is committed after the SCN was written by a transaction that was open before it or began later, so no watermark that appears
later is older than the oldest open transaction, or than the moment at which none was open.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from time import monotonic
from typing import Any

from syncd.connectors.oracle.dictionary import Described
from syncd.connectors.oracle.failures import DENIED, code_of
from syncd.connectors.oracle.moments import earlier, trimmed
from syncd.connectors.oracle.sessions import Session, Statement
from syncd.connectors.oracle.settings import Settings
from syncd.connectors.oracle.types import VERSION, Carrier
from syncd.domain.errors import MomentGone, SourceMismatch
from syncd.domain.scan import Horizon

_REMEMBERED_SECONDS = 300.0
"""So long a right that was missing is not asked for again."""

_OLDEST = ("gv$transaction", "v$transaction")
_SCN = {
    "SELECT ON SYS.V_$DATABASE": "SELECT current_scn FROM v$database",
    "EXECUTE ON SYS.DBMS_FLASHBACK": "SELECT dbms_flashback.get_system_change_number FROM dual",
}
_MOMENT = "YYYY-MM-DD HH24:MI:SS.FF9"


@dataclass(slots=True)
class Rights:
    """What was refused to the user lately, so that not every run asks for it again."""

    _refused: dict[str, float] = field(default_factory=dict)

    def refused(self, right: str) -> bool:
        return self._refused.get(right, 0.0) > monotonic()

    def refuse(self, right: str) -> None:
        self._refused[right] = monotonic() + _REMEMBERED_SECONDS


@dataclass(frozen=True, slots=True)
class Surveyor:
    """Takes horizons of one relation."""

    session: Session
    described: Described
    settings: Settings
    rights: Rights

    async def horizon(self, watermark: str) -> Horizon:
        """Take the horizon of a column, or of the version. Raises `SourceMismatch` if there is no such column."""
        if watermark == VERSION and self.described.table.version:
            return await self._of_versions()
        carrier = self.described.carrier(watermark)
        if not carrier.bound:
            raise SourceMismatch(f"column '{watermark}' cannot be a watermark", hint="choose a date or a number")
        return await (self._of_moments(carrier, watermark) if carrier.moment else self._of_numbers(carrier, watermark))

    async def _of_versions(self) -> Horizon:
        """A row's version is the SCN of its commit, so whatever is committed later lies behind the SCN of now."""
        scn, caveats = await self._scn()
        if not scn:
            [[highest]] = await self.session.rows(Statement(f"SELECT MAX({VERSION}) FROM {self.described.source}"))
            return Horizon(None if highest is None else str(highest), exact=False, caveats=caveats)
        caveats = await self._may_look_back(scn)
        return Horizon(scn, exact=True, moment="" if caveats else scn, caveats=caveats)

    async def _of_moments(self, carrier: Carrier, name: str) -> Horizon:
        now, low, caveats = await self._low_water(carrier)
        moment, why = await self._moment()
        [[highest]] = await self.session.rows(
            Statement(f"SELECT TO_CHAR({carrier.moment.format(f'MAX({carrier.column})')}, '{_MOMENT}') FROM {self.described.source}")
        )
        reaches = None if highest is None else trimmed(min(_said(carrier, highest), low or now))
        nulls = await self._nulls(carrier, name)
        return Horizon(reaches, exact=bool(low), now=trimmed(now), nulls=nulls, moment=moment, caveats=(*caveats, *why))

    async def _of_numbers(self, carrier: Carrier, name: str) -> Horizon:
        moment, why = await self._moment()
        [[highest]] = await self.session.rows(Statement(f"SELECT TO_CHAR(MAX({carrier.column})) FROM {self.described.source}"))
        nulls = await self._nulls(carrier, name)
        caveat = f'a row is missed if its transaction commits after one with a higher {name}: use a date, or `strategy = "scn"`'
        return Horizon(highest, exact=False, nulls=nulls, moment=moment, caveats=(caveat, *why))

    async def _low_water(self, carrier: Carrier) -> tuple[str, str, tuple[str, ...]]:
        """The clock, and where watermarks begin that are not visible yet; nothing, and why, if that is not known."""
        clock = f"TO_CHAR({self._clock(carrier)}, '{_MOMENT}')"
        for view in _OLDEST:
            asked = Statement(f"SELECT {clock}, MAX(SYSDATE - start_date) * 86400 FROM {view}")
            if found := await self._allowed(view, asked):
                [[now, age]] = found
                margin = timedelta(seconds=max(float(age or 0), 0.0)) + self.settings.clock_margin
                # SYSDATE and START_DATE are whole seconds, so only from a whole second does their difference lead to the start.
                return _said(carrier, now), _said(carrier, earlier(now.partition(".")[0], margin)), ()
        [[now]] = await self.session.rows(Statement(f"SELECT {clock} FROM dual"))
        user = self.settings.user
        caveat = (
            f"{user} may not see the oldest open transaction, so a row is missed if its transaction takes longer than `lookback`: "
            f"GRANT SELECT ON SYS.GV_$TRANSACTION TO {user}"
        )
        return _said(carrier, now), "", (caveat,)

    def _clock(self, carrier: Carrier) -> str:
        if carrier.zoned:
            return "SYS_EXTRACT_UTC(SYSTIMESTAMP)"
        zone = self.settings.timezone
        return f"SYSTIMESTAMP AT TIME ZONE '{zone}'" if zone else "SYSTIMESTAMP"

    async def _moment(self) -> tuple[str, tuple[str, ...]]:
        """The SCN, if the relation may be read as of it; else nothing, and why."""
        if not self.described.name:
            return "", ("a query cannot be read as of one moment; a table or a view can",)
        scn, caveats = await self._scn()
        caveats = caveats or await self._may_look_back(scn)
        return ("", caveats) if caveats else (scn, ())

    async def _scn(self) -> tuple[str, tuple[str, ...]]:
        for right, text in _SCN.items():
            if found := await self._allowed(right, Statement(text)):
                return str(int(found[0][0])), ()
        user = self.settings.user
        return "", (f"{user} may not know the SCN, so rows are not read as of one moment: GRANT {' or '.join(_SCN)} TO {user}",)

    async def _may_look_back(self, scn: str) -> tuple[str, ...]:
        source = self.described.source
        right = f"FLASHBACK ON {source}"
        if await self._allowed(right, Statement(f"SELECT COUNT(*) FROM {source} AS OF SCN :1 WHERE 1 = 0", (int(scn),)), moment=True):
            return ()
        return (f"{source} may not be read as of one moment: GRANT {right} TO {self.settings.user}",)

    async def _allowed(self, right: str, statement: Statement, *, moment: bool = False) -> list[tuple[Any, ...]]:
        """The answer; nothing where the user lacks the right to it."""
        if self.rights.refused(right):
            return []
        try:
            return await self.session.rows(statement, moment=moment)
        except (MomentGone, SourceMismatch) as error:
            if isinstance(error, SourceMismatch) and code_of(error) not in DENIED:
                raise
        self.rights.refuse(right)
        return []

    async def _nulls(self, carrier: Carrier, name: str) -> int:
        """None are counted where none can be: counting costs a pass over the table unless an index begins with the column."""
        declared = self.described.table.column(name)
        if declared is not None and not declared.nullable:
            return 0
        [[nulls]] = await self.session.rows(Statement(f"SELECT COUNT(*) FROM {self.described.source} WHERE {carrier.column} IS NULL"))
        return int(nulls)


def _said(carrier: Carrier, moment: str) -> str:
    """A moment as values of the column are written; two of them compare as the moments do."""
    return str(carrier.value(moment))
