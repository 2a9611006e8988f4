"""YAML documents: an edit changes the bytes of its member alone, and means what was meant."""

import datetime as dt
import difflib
import math
import os
import re
import time
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.kit.documents.document import Document, Place, Uneditable, Unparsable
from syncd.kit.documents.yaml import LARGEST, Yaml
from syncd.kit.documents.yaml_text import ALIASES, DEEPEST

BOM = b"\xef\xbb\xbf"
CORPUS = os.environ.get("SYNCD_CORPUS")
FILES = sorted(path for ending in ("yml", "yaml") for path in Path(CORPUS).glob(f"*/*.{ending}")) if CORPUS else []
COMMANDS = ("toolPermissions", "bash", "commands")
ROVO = """\
# tools
toolPermissions:
  default: ask  # careful

  # shell
  bash:
    default: "ask"
    commands:
    - command: ^git .*$
      permission: allow   # safe
    # never
    - command: '^rm .*$'
      permission: deny
  allowedExternalPaths: []
mcp:
"""


def _set(before: str, place: Place, value: Any) -> str:
    document = Yaml(before.encode())
    document.set(place, value)
    return document.content().decode()


def _removed(before: str, place: Place) -> str:
    document = Yaml(before.encode())
    document.remove(place)
    return document.content().decode()


def _appended(before: str, place: Place, value: Any) -> str:
    document = Yaml(before.encode())
    document.append(place, value)
    return document.content().decode()


def _changes(before: bytes, after: bytes) -> list[str]:
    lines = difflib.ndiff(before.decode().splitlines(), after.decode().splitlines())
    return [line for line in lines if line[0] in "+-"]


def test_a_yaml_is_a_document() -> None:
    document: Document = Yaml(b"a: 1\n")

    assert document.value == {"a": 1}


@pytest.mark.parametrize("content", [b"", b"\n", b"# hello", b"---\n", BOM])
def test_a_document_without_members_is_an_empty_mapping(content: bytes) -> None:
    document = Yaml(content)

    assert document.value == {}
    assert document.content() == content


