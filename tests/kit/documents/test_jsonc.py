"""JSON documents: an edit changes the bytes of its member alone, and means what was meant."""

import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.kit.documents.document import Document, Place, Uneditable, Unparsable
from syncd.kit.documents.jsonc import Jsonc
from syncd.kit.documents.plain import same, with_appended, with_set, without

BOM = b"\xef\xbb\xbf"
CORPUS = os.environ.get("SYNCD_CORPUS")
FILES = sorted(Path(CORPUS).glob("*/*.json*")) if CORPUS else []
SERVER = {"command": "npx", "args": ["-y", "new"], "env": {"A": "${A}"}}


def _set(before: str, place: Place, value: Any) -> str:
    document = Jsonc(before.encode())
    document.set(place, value)
    return document.content().decode()


def _appended(before: str, place: Place, value: Any) -> str:
    document = Jsonc(before.encode())
    document.append(place, value)
    return document.content().decode()


def _removed(before: str, *places: Place) -> str:
    document = Jsonc(before.encode())
    for place in places:
        document.remove(place)
    return document.content().decode()


def test_it_keeps_the_promise_of_documents() -> None:
    document: Document = Jsonc(b"{}")

    assert document.value == {}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("", {}, id="an empty file"),
        pytest.param(" \n", {}, id="blanks"),
        pytest.param(
            '{"a": [1, -2.5e3, true, null, "x"], "b": {}}', {"a": [1, -2500.0, True, None, "x"], "b": {}}, id="all sorts of values"
        ),
        pytest.param('{"a": 1, /* b, */ "c": 2, // d\n}', {"a": 1, "c": 2}, id="comments and a trailing comma"),
        pytest.param('// x\n{"a": [1, // y\n /* z */ ], } /* end */', {"a": [1]}, id="a comment behind a trailing comma"),
        pytest.param(
            '{"a": "// no", "b": "/* no */,}", "c\\"//": 1}', {"a": "// no", "b": "/* no */,}", 'c"//': 1}, id="none within texts"
        ),
        pytest.param('{"a": 12345678901234567890123}', {"a": 12345678901234567890123}, id="a large number"),
        pytest.param('{"a": "\\ud800 \\ud83c\\udf89"}', {"a": "\ud800 🎉"}, id="half a character, and a whole one"),
        pytest.param('{"ü": "\u2028"}', {"ü": "\u2028"}, id="not only ASCII"),
    ],
)
def test_a_file_is_read(text: str, value: Mapping[str, Any]) -> None:
    document = Jsonc(text.encode())

    assert document.value == value
    assert document.content() == text.encode()


@pytest.mark.parametrize(
    ("content", "reason", "place"),
    [
        pytest.param(b"[1]", "an object", (1, 1), id="a list"),
        pytest.param(b"\n  1", "an object", (2, 3), id="a number"),
        pytest.param(b"// x\n", "", (2, 1), id="nothing but a comment"),
        pytest.param(b'{"a": 1,\n "a": 2}', "'a' is there twice", (2, 2), id="a member twice"),
        pytest.param(b'{"b": 1, "a": [{"b": 1}, // x\n {"b": 1, "b": 2}]}', "'b' is there twice", (2, 11), id="a member twice further in"),
        pytest.param(b'{"a": {"b": 1', "", (1, 14), id="a truncated file"),
        pytest.param(b'{"a": "x', "", (1, 7), id="a truncated text"),
        pytest.param(b'{"a": 1 /* x }', "", (1, 9), id="a comment without an end"),
        pytest.param(b'{"a": "\n"}', "", (1, 8), id="a line end in a text"),
        pytest.param(b'{"a": 1 "b": 2}', "", (1, 9), id="a comma is missing"),
        pytest.param(b'{"a": [1,,]}', "", (1, 10), id="a comma too many"),
        pytest.param(b'{"a": [ , ]}', "before the comma", (1, 9), id="a comma alone in a list"),
        pytest.param(b"{/* x */,}", "before the comma", (1, 9), id="a comma alone in a mapping"),
        pytest.param(b'{"a": 1} {}', "", (1, 10), id="something behind the end"),
        pytest.param(b"{a: 1}", "", (1, 2), id="a name without quotes"),
        pytest.param(b"{'a': 1}", "", (1, 2), id="single quotes"),
        pytest.param(b'{"a": 01}', "", (1, 8), id="a number with a leading zero"),
        pytest.param(b'{"a": NaN}', "", (0, 0), id="no number"),
        pytest.param(b'{\n"a": "\xff"}', "UTF-8", (2, 7), id="not UTF-8"),
        pytest.param(b'{"a":' * 201 + b"1" + b"}" * 201, "deeper than 200", (1, 1001), id="too deep"),
        pytest.param(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "deeper than 200", (1, 205), id="far too deep"),
    ],
)
def test_what_is_no_json_is_refused_with_its_place(content: bytes, reason: str, place: tuple[int, int]) -> None:
    with pytest.raises(Unparsable) as refused:
        Jsonc(content)

    assert reason in refused.value.reason
    assert (refused.value.line, refused.value.column) == place


