"""Values of entries, and what differs between two of them, as people see it."""

import difflib
import json
from collections.abc import Iterator
from typing import Any

from syncctl import words
from syncctl.view import Block, Cell, Line, Span, quiet

_TAB = 4
_STYLES = {"+": "good", "-": "bad", "@": "busy"}


def unified(diff: str, indent: int = 0) -> Iterator[Block]:
    """A unified diff of one file; removed lines and added ones in their colours."""
    names = True
    for line in diff.removesuffix("\n").split("\n") if diff else ():
        names &= not line.startswith("@@")
        yield Line(Span(line.expandtabs(_TAB), "strong" if names else _STYLES.get(line[:1], "")), indent)


def between(before_json: str, after_json: str, indent: int = 0) -> Iterator[Block]:
    """What differs between two values, for those that do not fit into a line."""
    lines = difflib.unified_diff(_plain(before_json).splitlines(), _plain(after_json).splitlines(), lineterm="", n=2)
    yield from unified("\n".join([*lines][2:]), indent)


def is_long(value_json: str) -> bool:
    """Whether a value fills more than one line."""
    return "\n" in _plain(value_json).rstrip("\n")


def value(value_json: str, style: str = "") -> Cell:
    """A value for a cell of a table: a dash where there is none, the number of lines in place of a long text."""
    if not value_json:
        return quiet("–")
    text = short(_plain(value_json))
    return Span(text, style) if isinstance(text, str) else text


def short(text: str) -> Cell:
    """A text of one line as it is, of a longer one the first line and how many there are."""
    first, *more = text.rstrip("\n").split("\n")
    return (first, quiet(f"  … {words.plural(len(more), 'more line')}")) if more else first or '""'


def written(value: Any) -> str:
    """A value as people write it: `Bearer ${TOKEN}`, `-y "a b"`."""
    match value:
        case str():
            return value
        case {"template": list(parts)}:
            return "".join(part if isinstance(part, str) else _reference(part) for part in parts)
        case list():
            return " ".join(_word(written(each)) for each in value)
        case _:
            return json.dumps(value, ensure_ascii=False)


def _plain(value_json: str) -> str:
    return written(json.loads(value_json)) if value_json else ""


def _reference(part: dict[str, str]) -> str:
    return f"${{{part['ref']}:-{part['default']}}}" if "default" in part else f"${{{part['ref']}}}"


def _word(text: str) -> str:
    """A word of a list; in quotation marks if its ends could not be seen otherwise."""
    return text if text and " " not in text else json.dumps(text, ensure_ascii=False)
