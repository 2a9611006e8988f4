"""Bugs are reported to Sentry, or to what speaks its protocol, such as GlitchTip.

Only bugs: what is not a `SyncdError`. A report says which type of error was raised where, and on behalf of which sync and run. The text of
the error, lines of source, values of variables, the name of the machine and its packages stay at home: each can hold a row or a secret.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import structlog

from syncd.domain.errors import PermanentError, SyncdError
from syncd.observe.parts import Parts
from syncd.settings.errors import ErrorsSection

if TYPE_CHECKING:
    from sentry_sdk import Client

log = structlog.get_logger()

_LAST_SECONDS = 2.0
_TAGS = ("sync", "run", "error_id")
_LEAVES = ("exception", "level", "release", "environment", "tags", "event_id", "timestamp", "platform", "sdk")


@asynccontextmanager
async def reporting(settings: ErrorsSection, version: str, parts: Parts) -> AsyncIterator[None]:
    """Report what is logged with a bug while the block runs; without a `dsn`, do nothing. Raises `PermanentError` if it cannot be."""
    if settings.dsn is None:
        yield
        return
    client = _opened(settings.dsn.reveal(), settings.environment, version)
    handler = _Reports(client, parts)
    logging.getLogger().addHandler(handler)
    log.info("bugs reported", environment=settings.environment)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
        await asyncio.to_thread(client.close, _LAST_SECONDS)


def _opened(dsn: str, environment: str, version: str) -> "Client":
    try:
        import sentry_sdk  # noqa: PLC0415 - an extra, and slow to import
        from sentry_sdk.utils import BadDsn  # noqa: PLC0415
    except ImportError as error:
        hint = 'pip install "syncd[errors]"'
        raise PermanentError("`[daemon.errors]` needs a package that is not installed", hint=hint, code="errors.missing") from error
    try:
        return sentry_sdk.Client(
            dsn=dsn,
            release=f"syncd@{version}",
            environment=environment or None,
            default_integrations=False,
            auto_enabling_integrations=False,
            auto_session_tracking=False,
            include_local_variables=False,
            include_source_context=False,
            max_breadcrumbs=0,
            before_send=_bare,
        )
    except BadDsn:
        raise PermanentError("the secret of `daemon.errors.dsn` is no DSN", hint="copy it anew", code="errors.dsn") from None


class _Reports(logging.Handler):
    """Hands over the exception of a log record. Sending happens in a thread of the library."""

    def __init__(self, client: "Client", parts: Parts) -> None:
        super().__init__(logging.ERROR)
        self._client = client
        self._parts = parts
        self._broken = False

    def emit(self, record: logging.LogRecord) -> None:
        told: Mapping[str, Any] = record.msg if isinstance(record.msg, Mapping) else {}
        error = told.get("exc_info") or (record.exc_info[1] if record.exc_info else None)
        if self._broken or not isinstance(error, BaseException) or isinstance(error, SyncdError):
            return
        try:
            self._report(error, {name: str(told[name]) for name in _TAGS if name in told})
        except Exception as found:  # noqa: BLE001 - the border: it would be raised where somebody only wrote a line of log
            self._broken = True  # nothing is reported any more: what failed now would fail with the next bug
            self._parts.fails("bug reports", found)

    def _report(self, error: BaseException, tags: Mapping[str, str]) -> None:
        from sentry_sdk.utils import event_from_exception  # noqa: PLC0415 - an extra

        event, hint = event_from_exception(error, client_options=self._client.options)
        event["tags"] = dict(tags)
        self._client.capture_event(event, hint)


def _bare(event: Any, _hint: Any) -> Any:
    """What of a report may leave the machine."""
    for raised in event.get("exception", {}).get("values", []):
        raised["value"] = ""
    return {name: event[name] for name in _LEAVES if name in event}