def test_comments_may_be_forbidden() -> None:
    with pytest.raises(Unparsable, match="comments") as refused:
        Jsonc(b'{\n  // x\n  "a": 1\n}', comments=False)

    assert (refused.value.line, refused.value.column) == (2, 3)


def test_trailing_commas_may_be_forbidden() -> None:
    with pytest.raises(Unparsable, match="comma") as refused:
        Jsonc(b'{\n  // x\n  "a": 1,\n}', trailing_commas=False)

    assert (refused.value.line, refused.value.column) == (3, 9)


@pytest.mark.parametrize(
    ("before", "place", "value", "after"),
    [
        pytest.param('{"a": 1, "b" : 2}', ("b",), 3, '{"a": 1, "b" : 3}', id="a number"),
        pytest.param('{"a": 1}', ("a",), True, '{"a": true}', id="a boolean is not the number it equals"),
        pytest.param('{"a": 1}', ("a",), 1.0, '{"a": 1.0}', id="nor is a float"),
        pytest.param('{"a": "\\u0041"}', ("a",), "A", '{"a": "\\u0041"}', id="what says the same stays as it is written"),
        pytest.param('{"a": "x"}', ("a",), 'ü🎉"\n', '{"a": "ü🎉\\"\\n"}', id="not only ASCII"),
        pytest.param('{"a": "x"}', ("a",), "\ud800", '{"a": "\\ud800"}', id="half a character"),
        pytest.param('{"a": 1, // one\n}', ("a",), 2, '{"a": 2, // one\n}', id="the comment behind it stays"),
        pytest.param('{"a": {"b": [1, {"c": 2}]}}', ("a", "b", 1, "c"), 3, '{"a": {"b": [1, {"c": 3}]}}', id="far inside"),
        pytest.param('{\n\t"a": 1\n}', ("a",), {"b": [1]}, '{\n\t"a": {\n\t\t"b": [\n\t\t\t1\n\t\t]\n\t}\n}', id="by a mapping"),
        pytest.param('{"a": {"b": 1}}', ("a",), 2, '{"a": 2}', id="a mapping by a number"),
        pytest.param('{"a": null}', ("a", "b"), 2, '{"a": {"b": 2}}', id="null by a mapping"),
    ],
)
def test_a_value_gives_way_alone(before: str, place: Place, value: Any, after: str) -> None:
    assert _set(before, place, value) == after


