"""JSON, with comments and trailing commas where a file may hold them, edited by the spans of its members.

A value that changes gives way alone. A new member goes behind the last one as its siblings stand: in a line of its own, or in theirs. A
member goes with its comma and, if its line is its own, with the line and the comment at its end; comments above it stay.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from syncd.kit.documents.document import Place, Uneditable
from syncd.kit.documents.jsonc_text import DEEPEST, Child, children, closing, gap_end, independently, parsed
from syncd.kit.documents.plain import at, common, has, is_deep, plain, same, with_appended, with_set, without
from syncd.kit.documents.splices import Splice, decoded, indentation, line_end, line_ending, line_start, spliced

_REST = re.compile(r"[ \t]*(?:(?>/\*[^\n]*?\*/)[ \t]*)*(?://[^\n]*)?(?:\r?\n|\Z)")
"""The end of a line on which nothing but comments stands."""
_UNIT = re.compile(r"[{\[][ \t]*\r?\n(?:[ \t]*\r?\n)*([ \t]+)")
_OPENED_LIST = re.compile(r"\[[ \t]*\r?\n")
_CLOSED_LIST = re.compile(r'\[[ \t]*["\d]')
_COMPACT = re.compile(r'"[ \t]*:(?=[^ \t\r\n])')
_LOOSE = re.compile(r'"[ \t]*:[ \t]')


class Jsonc:
    """A JSON file. Raises `Unparsable`, also for a member that is there twice: nobody could tell which one to edit."""

    def __init__(self, content: bytes, *, comments: bool = True, trailing_commas: bool = True) -> None:
        self._mark, self._text = decoded(content)
        self._comments = comments
        self._trailing_commas = trailing_commas
        self._value, self._strict = self._parsed()

    @property
    def value(self) -> Mapping[str, Any]:
        """The whole as plain Python values, members in the order of the text."""
        return self._value

    def content(self) -> bytes:
        """The text as it is now."""
        return (self._mark + self._text).encode()

    def set(self, place: Place, value: Any) -> None:
        """Give a member a value; a mapping or list that is there is changed member by member. Raises `Uneditable`."""
        value = _held(value, len(place))
        meant = with_set(self._value, place, value)
        if not isinstance(meant, dict):
            raise Uneditable("the whole is an object")
        if not has(self._value, place) or not same(at(self._value, place), value):
            self._edit(meant, lambda: self._put(place, value))

    def append(self, place: Place, value: Any) -> None:
        """Add an element to a list, which is made if it is missing. Raises `Uneditable`."""
        value = _held(value, len(place) + 1)
        meant = with_appended(self._value, place, value)
        if has(self._value, place) and at(self._value, place) is not None:
            self._edit(meant, lambda: self._add(place, None, value))
        else:
            self._edit(meant, lambda: self._put(place, [value]))

    def remove(self, place: Place) -> None:
        """Remove a member or an element. Raises `KeyError` if it is not there, `Uneditable`."""
        meant = without(self._value, place)
        self._edit(meant, lambda: self._take(place))

    def _edit(self, meant: Any, work: Callable[[], None]) -> None:
        before = self._text, self._value, self._strict
        try:
            work()
            if self._value != meant or _canonical(independently(self._text)) != _canonical(meant):
                raise Uneditable("the edit would change something else")
        except (ValueError, TypeError) as error:
            self._text, self._value, self._strict = before
            raise Uneditable(str(error)) from error

    def _parsed(self) -> tuple[dict[str, Any], str]:
        return parsed(self._text, comments=self._comments, trailing_commas=self._trailing_commas)

    def _replace(self, *splices: Splice) -> None:
        self._text = spliced(self._text, splices)
        self._value, self._strict = self._parsed()

    def _put(self, place: Place, value: Any) -> None:
        """Change what is at a place, or add it to the innermost mapping that is there."""
        depth = next(depth for depth in range(len(place), -1, -1) if has(self._value, place[:depth]))
        if depth == len(place):
            self._change(place, value)
            return
        for step in reversed(place[depth + 1 :]):
            value = {step: value}
        if at(self._value, place[:depth]) is None:
            self._change(place[:depth], {place[depth]: value})
        else:
            self._add(place[:depth], str(place[depth]), value)

    def _change(self, place: Place, value: Any) -> None:
        old = at(self._value, place)
        if same(old, value):
            return
        if isinstance(old, dict) and isinstance(value, dict):
            for name in [name for name in old if name not in value]:
                self._take((*place, name))
            for name, each in value.items():
                self._put((*place, name), each)
        elif isinstance(old, list) and isinstance(value, list):
            self._change_list(place, old, value)
        else:
            child = self._child(place)
            self._replace(Splice(child.value, child.end, self._spelled(value, self._indent_of(child))))

    def _change_list(self, place: Place, old: list[Any], value: list[Any]) -> None:
        """Keep what is the same at both ends; between them change, remove and add."""
        start = common(old, value)
        end = common(old[start:][::-1], value[start:][::-1])
        kept = min(len(old), len(value)) - end
        for number in range(start, kept):
            self._change((*place, number), value[number])
        for number in reversed(range(kept, len(old) - end)):
            self._take((*place, number))
        for number in range(kept, len(value) - end):
            self._insert(place, number, value[number])

    def _start(self, place: Place) -> int:
        """Where the value at a place begins."""
        start = gap_end(self._text, 0)
        for step in place:
            start = self._chosen(start, step).value
        return start

    def _child(self, place: Place) -> Child:
        return self._chosen(self._start(place[:-1]), place[-1])

    def _chosen(self, start: int, step: str | int) -> Child:
        found = children(self._text, self._strict, start)
        return next(child for number, child in enumerate(found) if step == (number if child.name is None else child.name))

    def _children(self, place: Place) -> list[Child]:
        return list(children(self._text, self._strict, self._start(place)))

    def _insert(self, place: Place, number: int, value: Any) -> None:
        found = self._children(place)
        if number == len(found):
            self._add(place, None, value)
            return
        before = found[number]
        indent = self._indent_of(before)
        gap = self._gap(found) if indent is None else self._ending + indent
        self._replace(Splice(before.start, before.start, f"{self._spelled(value, indent)},{gap}"))

    def _add(self, place: Place, name: str | None, value: Any) -> None:
        """A new last member or element."""
        if not self._text.strip():
            self._text = self._strict = "{}\n"
        found = self._children(place)
        if found:
            self._add_behind(found, name, value)
        else:
            self._open(place, name, value)

    def _add_behind(self, found: list[Child], name: str | None, value: Any) -> None:
        last = found[-1]
        comma = "" if last.comma is None else ","
        indent = self._indent_of(last)
        new = self._member(name, value, indent)
        if indent is None:
            self._replace(Splice(last.beyond, last.beyond, f"{'' if comma else ','}{self._gap(found)}{new}{comma}"))
            return
        rest = _REST.match(self._text, last.beyond)
        if rest is None or rest.end() > closing(self._text, 0, found):
            self._replace(Splice(last.beyond, last.beyond, f"{'' if comma else ','}{self._ending}{indent}{new}{comma}"))
            return
        added = Splice(rest.end(), rest.end(), f"{indent}{new}{comma}{self._ending}")
        self._replace(*([] if comma else [Splice(last.end, last.end, ",")]), added)

    def _open(self, place: Place, name: str | None, value: Any) -> None:
        """The first one between brackets; comments that stand there come first."""
        start = self._start(place)
        end = closing(self._text, start, ())
        inner = self._text[start + 1 : end]
        is_flat = bool(place) and "\n" not in inner and self._indent_of(self._child(place)) is None
        indent = None if is_flat else self._indent_at(start) + self._unit
        new = self._member(name, value, indent)
        if indent is None:
            pad = " " if inner.startswith(" ") or self._is_padded(place) else ""
            self._replace(Splice(start + 1, end, f"{inner.rstrip()}{pad}{new}{pad}"))
            return
        outer = self._indent_at(start)
        self._replace(Splice(start + 1, end, f"{inner.rstrip()}{self._ending}{indent}{new}{self._ending}{outer}"))

    def _take(self, place: Place) -> None:
        start = self._start(place[:-1])
        found = self._children(place[:-1])
        end = closing(self._text, start, found)
        number = found.index(self._chosen(start, place[-1]))
        cut = self._cut(found, number)
        if len(found) == 1 and not (self._text[start + 1 : cut.start] + self._text[cut.end : end]).strip():
            cut = Splice(start + 1, end, "")
        comma = found[number - 1].comma if 0 < number == len(found) - 1 and found[-1].comma is None else None
        self._replace(*([] if comma is None else [Splice(comma, comma + 1, "")]), cut)

    def _cut(self, found: list[Child], number: int) -> Splice:
        """What goes with a child; the comma before it is another matter."""
        child = found[number]
        start, end = child.start, child.beyond
        if self._indent_of(child) is None:
            behind = found[number + 1].start if number < len(found) - 1 else end
            if behind > end and not self._text[end:behind].strip(" \t"):
                return Splice(start, behind, "")
            return Splice(len(self._text[:start].rstrip(" \t")), end, "")
        if _REST.match(self._text, end):
            return Splice(line_start(self._text, start), line_end(self._text, end), "")
        line = self._text[end : line_end(self._text, end)]
        return Splice(start, end + len(line) - len(line.lstrip(" \t")), "")

    def _indent_of(self, child: Child) -> str | None:
        """What stands before it in its line; None if it shares the line."""
        return indentation(self._text, child.start)

    def _indent_at(self, position: int) -> str:
        line = self._text[line_start(self._text, position) : position]
        return line[: len(line) - len(line.lstrip(" \t"))]

    def _is_padded(self, place: Place) -> bool:
        return bool(place) and self._text[self._start(place[:-1]) + 1] == " "

    @property
    def _unit(self) -> str:
        """What one level is indented by."""
        match = _UNIT.search(self._text)
        return match.group(1) if match else "  "

    @property
    def _ending(self) -> str:
        return line_ending(self._text) if "\n" in self._text else "\n"

    @property
    def _colon(self) -> str:
        return ":" if _COMPACT.search(self._strict) and not _LOOSE.search(self._strict) else ": "

    def _gap(self, found: list[Child]) -> str:
        """What stands between the comma and the next one in a line."""
        if len(found) > 1 and found[-2].comma is not None:
            between = self._text[found[-2].beyond : found[-1].start]
            return " " if between.strip(" \t") else between
        return "" if self._colon == ":" else " "

    def _member(self, name: str | None, value: Any, indent: str | None) -> str:
        spelled = self._spelled(value, indent)
        return spelled if name is None else f"{_scalar(name)}{self._colon}{spelled}"

    def _spelled(self, value: Any, indent: str | None) -> str:
        """A value as it stands in a line that is indented so; in one line if `indent` is None."""
        if not isinstance(value, dict | list) or not value:
            return _scalar(value)
        members = value.items() if isinstance(value, dict) else [(None, each) for each in value]
        left, right = "{}" if isinstance(value, dict) else "[]"
        if indent is None or (isinstance(value, list) and self._is_short(value)):
            gap = " " if self._colon == ": " else ""
            return f"{left}{f',{gap}'.join(self._member(name, each, None) for name, each in members)}{right}"
        inside = indent + self._unit
        lines = f",{self._ending}".join(inside + self._member(name, each, inside) for name, each in members)
        return f"{left}{self._ending}{lines}{self._ending}{indent}{right}"

    def _is_short(self, value: list[Any]) -> bool:
        """Whether a list stands in one line, as lists do in this file."""
        is_custom = _CLOSED_LIST.search(self._strict) is not None and _OPENED_LIST.search(self._strict) is None
        return is_custom and not any(isinstance(each, dict | list) for each in value)


def _canonical(value: Any) -> str:
    """Equal for what says the same: `1`, `1.0` and `true` are three values, the order of members is of no account."""
    return json.dumps(value, sort_keys=True)


def _scalar(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, allow_nan=False)
    return text


def _held(value: Any, depth: int) -> Any:
    value = plain(value)
    if is_deep(value, DEEPEST - depth):
        raise Uneditable(f"it would be nested deeper than {DEEPEST} levels")
    return value
