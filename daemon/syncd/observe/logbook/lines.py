"""A record as a line of a file: its sequence, and what was logged, in JSON."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from syncd.domain.log import Level, LogFilter, LogRecord

LONGEST = 64 << 10
"""No line has more bytes."""

_HEAD = re.compile(rb'\{"sequence":(\d{1,18}),"record":\{')
_TAIL = b"}}"
_PLAIN = re.compile(r"[A-Za-z0-9 _.-]+")
"""Texts that stand in a line as they stand in its values."""
_OWN = frozenset({"timestamp", "level", "event", "sync", "run", "logger", "exception"})
_KEPT = 8000
"""Letters of each text that stay of a record that is too long."""


def line(sequence: int, body: bytes) -> bytes:
    """The line for what was logged, which is one JSON object."""
    return b'{"sequence":%d,"record":%s}\n' % (sequence, body)


def fitting(body: bytes) -> bytes:
    """What was logged if it fits into a line, else the most important of it, cut, with the count of bytes that it had."""
    if len(body) < LONGEST - 100:
        return body
    told = {name: value[:_KEPT] for name, value in orjson.loads(body).items() if name in _OWN and isinstance(value, str)}
    return orjson.dumps(told | {"cut_from_bytes": len(body)})


def sequence(of: bytes) -> int | None:
    """The sequence of a whole line, without the end of line; None if it is none of ours."""
    head = _HEAD.match(of)
    return int(head[1]) if head and of.endswith(_TAIL) else None


def record(of: bytes) -> LogRecord | None:
    """The record of a line; None if it is none of ours."""
    try:
        told = orjson.loads(of)
        return _record(told["sequence"], told["record"])
    except (ValueError, KeyError, TypeError):
        return None


def sieve(wanted: LogFilter) -> Callable[[bytes], bool]:
    """False for lines that certainly are not wanted: to look at bytes is much cheaper than to read them."""
    names = [orjson.dumps(name) for name in (wanted.sync, wanted.run) if name]
    texts = [text.lower().encode() for text in (wanted.event, wanted.text) if _PLAIN.fullmatch(text)]
    levels = [b'"level":"%s"' % level.name.lower().encode() for level in Level if level >= wanted.least > Level.INFO]

    def passes(line: bytes) -> bool:
        if not all(name in line for name in names) or (levels and not any(level in line for level in levels)):
            return False
        # Outside ASCII, more letters than one can be another's capital.
        return not texts or not line.isascii() or all(text in line.lower() for text in texts)

    return passes


def _record(number: int, told: Mapping[str, Any]) -> LogRecord:
    return LogRecord(
        sequence=number,
        at=datetime.fromisoformat(told["timestamp"]).astimezone(UTC),
        level=Level.__members__.get(str(told.get("level")).upper(), Level.INFO),
        event=str(told["event"]),
        sync=str(told.get("sync", "")),
        run=str(told.get("run", "")),
        logger=str(told.get("logger", "")),
        trace=str(told.get("exception", "")),
        values={name: value for name, value in told.items() if name not in _OWN},
    )