@pytest.mark.parametrize(
    ("before", "place", "value", "after"),
    [
        pytest.param("", ("a",), 1, '{\n  "a": 1\n}\n', id="into an empty file"),
        pytest.param(" \n\n", ("a", "b"), 1, '{\n  "a": {\n    "b": 1\n  }\n}\n', id="into a blank one, with a mapping around"),
        pytest.param("{}", ("a",), 1, '{\n  "a": 1\n}', id="into an empty object, without a final newline"),
        pytest.param("{}\r\n", ("a",), {"b": 1}, '{\r\n  "a": {\r\n    "b": 1\r\n  }\r\n}\r\n', id="with the line endings of the file"),
        pytest.param('{"a": 1}', ("b",), 2, '{"a": 1, "b": 2}', id="into a line"),
        pytest.param('{ "a": 1 }', ("b",), {"c": [1]}, '{ "a": 1, "b": {"c": [1]} }', id="into a padded line"),
        pytest.param('{"a":1,"b":2}', ("c",), {"d": 1, "e": 2}, '{"a":1,"b":2,"c":{"d":1,"e":2}}', id="into a line without blanks"),
        pytest.param('{"a": {}}', ("a", "b"), 1, '{"a": {"b": 1}}', id="into empty brackets in a line"),
        pytest.param('{ "a": {} }', ("a", "b"), 1, '{ "a": { "b": 1 } }', id="into empty brackets in a padded line"),
        pytest.param('{\n    "a": 1\n}\n', ("b",), 2, '{\n    "a": 1,\n    "b": 2\n}\n', id="into a line of its own"),
        pytest.param('{\n "a": 1 // x\n}\n', ("b",), 2, '{\n "a": 1, // x\n "b": 2\n}\n', id="the comma comes before the comment"),
        pytest.param('{\n "a": 1 /* x */\n}\n', ("b",), 2, '{\n "a": 1, /* x */\n "b": 2\n}\n', id="or before the other sort of comment"),
        pytest.param(
            '{\n "a": 1 /* x\n*/\n}\n', ("b",), 2, '{\n "a": 1,\n "b": 2 /* x\n*/\n}\n', id="a comment of several lines is not cut"
        ),
        pytest.param('{\n "a": 1\n // x\n}\n', ("b",), 2, '{\n "a": 1,\n "b": 2\n // x\n}\n', id="comments below stay below"),
        pytest.param('{\n "a": 1,\n}\n', ("b",), 2, '{\n "a": 1,\n "b": 2,\n}\n', id="a trailing comma stays one"),
        pytest.param('{\n "a": 1, // x\n}\n', ("b",), 2, '{\n "a": 1, // x\n "b": 2,\n}\n', id="also before a comment"),
        pytest.param('{"a": [1,]}', ("b",), 2, '{"a": [1,], "b": 2}', id="a trailing comma elsewhere is none here"),
        pytest.param('{"a": 1,}', ("b",), 2, '{"a": 1, "b": 2,}', id="a trailing comma in a line"),
        pytest.param('{\r\n\t"a": 1\r\n}', ("b",), {"c": 1}, '{\r\n\t"a": 1,\r\n\t"b": {\r\n\t\t"c": 1\r\n\t}\r\n}', id="tabs and CRLF"),
        pytest.param('{\n  "a": {}\n}', ("a", "b"), 1, '{\n  "a": {\n    "b": 1\n  }\n}', id="empty brackets open up"),
        pytest.param('{\n  "a": {\n  }\n}', ("a", "b"), 1, '{\n  "a": {\n    "b": 1\n  }\n}', id="brackets with a line between"),
        pytest.param("{\n  // x\n}", ("a",), 1, '{\n  // x\n  "a": 1\n}', id="a comment between the brackets stays"),
        pytest.param('{"a": { // x\n}}', ("a", "b"), 1, '{"a": { // x\n  "b": 1\n}}', id="also at their line"),
        pytest.param('{\n  "a": 1 }', ("b",), 2, '{\n  "a": 1,\n  "b": 2 }', id="the bracket shares the line"),
        pytest.param(
            '{\n  "a": ["x"]\n}', ("b",), ["y", "z"], '{\n  "a": ["x"],\n  "b": ["y", "z"]\n}', id="a list as lists are in the file"
        ),
        pytest.param('{"a": 1}', ("b",), [], '{"a": 1, "b": []}', id="an empty list"),
        pytest.param('{"a": 1}', ('x"y',), 2, '{"a": 1, "x\\"y": 2}', id="a name with quotes"),
    ],
)
def test_a_new_member_comes_last_as_its_siblings_stand(before: str, place: Place, value: Any, after: str) -> None:
    assert _set(before, place, value) == after