@pytest.mark.parametrize(
    ("before", "place", "value", "after"),
    [
        pytest.param("a: 1 # one\nb: 2\n", ("a",), 3, "a: 3 # one\nb: 2\n", id="a number beside a comment"),
        pytest.param("a:   'x'\n", ("a",), "it's", "a:   'it''s'\n", id="single quotes and blanks stay"),
        pytest.param('a: "x"\n', ("a",), "y", 'a: "y"\n', id="double quotes stay"),
        pytest.param("a: x\n", ("a",), "y z", "a: y z\n", id="no quotes where none are needed"),
        pytest.param("a: x\n", ("a",), "yes", "a: 'yes'\n", id="quotes where they are needed"),
        pytest.param("a: # none\nb: 1\n", ("a",), "x", "a: x # none\nb: 1\n", id="nothing so far"),
        pytest.param("a: |\n  x\n  y\n\nb: 1\n", ("a",), "z", "a: z\n\nb: 1\n", id="a text of several lines"),
        pytest.param("a: x\n  y # c\nb: 1\n", ("a",), "z", "a: z # c\nb: 1\n", id="a plain text of several lines"),
        pytest.param("a:\n  b: 1\nc: 2\n", ("a",), 3, "a: 3\nc: 2\n", id="a mapping becomes a number"),
        pytest.param("a: 3 # c\nc: 2\n", ("a",), {"b": [1]}, "a: # c\n  b:\n    - 1\nc: 2\n", id="a number becomes a mapping"),
        pytest.param("a: 3", ("a",), {"b": 1}, "a:\n  b: 1", id="a missing final line ending stays missing"),
        pytest.param("a:\n- 1\n", ("a", 0), {"b": 1, "c": 2}, "a:\n- b: 1\n  c: 2\n", id="an element becomes a mapping"),
        pytest.param("", ("a", "b"), 1, "a:\n  b: 1\n", id="first member of an empty file"),
        pytest.param("# hello", ("a",), 1, "# hello\na: 1", id="first member below a comment"),
        pytest.param("---\n# hello\n", ("a",), 1, "---\n# hello\na: 1\n", id="first member below a marker"),
        pytest.param("{}\n", ("a",), [1], "a:\n  - 1\n", id="first member of an empty mapping"),
        pytest.param("a: {} # c\n", ("a", "b"), 1, "a: # c\n  b: 1\n", id="an empty mapping opens up"),
        pytest.param("a:\nb: 1\n", ("a", "c"), 1, "a:\n  c: 1\nb: 1\n", id="null becomes a mapping"),
        pytest.param("a:\n    b: 1\n", ("c", "d"), 1, "a:\n    b: 1\nc:\n    d: 1\n", id="indented as the document does it"),
        pytest.param("a:\n- 1\n", ("c",), [1], "a:\n- 1\nc:\n- 1\n", id="lists indented as the document does it"),
        pytest.param(
            "a:\n  b: 1 # b\n\n# d\nd: 1\n", ("a", "c"), 2, "a:\n  b: 1 # b\n  c: 2\n\n# d\nd: 1\n", id="behind the last of its siblings"
        ),
        pytest.param("a: 1\n...\n", ("b",), 2, "a: 1\nb: 2\n...\n", id="above the end of the document"),
        pytest.param("a: { b: 1, c: 2 } # x\n", ("a", "c"), 3, "a: { b: 1, c: 3 } # x\n", id="between braces"),
        pytest.param("a: { b: 1 }\n", ("a", "c"), {"d": ["e"]}, "a: { b: 1, c: {d: [e]} }\n", id="a member more between braces"),
        pytest.param('{"a": 1}', ("b",), "x, y", "{\"a\": 1, b: 'x, y'}", id="braces all around"),
        pytest.param("a: [x, y]\n", ("a",), ["x", "z", "y"], "a: [x, z, y]\n", id="an element more between brackets"),
        pytest.param("a: [x, y]\n", ("a",), ["y"], "a: [y]\n", id="an element less between brackets"),
        pytest.param("a:\n- x # x\n- z\n", ("a",), ["x", "w", "z"], "a:\n- x # x\n- w\n- z\n", id="an element in the middle"),
        pytest.param("a:\n- x # x\n", ("a",), ["w", "x"], "a:\n- w\n- x # x\n", id="an element in front"),
        pytest.param("a:\n- x # x\n- y\n", ("a",), [], "a: []\n", id="no element left"),
        pytest.param("a:\n- [1]\n", ("a", 0), [1, [2]], "a:\n- [1, [2]]\n", id="a list in a list"),
        pytest.param("'a b': 1\n", ("a b",), 2, "'a b': 2\n", id="a name in quotes"),
        pytest.param("? a\n: 1\nb: 2\n", ("b",), 3, "? a\n: 1\nb: 3\n", id="beside a member that is written at length"),
    ],
)
def test_setting_changes_what_it_must(before: str, place: Place, value: Any, after: str) -> None:
    assert _set(before, place, value) == after


