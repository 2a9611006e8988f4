"""Logs: one line an event on standard error, JSON for machines, columns for a terminal; or into the journal, with fields."""

import logging
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

import orjson
import structlog
from structlog.typing import EventDict, Processor

from syncd.kit import journal
from syncd.kit.secrecy import HIDDEN, sounds_secret, without_login
from syncd.observe.journal import JournalHandler

_QUIET = ("apscheduler", "grpc", "asyncio", "urllib3")
"""Libraries that are heard from `warning` upwards only: what they do is told in our own words."""
_FIRST = ("timestamp", "level", "event", "sync", "run")
"""What stands at the beginning of every JSON line, as far as there is such a value."""
_MADE = "syncd_json"
_FOR_PEOPLE = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
"""Tracebacks never show the values of local variables: a secret could be among them."""
_SHARED: tuple[Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)


def configure(level: str, stream: TextIO | None = None, journal_socket: Path = journal.SOCKET) -> None:
    """Send everything that is logged, also by libraries through `logging`, to a stream; default: standard error.

    Each line has `timestamp` (UTC), `level`, `event`, what is bound to the context (`sync`, `run`) and the values of the event. If the
    stream leads to the systemd journal, lines go there as fields instead.
    """
    stream = stream or sys.stderr
    threshold = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = JournalHandler(journal_socket, stream) if journal.leads_to_journal(stream) else logging.StreamHandler(stream)
    handler.setFormatter(_formatter(_FOR_PEOPLE) if stream.isatty() else json_formatter())
    logging.basicConfig(handlers=[handler], level=threshold, force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(threshold, logging.WARNING))


def json_formatter() -> logging.Formatter:
    """Makes a JSON object of a record, once, however many keep it: all of them keep the same."""
    return _Once(_formatter(structlog.processors.JSONRenderer(_json)))


def hide_secrets(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Replace every value, however deep, whose name sounds like a secret, and the login in every URL."""
    return {name: _shown(name, value) for name, value in event.items()}


def _shown(name: str, value: Any) -> Any:
    if sounds_secret(name):
        return HIDDEN
    if isinstance(value, str):
        return without_login(value) if "://" in value else value
    if isinstance(value, Mapping):
        return {inner: _shown(str(inner), each) for inner, each in value.items()}
    if isinstance(value, list | tuple):
        return [_shown("", each) for each in value]
    return value


def _formatter(renderer: Processor) -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.add_logger_name, *_SHARED],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            hide_secrets,
            renderer,
        ],
    )


class _Once(logging.Formatter):
    def __init__(self, inner: logging.Formatter) -> None:
        super().__init__()
        self._inner = inner

    def format(self, record: logging.LogRecord) -> str:
        made: str | None = record.__dict__.get(_MADE)
        if made is None:
            made = record.__dict__[_MADE] = self._inner.format(record)
        return made


def _json(event: Mapping[str, Any], **_options: Any) -> str:
    ordered = {name: event[name] for name in _FIRST if name in event} | dict(event)
    return orjson.dumps(ordered, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