@pytest.mark.parametrize(
    ("before", "value", "after"),
    [
        pytest.param('{"a": {"x": 1, /* 2 */ "y": 2}}', {"x": 1, "y": 3}, '{"a": {"x": 1, /* 2 */ "y": 3}}', id="one member"),
        pytest.param('{"a": {"y": 1, "x": 2}}', {"x": 2, "y": 1}, '{"a": {"y": 1, "x": 2}}', id="the order alone is no change"),
        pytest.param('{"a": {"x": 1, "y": 2}}', {"z": 3, "y": 2}, '{"a": {"y": 2, "z": 3}}', id="one goes, one comes"),
        pytest.param('{"a": {"x": 1}}', {"y": 2}, '{"a": {"y": 2}}', id="all go, another comes"),
        pytest.param('{"a": {"x": 1}}', {}, '{"a": {}}', id="all go"),
        pytest.param('{"a": [1, /* 2 */ 2, 3]}', [1, 2, 4, 3], '{"a": [1, /* 2 */ 2, 4, 3]}', id="an element comes between"),
        pytest.param('{"a": [1, 2, /* 3 */ 3]}', [1, 3], '{"a": [1, /* 3 */ 3]}', id="an element goes"),
        pytest.param('{"a": [1, 2]}', [1, 2, 3], '{"a": [1, 2, 3]}', id="an element comes last"),
        pytest.param('{"a": [1, 2]}', [0, 1, 2], '{"a": [0, 1, 2]}', id="an element comes first"),
        pytest.param(
            '{"a": [\n  1, // x\n  2\n]}', [1, 3, 2], '{"a": [\n  1, // x\n  3,\n  2\n]}', id="an element comes into a line of its own"
        ),
        pytest.param('{"a": [{"x": 1, "y": 2}]}', [{"x": 1, "y": 3}], '{"a": [{"x": 1, "y": 3}]}', id="an element changes inside"),
        pytest.param('{"a": [1, 2]}', [], '{"a": []}', id="all elements go"),
        pytest.param('{"a": [1, 1, 1]}', [1], '{"a": [1]}', id="some of several equal ones go"),
        pytest.param('{"a": []}', [1, 2], '{"a": [1, 2]}', id="elements come into an empty list"),
    ],
)
def test_a_mapping_or_list_is_changed_member_by_member(before: str, value: Any, after: str) -> None:
    assert _set(before, ("a",), value) == after


@pytest.mark.parametrize(
    ("before", "place", "after"),
    [
        pytest.param("", ("a", "b"), '{\n  "a": {\n    "b": [\n      0\n    ]\n  }\n}\n', id="the list is made"),
        pytest.param('{"a": null}', ("a",), '{"a": [0]}', id="in place of null"),
        pytest.param('{"a": []}', ("a",), '{"a": [0]}', id="to an empty list"),
        pytest.param('{"a": [1, 2]}', ("a",), '{"a": [1, 2, 0]}', id="in a line"),
        pytest.param('{"a": [\n    1 // x\n  ]}', ("a",), '{"a": [\n    1, // x\n    0\n  ]}', id="in a line of its own"),
    ],
)
def test_an_element_is_appended(before: str, place: Place, after: str) -> None:
    assert _appended(before, place, 0) == after