@pytest.mark.parametrize(
    ("before", "place", "after"),
    [
        pytest.param("a: 1 # one\nb: 2\n", ("a",), "b: 2\n", id="a member and the comment behind it"),
        pytest.param(
            "# above\na:\n  - 1\n  # in\n  - 2\n# below\nb: 2\n", ("a",), "# above\n# below\nb: 2\n", id="a member of several lines"
        ),
        pytest.param("a: 1\nb: 2", ("b",), "a: 1", id="a missing final line ending stays missing"),
        pytest.param("a: 1\n", ("a",), "", id="the only member of all"),
        pytest.param("a:\n  # c\n  b: 1 # b\nc: 2\n", ("a", "b"), "a: {}\n  # c\nc: 2\n", id="the only member of a mapping"),
        pytest.param("a: # c\n- 1\nb: 2\n", ("a", 0), "a: [] # c\nb: 2\n", id="the only element"),
        pytest.param("a:\n- b: 1\n  c: 2\n", ("a", 0, "b"), "a:\n- c: 2\n", id="a member beside the dash"),
        pytest.param("a:\n- b: 1 # b\n  c: 2\n", ("a", 0, "b"), "a:\n- c: 2\n", id="a member beside the dash and the comment behind it"),
        pytest.param("a:\n- b: 1\n  c: 2\n", ("a", 0, "c"), "a:\n- b: 1\n", id="a member below the dash"),
        pytest.param("a:\n- b: 1\n", ("a", 0, "b"), "a:\n- {}\n", id="the only member beside a dash"),
        pytest.param("a:\n- b: 1\n  c: 2\n# d\n- d: 1\n", ("a", 0), "a:\n# d\n- d: 1\n", id="an element of several lines"),
        pytest.param("a:\n- |\n  - x\n\n- y\n", ("a", 1), "a:\n- |\n  - x\n\n", id="an element below a text with a dash"),
        pytest.param("a: |\n  x\nb: 1\n", ("a",), "b: 1\n", id="a text of several lines"),
        pytest.param("a: {b: 1, c: 2}\n", ("a", "b"), "a: {c: 2}\n", id="the first between braces"),
        pytest.param("a: {b: 1, c: 2}\n", ("a", "c"), "a: {b: 1}\n", id="the last between braces"),
        pytest.param("a: [x, 'y, z']\n", ("a", 1), "a: [x]\n", id="the last between brackets"),
        pytest.param("a: [\n  x, # x\n  y\n]\n", ("a", 0), "a: [\n  y\n]\n", id="one of several lines between brackets"),
    ],
)
def test_removing_takes_what_it_must(before: str, place: Place, after: str) -> None:
    assert _removed(before, place) == after


@pytest.mark.parametrize(
    ("before", "place", "value", "after"),
    [
        pytest.param("a:\n  - x # x\n# end\n", ("a",), "w", "a:\n  - x # x\n  - w\n# end\n", id="to a list"),
        pytest.param("", ("a", "b"), {"c": 1, "d": 2}, "a:\n  b:\n    - c: 1\n      d: 2\n", id="to a list that is missing"),
        pytest.param("a: []\n", ("a",), 1, "a:\n  - 1\n", id="to an empty list"),
        pytest.param("a:\n", ("a",), 1, "a:\n  - 1\n", id="to null"),
        pytest.param("a: [ 1 ]\n", ("a",), "]", "a: [ 1, ']' ]\n", id="between brackets"),
        pytest.param("a: {b: []}\n", ("a", "b"), {"c": 1}, "a: {b: [{c: 1}]}\n", id="to an empty list between braces"),
    ],
)
def test_appending_adds_at_the_end(before: str, place: Place, value: Any, after: str) -> None:
    assert _appended(before, place, value) == after


def test_permissions_are_edited_one_by_one() -> None:
    document = Yaml(ROVO.encode())

    document.append(COMMANDS, {"command": "^ls$", "permission": "allow"})
    document.set((*COMMANDS, 0, "permission"), "deny")
    document.remove((*COMMANDS, 1))
    document.set(("toolPermissions", "tools", "grep"), "allow")
    document.append(("toolPermissions", "allowedExternalPaths"), "/srv")
    document.set(("mcp", "disabledMcpServers"), ["x"])

    assert (
        document.content().decode()
        == """\
# tools
toolPermissions:
  default: ask  # careful

  # shell
  bash:
    default: "ask"
    commands:
    - command: ^git .*$
      permission: deny   # safe
    # never
    - command: ^ls$
      permission: allow
  allowedExternalPaths:
  - /srv
  tools:
    grep: allow
mcp:
  disabledMcpServers:
  - x
"""
    )


def test_setting_what_is_there_changes_nothing() -> None:
    assert _set(ROVO, ("toolPermissions",), yaml.safe_load(ROVO)["toolPermissions"]) == ROVO


