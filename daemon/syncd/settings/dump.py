"""Settings as plain values, and the secrets that they refer to."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, time, timedelta
from enum import Enum
from typing import Any

from pydantic import BaseModel

from syncd.domain.errors import BadCredentials
from syncd.kit.secrecy import without_login
from syncd.kit.text import format_duration
from syncd.settings.load import Settings
from syncd.settings.problem import KeyPath, Problem, dotted
from syncd.settings.secret import SecretReference


def dump(section: BaseModel) -> dict[str, Any]:
    """A section as JSON can say it, in the words of the settings file; secrets as references, what is not set left out."""
    return {name: _plain(value) for name, value in section if value is not None}


def fingerprint(section: BaseModel) -> str:
    """Twelve letters that change with anything a section says."""
    return hashlib.sha256(json.dumps(dump(section), sort_keys=True).encode()).hexdigest()[:12]


def secret_problems(settings: Settings) -> tuple[Problem, ...]:
    """The secrets that cannot be read now; their values go nowhere."""
    problems = []
    for path, reference in _references(settings):
        try:
            reference.reveal()
        except BadCredentials as error:
            problems.append(Problem(settings.written.place(path), dotted(path), str(error)))
    return tuple(problems)


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return dump(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(inner) for inner in value]
    return _scalar(value)


def _scalar(value: Any) -> Any:
    match value:
        case Enum():
            return value.value
        case timedelta():
            return format_duration(value)
        case str():
            return without_login(value)
        case None | bool() | int() | float():
            return value
        case date() | time():
            return value.isoformat()
        case _:
            return str(value)


def _references(settings: Settings) -> Iterator[tuple[KeyPath, SecretReference]]:
    yield from _below(("daemon",), settings.daemon)
    yield from _below(("notify",), settings.notify)
    for name, connection in settings.connections.items():
        yield from _below(("connections", name), connection.section)
    for sync, one in settings.syncs.items():
        yield from _below(("syncs", sync), one.section)


def _below(path: KeyPath, value: Any) -> Iterator[tuple[KeyPath, SecretReference]]:
    if isinstance(value, SecretReference):
        yield path, value
        return
    inside: Iterable[tuple[str | int, Any]] = ()
    if isinstance(value, BaseModel):
        inside = value
    elif isinstance(value, Mapping):
        inside = value.items()
    elif isinstance(value, list | tuple):
        inside = enumerate(value)
    for key, inner in inside:
        yield from _below((*path, key), inner)