@pytest.mark.parametrize(
    ("before", "place", "after"),
    [
        pytest.param('{"a": 1, "b": 2, "c": 3}', ("a",), '{"b": 2, "c": 3}', id="the first in a line"),
        pytest.param('{"a": 1, "b": 2, "c": 3}', ("b",), '{"a": 1, "c": 3}', id="one in the middle of a line"),
        pytest.param('{ "a": 1, "b": 2 }', ("b",), '{ "a": 1 }', id="the last in a line"),
        pytest.param('{ "a": 1 }', ("a",), "{}", id="the only one in a line"),
        pytest.param('{"a": 1, "b": 2,}', ("b",), '{"a": 1,}', id="the last before a trailing comma"),
        pytest.param('{\n  "a": 1,\n  "b": 2\n}\n', ("a",), '{\n  "b": 2\n}\n', id="the first with its line"),
        pytest.param('{\n  "a": 1,\n  "b": 2\n}\n', ("b",), '{\n  "a": 1\n}\n', id="the last with the comma before it"),
        pytest.param('{\r\n  "a": 1,\r\n  "b": {\r\n    "c": 1\r\n  }\r\n}', ("b",), '{\r\n  "a": 1\r\n}', id="with all its lines"),
        pytest.param('{\n  "a": 1, // one\n  "b": 2 // two\n}', ("a",), '{\n  "b": 2 // two\n}', id="with the comment in its line"),
        pytest.param('{\n  "a": 1, // one\n  "b": 2 // two\n}', ("b",), '{\n  "a": 1 // one\n}', id="but not with that of the line before"),
        pytest.param('{\n  // one\n  "a": 1,\n  "b": 2\n}', ("a",), '{\n  // one\n  "b": 2\n}', id="comments above stay"),
        pytest.param('{\n  // one\n  "a": 1\n}', ("a",), "{\n  // one\n}", id="also above the only one"),
        pytest.param('{\n  "a": 1,\n  "b": 2,\n}', ("b",), '{\n  "a": 1,\n}', id="a trailing comma stays one"),
        pytest.param('{\n  "a": {\n    "b": 1\n  }\n}', ("a", "b"), '{\n  "a": {}\n}', id="empty brackets close up"),
        pytest.param('{\n  "a": 1, "b": 2,\n  "c": 3\n}', ("a",), '{\n  "b": 2,\n  "c": 3\n}', id="the first of two in a line"),
        pytest.param('{\n  "a": 1, "b": 2,\n  "c": 3\n}', ("b",), '{\n  "a": 1,\n  "c": 3\n}', id="the second of two in a line"),
        pytest.param('{\n  "a": 1, // x\n  "b": 2 }', ("b",), '{\n  "a": 1 // x\n  }', id="where the bracket shares the line"),
        pytest.param('{\n  "a": 1, /* x\n  */ "b": 2\n}', ("a",), '{\n  /* x\n  */ "b": 2\n}', id="a comment of several lines stays"),
        pytest.param('{"a": [1, 2, 3]}', ("a", 1), '{"a": [1, 3]}', id="an element"),
        pytest.param('{"a": ["x", "x"]}', ("a", 1), '{"a": ["x"]}', id="the last of two equal elements"),
    ],
)
def test_a_member_goes_with_its_comma_and_its_line(before: str, place: Place, after: str) -> None:
    assert _removed(before, place) == after


def test_what_is_not_there_cannot_be_removed() -> None:
    document = Jsonc(b'{"a": [1]}')

    for place in [("b",), ("a", 1), ("a", "b"), ("b", "c")]:
        with pytest.raises(KeyError):
            document.remove(place)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        pytest.param(("a", "b"), 1, id="a member of a number"),
        pytest.param(("l", "b"), 1, id="a member of a list"),
        pytest.param(("l", 1), 1, id="an element that is not there"),
        pytest.param((), [1], id="the whole as a list"),
        pytest.param(("b",), float("nan"), id="no number"),
        pytest.param(("b",), b"x", id="bytes"),
        pytest.param(("b",), {1: 2}, id="a name that is no text"),
        pytest.param(("b",), json.loads("[" * 201 + "]" * 201), id="too deep"),
    ],
)
def test_what_cannot_be_written_changes_nothing(place: Place, value: Any) -> None:
    before = b'{"a": 1, "l": [0]}'
    document = Jsonc(before)

    with pytest.raises(Uneditable):
        document.set(place, value)

    assert document.content() == before
    assert document.value == {"a": 1, "l": [0]}


