"""What the validation of a section found wrong, in words for people."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from syncd.kit.secrecy import sounds_secret, without_login
from syncd.kit.text import did_you_mean, format_duration
from syncd.settings.problem import KeyPath
from syncd.settings.secret import SecretReference

_EXPECTED = {
    "bool_parsing": "expected true or false",
    "bool_type": "expected true or false",
    "dict_type": "expected a table",
    "float_parsing": "expected a number",
    "float_type": "expected a number",
    "frozen_set_type": "expected a list",
    "int_from_float": "expected a whole number",
    "int_parsing": "expected a whole number",
    "int_type": "expected a whole number",
    "list_type": "expected a list",
    "mapping_type": "expected a table",
    "missing": "is required",
    "model_attributes_type": "expected a table",
    "model_type": "expected a table",
    "path_type": "expected a path",
    "set_type": "expected a list",
    "string_type": "expected text",
    "time_delta_parsing": "expected a duration such as '30s'",
    "time_delta_type": "expected a duration such as '30s'",
    "tuple_type": "expected a list",
}
_LIMITS = {
    "enum": "expected {expected}",
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "literal_error": "expected {expected}",
    "string_pattern_mismatch": "must match {pattern}",
    "string_too_long": "must have at most {max_length} characters",
    "string_too_short": "must have at least {min_length} characters",
    "too_long": "must have at most {max_length} entries",
    "too_short": "must have at least {min_length} entries",
}
_TIMEDELTA = re.compile(r"datetime\.timedelta\((.*)\)")
_GOT = re.compile(r"\bgot\b")
_SHOWN_CHARACTERS = 60
_FEW = 6


@dataclass(frozen=True, slots=True)
class Complaint:
    """One problem of a section; `path` starts inside of it."""

    path: KeyPath
    message: str
    found: str = ""


def complaints(error: ValidationError, section: type[BaseModel], value: Mapping[str, Any]) -> Iterator[Complaint]:
    """Yield what is wrong with the value of a section, each thing once."""
    seen = set()
    for detail in error.errors(include_url=False):
        path = _path(detail, value)
        complaint = Complaint(path, _message(detail, section, path), _found(detail, section, path))
        if complaint not in seen:
            seen.add(complaint)
            yield complaint


def found(value: object) -> str:
    """A value as an operator wrote it, if it is short; else what it is."""
    match value:
        case bool():
            return str(value).lower()
        case str():
            return repr(without_login(value)) if len(value) <= _SHOWN_CHARACTERS else f"a text of {len(value)} characters"
        case Mapping():
            return "a table"
        case Sequence():
            return "a list"
        case _:
            return str(value)


def choices(word: str, known: Sequence[str], none: str = "none") -> str:
    """The one that was probably meant, else all if they are few: `"; there are: a, b"`."""
    close = did_you_mean(word, known)
    if close or len(known) > _FEW:
        return close
    return f"; there are: {', '.join(sorted(known))}" if known else f"; there are {none}"


def _path(detail: ErrorDetails, value: Any) -> KeyPath:
    """The keys of an error's place, without the names of union members, which stand there too."""
    path: list[str | int] = []
    for part in detail["loc"]:
        is_key = isinstance(value, Mapping) and part in value
        is_index = isinstance(value, Sequence) and isinstance(part, int) and part < len(value)
        if is_key or is_index:
            value = value[part]
            path.append(part)
    if detail["type"] == "missing":
        path.append(detail["loc"][-1])
    return tuple(path)


def _message(detail: ErrorDetails, section: type[BaseModel], path: KeyPath) -> str:
    kind, limits = detail["type"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        known = [name for model in _sections_at(section, path[:-1]) for name in model.model_fields]
        return f"no such setting{choices(str(path[-1]), known)}"
    if kind == "value_error":
        return str(limits["error"])
    if kind in _EXPECTED:
        return _EXPECTED[kind]
    if kind in _LIMITS:
        text = _LIMITS[kind].format(**{name: _limit(limit) for name, limit in limits.items()})
        return text + did_you_mean(str(detail["input"]), re.findall("'([^']*)'", str(limits.get("expected", ""))))
    return detail["msg"][:1].lower() + detail["msg"][1:]


def _limit(limit: object) -> str:
    """Limits of durations arrive as Python would write them."""
    match = _TIMEDELTA.fullmatch(str(limit))
    if match is None:
        return str(limit)
    parts = dict(part.split("=") for part in match[1].split(", ") if "=" in part)
    length = timedelta(**{unit: float(count) for unit, count in parts.items()})
    return format_duration(length) if length else "0"


def _found(detail: ErrorDetails, section: type[BaseModel], path: KeyPath) -> str:
    value = detail["input"]
    if detail["type"] in ("missing", "extra_forbidden") or _is_secret(section, path):
        return ""
    if detail["type"] == "value_error" and (_GOT.search(str(detail["ctx"]["error"])) or isinstance(value, BaseModel | Mapping)):
        return ""
    return found(value)


def _is_secret(section: type[BaseModel], path: KeyPath) -> bool:
    expected = (_sections_at(section, path[:length]) for length in range(1, len(path) + 1))
    return any(sounds_secret(part) for part in path if isinstance(part, str)) or any(SecretReference in models for models in expected)


def _sections_at(section: type[BaseModel], path: KeyPath) -> set[type[BaseModel]]:
    """The sections that may stand at a place below another one."""
    models = {section}
    for part in path:
        fields = [model.model_fields[part] for model in models if isinstance(part, str) and part in model.model_fields]
        if fields:
            models = {model for found in fields for model in _sections_in(found.annotation)}
    return models


def _sections_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _sections_in(argument)
