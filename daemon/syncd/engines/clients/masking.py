"""What is never shown of an entry: text that stands where a secret may stand."""

import re
from collections.abc import Iterable, Iterator
from urllib.parse import parse_qsl, urlsplit

from syncd.domain.unified import Entry, Template, Value, is_secret, written

HIDDEN = "•••"
_LEAST = 6
"""Shorter text is no secret, but would hide half of a diff."""
_NAMES = re.compile(r"token|secret|pass|pwd|pin|key|auth|cred|cookie|session|sign|salt|private", re.IGNORECASE)
_WORD = re.compile(r"[a-z]{1,8}|[A-Z]{1,8}|\d{1,5}")


def shown(field: str, value: Value | None) -> object:
    """A value for people and for the wire; literals in secret places are hidden, references are not."""
    if value is None:
        return None
    if is_secret(field) and isinstance(value, str):
        return value if _is_harmless(field, value) else HIDDEN
    return _hidden(written(value), set(_secrets(field, value)))


def shown_entry(entry: Entry) -> dict[str, object]:
    return {field: shown(field, entry[field]) for field in sorted(entry)}


def secrets_of(entries: Iterable[Entry]) -> set[str]:
    """Literal texts that may be secrets."""
    return {text for entry in entries for field, value in entry.items() for text in _secrets(field, value)}


def masked(text: str, secrets: Iterable[str]) -> str:
    """A text without some secrets, the longest first: one may be a part of another."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text


def _is_harmless(field: str, value: str) -> bool:
    """A word such as `debug`, or a small number, under a name that speaks of no secret."""
    return bool(_WORD.fullmatch(value)) and not _NAMES.search(field)


def _secrets(field: str, value: Value) -> Iterator[str]:
    match value:
        case str() if is_secret(field) and not _is_harmless(field, value):
            yield from _long([value])
        case Template(parts) if is_secret(field):
            yield from _long(part for part in parts if isinstance(part, str) and not part.startswith(("Bearer", "Basic")))
        case str() if field == "url":
            address = urlsplit(value)
            yield from _long([address.password or "", *(text for name, text in parse_qsl(address.query) if _NAMES.search(name))])
        case tuple() if field == "args":
            yield from _long(_secret_arguments([part for part in value if isinstance(part, str)]))
        case _:
            pass


def _secret_arguments(arguments: list[str]) -> Iterator[str]:
    for place, argument in enumerate(arguments):
        name, _, text = argument.partition("=")
        if not _NAMES.search(name):
            continue
        if text:
            yield text
        elif name.startswith("-") and place + 1 < len(arguments):
            yield arguments[place + 1]


def _long(texts: Iterable[str]) -> Iterator[str]:
    return (text for text in texts if len(text) >= _LEAST)


def _hidden(value: object, secrets: set[str]) -> object:
    match value:
        case str():
            return masked(value, secrets)
        case list():
            return [_hidden(each, secrets) for each in value]
        case dict():
            return {name: _hidden(each, secrets) for name, each in value.items()}
        case _:
            return value