def test_only_a_list_takes_elements() -> None:
    document = Jsonc(b'{"a": 1}')

    with pytest.raises(Uneditable):
        document.append(("a",), 1)


def test_a_byte_order_mark_stays() -> None:
    empty, full = Jsonc(BOM), Jsonc(BOM + b'{"a": 1}')

    empty.set(("a",), 1)
    full.set(("a",), 2)

    assert empty.content() == BOM + b'{\n  "a": 1\n}\n'
    assert full.content() == BOM + b'{"a": 2}'


@pytest.mark.parametrize("opening", ["{", "// c\n{"], ids=["strict", "with a comment"])
def test_five_megabytes_are_edited_in_one_place(opening: str) -> None:
    servers = ",\n".join(f'    "s{number}": {{"command": "{"x" * 150}", "args": ["-y", "p"]}}' for number in range(26_000))
    before = f'{opening}\n  "mcpServers": {{\n{servers}\n  }}\n}}\n'
    document = Jsonc(before.encode())

    document.set(("mcpServers", "s20000", "command"), "y")

    line = f'    "s20000": {{"command": "{"x" * 150}", "args": ["-y", "p"]}},\n'
    assert len(before) > 5_000_000
    assert document.content().decode() == before.replace(line, line.replace("x" * 150, "y"))


NAMES = st.sampled_from(["a", "b", "ü", 'q"', "//", "/*", "x,}"])
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), NAMES, st.text(max_size=4))
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=8)
BLANKS = st.sampled_from(["", "", " ", "\n", "\r\n  ", "\t", "// c\n", "/* , } */", " // d\r\n\t", "/* \n */"])


@st.composite
def _texts(draw: st.DrawFn, value: Any) -> str:
    """A value in some style or other."""
    if not isinstance(value, dict | list):
        return draw(BLANKS) + json.dumps(value, ensure_ascii=draw(st.booleans())) + draw(BLANKS)
    parts = value.items() if isinstance(value, dict) else [(None, each) for each in value]
    inner = [("" if name is None else f"{draw(BLANKS)}{json.dumps(name)}{draw(BLANKS)}:") + draw(_texts(each)) for name, each in parts]
    goes_on: bool = draw(st.booleans())
    trailing = f",{draw(BLANKS)}" if inner and goes_on else draw(BLANKS)
    left, right = "{}" if isinstance(value, dict) else "[]"
    return draw(BLANKS) + left + ",".join(inner) + trailing + right + draw(BLANKS)


def _places(value: Any, outer: Place = ()) -> Iterator[Place]:
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, each in members:
        yield (*outer, step)
        yield from _places(each, (*outer, step))


@settings(max_examples=80, deadline=None)
@given(st.dictionaries(NAMES, VALUES, max_size=4), st.data())
def test_any_edit_of_any_text_means_what_was_meant(value: dict[str, Any], data: st.DataObject) -> None:
    document = Jsonc(data.draw(_texts(value)).encode())
    assert same(document.value, value)

    for _ in range(3):
        now: Any = document.value
        new = data.draw(VALUES)
        place = data.draw(st.sampled_from([("new",), *_places(now), *((*place, "new") for place in _places(now))]))
        edit, expected = data.draw(st.sampled_from([(document.set, with_set), (document.append, with_appended)]))
        try:
            meant = expected(now, place, new)
        except Uneditable:
            continue
        edit(place, new)
        assert same(document.value, meant)
        assert same(Jsonc(document.content()).value, meant)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(NAMES, VALUES, min_size=1, max_size=4), st.data())
