"""What FTS5 takes as an id."""

import json
from contextlib import suppress

from syncd.domain.batch import Refusal


def plain_id(text: str | None) -> str | None:
    """The id as plain text, None if no document can have it."""
    try:
        value = json.loads(text or "null")
    except ValueError:
        return None
    if type(value) is int:
        return str(value)
    if type(value) is not str or not value or "\0" in value:
        return None
    with suppress(UnicodeEncodeError):
        value.encode()
        return value
    return None


def refusal(row: int, text: str | None) -> Refusal:
    shown = (text or "null")[:80]
    return Refusal(row, "invalid_document_id", f"{shown} cannot be a document id; expected an integer or a text that is not empty")
