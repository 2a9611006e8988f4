"""Records of the daemon's log as a person reads them: one line each, a traceback below."""

import json
from collections.abc import Iterator

from syncapi.v1.logs_pb2 import LogGap, LogLevel, LogRecord
from syncctl import stamps
from syncctl.view import Cell, Span, quiet
from syncctl.words import plural

_PREFIX = "LOG_LEVEL_"
LEVELS = tuple(name.removeprefix(_PREFIX).lower() for name in LogLevel.keys()[1:])
_STYLES = {"debug": "quiet", "warning": "warn", "error": "bad", "critical": "bad"}
_WIDEST = max(map(len, ("warning", "error")))


def level(name: str | None) -> LogLevel.ValueType:
    """A level of the wire; without a name, none in particular."""
    return LogLevel.Value(f"{_PREFIX}{name.upper()}") if name else LogLevel.LOG_LEVEL_UNSPECIFIED


def line(record: LogRecord) -> Cell:
    """`2025-06-30 18:00:00.123 WARNING products: batch refused rows=3 run=01J…`."""
    name = LogLevel.Name(record.level).removeprefix(_PREFIX).lower()
    style = _STYLES.get(name, "")
    return (
        quiet(f"{stamps.moment(record.at).astimezone():%Y-%m-%d %H:%M:%S.%f}"[:-3]),
        Span(f" {name.upper():<{_WIDEST}} ", style),
        *((Span(f"{record.sync or record.logger}: ", "busy"),) if record.sync or record.logger else ()),
        Span(record.event, style or "strong"),
        *((f" {' '.join(_values(record))}",) if record.fields_json not in {"", "{}"} else ()),
        *((quiet(f" run={record.run}"),) if record.run else ()),
        *((quiet("".join(f"\n    {each}" for each in record.trace.splitlines())),) if record.trace else ()),
    )


def gap(missing: LogGap) -> str:
    """What is to be said of records that are not kept any more."""
    if missing.began_anew:
        return "the log began anew; what it held before is gone"
    return f"{plural(missing.last - missing.first + 1, 'record')} ({missing.first} to {missing.last}) gone: see `daemon.logs.keep_mib`"


def _values(record: LogRecord) -> Iterator[str]:
    for name, value in json.loads(record.fields_json).items():
        plain = isinstance(value, str) and value and not any(letter in value for letter in ' \n"=')
        yield f"{name}={value if plain else json.dumps(value, ensure_ascii=False)}"