def test_nothing_is_lost_when_a_member_comes(value: dict[str, Any], data: st.DataObject) -> None:
    before = data.draw(_texts(value))
    place = data.draw(st.sampled_from([(), *(place for place in _places(value) if isinstance(_at(value, place), dict))]))

    after = _set(before, (*place, "new"), 0)

    added = len(_no_blanks(after)) - len(_no_blanks(before))
    assert added == len('"new":0') + (len(_at(value, place)) > 0)
    assert _is_within(_no_blanks(before), _no_blanks(after))


def test_a_comment_behind_the_closing_bracket_is_not_the_rest_of_a_members_line() -> None:
    document = Jsonc(b'{// c\n"a":null/* 1 */}/* 2 */')

    document.remove(("a",))

    assert document.value == {}
    assert document.content().decode().startswith("{// c\n")
    assert document.content().endswith(b"}/* 2 */")


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(NAMES, VALUES, min_size=1, max_size=4), st.data())
def test_nothing_comes_when_a_member_goes(value: dict[str, Any], data: st.DataObject) -> None:
    before = data.draw(_texts(value))
    place = data.draw(st.sampled_from(list(_places(value))))
    document = Jsonc(before.encode())

    document.remove(place)

    assert same(document.value, without(value, place))
    assert _is_within(document.content().decode(), before)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(NAMES, SCALARS, min_size=1, max_size=4), SCALARS, st.data())
def test_a_value_that_changes_is_all_that_changes(value: dict[str, Any], new: Any, data: st.DataObject) -> None:
    before = data.draw(_texts(value))
    name = data.draw(st.sampled_from(list(value)))

    after = _set(before, (name,), new)

    old = {json.dumps(value[name]), json.dumps(value[name], ensure_ascii=False)}
    assert after == before or any(
        f"{before[:start]}{json.dumps(new, ensure_ascii=False)}{before[start + len(each) :]}" == after
        for each in old
        for start in (match.start() for match in re.finditer(re.escape(each), before))
    )


def _no_blanks(text: str) -> str:
    return "".join(text.split())


def _is_within(part: str, whole: str) -> bool:
    """Whether a text is another one with something left out."""
    rest = iter(whole)
    return all(each in rest for each in part)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_real_file_keeps_what_is_not_edited(path: Path) -> None:
    content = path.read_bytes()
    value: Any = Jsonc(content).value
    assert Jsonc(content).content() == content

    for place in [(), *(place for place in _places(value) if isinstance(_at(value, place), dict))]:
        added, changed = Jsonc(content), Jsonc(content)
        added.set((*place, "a new one"), SERVER)
        assert _plainly(added.content()) == with_set(value, (*place, "a new one"), SERVER)
        assert len(_lost_lines(content, added.content())) <= 1
        for name in _at(value, place):
            removed = Jsonc(content)
            removed.remove((*place, name))
            assert _plainly(removed.content()) == without(value, (*place, name))
            changed.set((*place, name), "changed")
            assert _at(_plainly(changed.content()), (*place, name)) == "changed"


def _at(value: Any, place: Place) -> Any:
    for step in place:
        value = value[step]
    return value


def _plainly(content: bytes) -> Any:
    """Read in the simplest way: no comment in a real file has quotes in it, and no text has what looks like a comment before a blank."""
    text = content.decode("utf-8-sig")
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        lines = [re.sub(r"(^|\s)//.*$", "", line) for line in text.splitlines()]
        return json.loads(re.sub(r",(\s*[}\]])", r"\1", re.sub(r"/\*.*?\*/", "", "\n".join(lines), flags=re.DOTALL)))


def _lost_lines(before: bytes, after: bytes) -> list[bytes]:
    left = after.splitlines()
    return [line for line in before.splitlines() if line not in left]