def test_a_whole_mapping_is_changed_member_by_member() -> None:
    wanted = deepcopy(yaml.safe_load(ROVO)["toolPermissions"])
    del wanted["bash"]["commands"][0]
    wanted["default"] = "allow"

    after = _set(ROVO, ("toolPermissions",), wanted)

    assert _changes(ROVO.encode(), after.encode()) == [
        "-   default: ask  # careful",
        "+   default: allow  # careful",
        "-     - command: ^git .*$",
        "-       permission: allow   # safe",
    ]


def test_the_byte_order_mark_and_crlf_stay() -> None:
    document = Yaml(BOM + b"a: 1\r\nb:\r\n- x\r\n")

    document.append(("b",), {"w": 1, "z": 2})
    document.set(("c", "d"), 2)
    document.remove(("a",))

    assert document.content() == BOM + b"b:\r\n- x\r\n- w: 1\r\n  z: 2\r\nc:\r\n  d: 2\r\n"


@pytest.mark.parametrize(
    "value",
    [
        *("yes", "No", "null", "~", "1", "1.5", "0x1f", "0o7", "1e3", ".inf", "2026-01-01", "12:30:00", "=", "<<", "y", "-", "- a", "-y"),
        *(
            "a: b",
            "a #b",
            "#",
            " a",
            "a ",
            "",
            "a\nb",
            "a\tb",
            "'",
            '"',
            "\\",
            "[",
            "{a",
            "*a",
            "&a",
            "!a",
            "%a",
            "@a",
            "`a",
            "|",
            ">",
            "?",
            "a,b",
        ),
        *(
            "^git .*$",
            "한국어",
            "\U0001f600",
            "\x7f\x85\u2028\ufeff\x1b",
            "a: [" * 500,
            1e16,
            -math.inf,
            2**70,
            True,
            None,
            {},
            [],
            "---",
            "...",
        ),
        *(
            dt.date(2026, 1, 2),
            dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC),
            {"": 1, "1": {"- a": [[]]}, "ü: #": "x"},
            [[1, ["a"]], {"b": {}}],
        ),
    ],
    ids=ascii,
)
def test_values_are_read_back_as_they_were_set(value: Any) -> None:
    document = Yaml(b"flow: {a: 1}\nblock:\n  a: 1\nlist:\n- 1\n")

    document.set(("flow", "b"), value)
    document.set(("block", "b"), value)
    document.append(("list",), value)

    assert yaml.safe_load(document.content()) == {"flow": {"a": 1, "b": value}, "block": {"a": 1, "b": value}, "list": [1, value]}
    assert document.value == yaml.safe_load(document.content())


def test_anchors_tags_and_merges_stay_beside_an_edit() -> None:
    before = "base: &b {x: 1}\nuse:\n  <<: *b\n  y: !odd [1]\nagain: *b\nplain: 1\n"

    assert _set(before, ("plain",), 2) == before.replace("plain: 1", "plain: 2")
    assert _set(before, ("new",), 2) == before + "new: 2\n"


