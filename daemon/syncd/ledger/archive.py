"""The audit log as evidence: its check, and copies of it that vouch for themselves."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial

from syncd.domain.errors import InvalidRequest
from syncd.domain.verdict import Manifest, Verdict
from syncd.kit.threads import in_thread
from syncd.ledger import outbox
from syncd.ledger.formats import Copy, Form, Sink
from syncd.ledger.sealing import Sealer
from syncd.ledger.shipping import AuditLog
from syncd.ledger.state import State
from syncd.ledger.verifying import Verification
from syncd.ports.ledger import ExportQuery

_GROUP = 10_000


class Archive:
    """`ports.AuditArchive`."""

    def __init__(self, state: State, audit: AuditLog, sealer: Sealer) -> None:
        self._state = state
        self._audit = audit
        self._sealer = sealer

    async def verify(self, noted: tuple[int, str] | None) -> AsyncGenerator[Verdict, None]:
        async with self._sealer.alone, aclosing(Verification(self._state, self._audit, noted).steps()) as steps:
            async for verdict in steps:
                yield verdict

    async def export(self, query: ExportQuery) -> AsyncGenerator[bytes | Manifest, None]:
        first, last = await self._state.read(partial(outbox.span, since=query.since, until=query.until))
        behind = first - 1
        with await in_thread(partial(Copy, _form(query.format), Sink())) as copy:
            while lines := await self._state.read(partial(outbox.lines, behind=behind, upto=last, limit=_GROUP)):
                behind = lines[-1][0]
                yield await in_thread(partial(copy.write, lines))
            yield await in_thread(copy.close)
            yield copy.manifest()


def _form(name: str) -> Form:
    try:
        return Form(name)
    except ValueError as error:
        known = ", ".join(form.value for form in Form)
        raise InvalidRequest(f"no such format: {name!r}", fields={"format": f"one of {known}"}) from error
