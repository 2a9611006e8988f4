"""Logs as lines of the systemd journal: each value of an event is a field, so that `journalctl SYNCD_RUN=…` finds it."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

import orjson

from syncd.kit import journal

_PRIORITIES = {"debug": "7", "info": "6", "warning": "4", "error": "3", "critical": "2"}
_OURS = ("timestamp", "level", "event", "exception")
"""What the journal has a place of its own for."""


class JournalHandler(logging.Handler):
    """Sends what its formatter makes, one JSON object an event. While the journal does not take it, it goes to `otherwise` as it is."""

    def __init__(self, socket: Path, otherwise: TextIO) -> None:
        super().__init__()
        self._socket = socket
        self._otherwise = otherwise

    def emit(self, record: logging.LogRecord) -> None:
        line = self.format(record)
        try:
            journal.send(journal.entry(fields(orjson.loads(line))), self._socket)
        except OSError:
            self._otherwise.write(f"{line}\n")
            self._otherwise.flush()


def fields(event: Mapping[str, Any]) -> dict[str, str]:
    """An event as fields. The message is what a person reads: phrase and values, a traceback below."""
    values = {name: _text(value) for name, value in event.items() if name not in _OURS}
    message = " ".join([str(event.get("event", "")), *(f"{name}={_quoted(value)}" for name, value in values.items())])
    if trace := event.get("exception"):
        message = f"{message}\n{trace}"
    told = {"MESSAGE": message, "PRIORITY": _PRIORITIES.get(str(event.get("level")), "6"), "SYSLOG_IDENTIFIER": "syncd"}
    return told | {journal.field_name(f"SYNCD_{name}"): value for name, value in values.items()}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _quoted(value: str) -> str:
    return orjson.dumps(value).decode() if not value or any(letter in value for letter in ' \n"=') else value