@pytest.mark.parametrize(
    ("before", "place", "value"),
    [
        pytest.param("a: &x {b: 1}\nc: *x\n", ("a", "b"), 2, id="below an anchor"),
        pytest.param("a: &x {b: 1}\nc: *x\n", ("c", "b"), 2, id="below an alias"),
        pytest.param("a: &x 1\nc: *x\n", ("c",), 2, id="an alias"),
        pytest.param("a: &x 1\nc: *x\n", ("a",), 2, id="an anchor"),
        pytest.param("a: &x {b: 1}\nc:\n  <<: *x\n", ("c", "b"), 2, id="what a merge brought"),
        pytest.param("a: &x {b: 1}\nc:\n  <<: *x\n", ("c", "d"), 2, id="beside a merge"),
        pytest.param("a: !odd {b: 1}\n", ("a", "b"), 2, id="below a tag"),
        pytest.param("a: 1\n---\nb: 1\n", ("a",), 2, id="several documents"),
        pytest.param("a: 1\n", ("a", "b"), 2, id="below a number"),
        pytest.param("a: [1]\n", ("a", 1), 2, id="an element that is not there"),
        pytest.param("? a\n: 1\n", ("a",), 2, id="a member that is written at length"),
        pytest.param("a: [b: 1]\n", ("a", 0, "c"), 2, id="a mapping without braces between brackets"),
        pytest.param("1: a\n0x1: b\nc: d\n", ("c",), 2, id="one name in two spellings"),
        pytest.param("a: |+\n  x\n\n", ("b",), 2, id="a text to which the empty lines behind it belong"),
        pytest.param("a: 1\n", ("b",), object(), id="no value of YAML"),
        pytest.param("a: 1\n", ("b",) * (DEEPEST + 1), 1, id="too deep"),
    ],
)
def test_an_edit_that_cannot_be_made_leaves_the_document_as_it_was(before: str, place: Place, value: Any) -> None:
    document = Yaml(before.encode())
    told = deepcopy(document.value)

    with pytest.raises(Uneditable):
        document.set(place, value)

    assert document.content() == before.encode()
    assert document.value == told


@pytest.mark.parametrize("place", [("b",), ("a", "b"), ("l", 1), ("l", -1), ("l", "x")])
def test_what_is_not_there_cannot_be_removed(place: Place) -> None:
    document = Yaml(b"a: 1\nl: [1]\n")

    with pytest.raises(KeyError):
        document.remove(place)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        pytest.param(b"a: 1\nb: 2\na: 3\n", 3, id="a name twice"),
        pytest.param(b"x:\n- b: 2\n  'b': 3\n", 3, id="a name twice, further in"),
        pytest.param(b"a: 1\nb:\n\t- 1\n", 3, id="a tab"),
        pytest.param(b"a: 1\nb: '\xff'\n", 2, id="no UTF-8"),
        pytest.param(b"a: 1\nb: [1,", 3, id="truncated"),
        pytest.param(b"a: 1\nb: \x01\n", 2, id="a control character"),
        pytest.param(b"- a\n", 1, id="a list"),
        pytest.param(b"just text", 1, id="a text"),
        pytest.param(b"a: 1\nb: *c\n", 2, id="an alias of nothing"),
        pytest.param(b"a: &a\n  b: *a\n", 2, id="a value that contains itself"),
        pytest.param(b"a: 1\n---\nb: [\n", 4, id="a later document"),
    ],
)
def test_what_does_not_parse_is_refused_with_its_line(content: bytes, line: int) -> None:
    with pytest.raises(Unparsable) as refusal:
        Yaml(content)

    assert refusal.value.line == line


@pytest.mark.parametrize("content", [b"a: !!int s3cret", b"a: !!timestamp s3cret", b"a: !!bool s3cret", b"a: 2026-99-99"])
def test_a_value_that_does_not_fit_its_tag_is_refused_without_showing_it(content: bytes) -> None:
    with pytest.raises(Unparsable) as refusal:
        Yaml(content)

    assert "s3cret" not in str(refusal.value)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"a: " + b"[" * 5000 + b"]" * 5000, id="brackets"),
        pytest.param(b"a: " + b"[" * DEEPEST + b"]" * DEEPEST, id="brackets, only just"),
        pytest.param(b"a:\n" + b"- " * 5000 + b"1", id="dashes"),
    ],
)
def test_deep_nesting_is_refused(content: bytes) -> None:
    with pytest.raises(Unparsable, match="nested"):
        Yaml(content)


def test_aliases_that_multiply_are_refused_at_once() -> None:
    levels = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]\n" for n in range(1, 11))
    began = time.monotonic()

    with pytest.raises(Unparsable, match="aliases"):
        Yaml(f"l0: &l0 [x, x, x, x, x, x, x, x, x]\n{levels}".encode())

    assert time.monotonic() - began < 1


def test_too_many_aliases_are_refused() -> None:
    with pytest.raises(Unparsable, match="aliases"):
        Yaml(b"a: &a 1\nb: [" + b"*a, " * (ALIASES + 1) + b"]\n")


def test_a_large_file_is_refused() -> None:
    with pytest.raises(Unparsable, match="too many"):
        Yaml(b"#" * (LARGEST + 1))


_SCALARS = st.one_of(st.integers(-9, 9), st.booleans(), st.none(), st.text(max_size=5), st.sampled_from(("^git .*$", "a: b", "x #y")))
_NAMES = st.sampled_from(("a", "b c", "yes", "1"))
_VALUES: st.SearchStrategy[Any] = st.recursive(
    _SCALARS, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_NAMES, inner, max_size=3)), max_leaves=6
)
_MAPPINGS = st.dictionaries(_NAMES, _VALUES, min_size=1, max_size=4)


def _commented(value: Any, style: dict[str, Any], ending: str) -> tuple[str, list[list[str]]]:
    """A mapping as text with comments, and the lines of each of its members."""
    members = []
    for name, each in value.items():
        text = yaml.safe_dump({name: each}, allow_unicode=True, sort_keys=False, width=10**6, **style)
        members.append([line + ("  # why" if re.fullmatch(r"[^'\"]*: \d", line) else "") for line in text.splitlines()])
    lines = [line for number, member in enumerate(members) for line in (f"# above {number}", *member)]
    return ending.join([*lines, "# last", ""]), members


def _has_in_order(lines: list[str], wanted: list[str]) -> bool:
    left = iter(lines)
    return all(line in left for line in wanted)


@settings(max_examples=60, deadline=None)
@given(
    value=_MAPPINGS,
    style=st.sampled_from(({}, {"indent": 4}, {"default_flow_style": None})),
    ending=st.sampled_from(("\n", "\r\n")),
    choice=st.data(),
)
def test_any_edit_means_what_was_meant_and_leaves_other_lines_alone(
    value: dict[str, Any], style: dict[str, Any], ending: str, choice: st.DataObject
) -> None:
    value = {f"m {name}": {"in": each} for name, each in value.items()} if "default_flow_style" in style else value
    text, members = _commented(value, style, ending)
    document = Yaml(text.encode())
    name = choice.draw(st.sampled_from(list(value)))
    inner = choice.draw(st.sampled_from(list(value[name]))) if isinstance(value[name], dict) and value[name] else None
    place: Place = (name,) if inner is None else (name, inner)
    intended: dict[str, Any] = deepcopy(value)
    outer, last = (intended, name) if inner is None else (intended[name], inner)
    new = choice.draw(st.one_of(st.just(...), _VALUES))

    if new is ...:
        document.remove(place)
        del outer[last]
    else:
        document.set(place, new)
        outer[last] = new

    changed = document.content().decode()
    assert (yaml.safe_load(changed) or {}) == intended == document.value
    others = [line for number, member in enumerate(members) if number != list(value).index(name) for line in (f"# above {number}", *member)]
    assert _has_in_order(changed.splitlines(), [*others, "# last"])
    assert changed.count("\n") == changed.count(ending)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
class TestRealFiles:
    """Files of public projects, where the environment names a folder with some."""

    def test_reading_changes_no_byte(self, path: Path) -> None:
        content = path.read_bytes()

        assert Yaml(content).content() == content

    def test_a_new_permission_only_adds_lines(self, path: Path) -> None:
        document = Yaml(before := path.read_bytes())

        document.append(COMMANDS, {"command": "^git .*$", "permission": "allow"})

        assert {line[0] for line in _changes(before, document.content())} == {"+"}

    def test_a_removed_member_only_takes_its_lines(self, path: Path) -> None:
        before = path.read_bytes()

        for name in Yaml(before).value:
            document = Yaml(before)
            document.remove((name,))

            assert {line[0] for line in _changes(before, document.content())} == {"-"}
