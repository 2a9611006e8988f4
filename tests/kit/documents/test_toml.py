"""TOML documents: an edit changes the bytes of its member alone, and means what was meant."""

import datetime as dt
import difflib
import math
import os
import tomllib
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.kit.documents.document import Document, Place, Uneditable, Unparsable
from syncd.kit.documents.toml import DEEPEST, LARGEST, Toml

BOM = b"\xef\xbb\xbf"
CORPUS = os.environ.get("SYNCD_CORPUS")
FILES = sorted(Path(CORPUS).glob("*/*.toml")) if CORPUS else []


def _set(before: str, place: Place, value: Any) -> str:
    document = Toml(before.encode())
    document.set(place, value)
    return document.content().decode()


def _removed(before: str, *places: Place) -> str:
    document = Toml(before.encode())
    for place in places:
        document.remove(place)
    return document.content().decode()


def _appended(before: str, place: Place, value: Any) -> str:
    document = Toml(before.encode())
    document.append(place, value)
    return document.content().decode()


def _changes(before: bytes, after: bytes) -> list[str]:
    lines = difflib.ndiff(before.decode().splitlines(), after.decode().splitlines())
    return [line for line in lines if line[0] in "+-"]


def test_a_toml_is_a_document() -> None:
    document: Document = Toml(b"a = 1\n")

    assert document.value == {"a": 1}


@pytest.mark.parametrize(
    ("before", "place", "value", "after"),
    [
        pytest.param("a = 1 # one\nb = 2\n", ("a",), 3, "a = 3 # one\nb = 2\n", id="a number beside a comment"),
        pytest.param("a = 'x'\n", ("a",), "y", "a = 'y'\n", id="literal quotes stay"),
        pytest.param("a = 'x'\n", ("a",), "it's", 'a = "it\'s"\n', id="literal quotes go where they cannot stay"),
        pytest.param('a = """\nx\n"""\n', ("a",), 'y\\n"\nz\n', 'a = """\ny\\\\n\\"\nz\n"""\n', id="a text of several lines stays one"),
        pytest.param("a = 1\n", ("a",), {"b": 2}, "a = { b = 2 }\n", id="a number becomes a table"),
        pytest.param("[a]\nb = 1\n", ("a",), 2, "a = 2\n", id="a table becomes a number"),
        pytest.param(
            "[a.b]\nc = 1\n\n[d]\n", ("a",), {"e": 1}, "[a]\ne = 1\n\n[d]\n", id="a table that was implied gets members of its own"
        ),
        pytest.param("", ("a",), 1, "a = 1\n", id="first member of an empty file"),
        pytest.param("# hello", ("a",), 1, "# hello\na = 1", id="first member below a comment"),
        pytest.param("# hello\n\n[t]\nx = 1\n", ("a",), 1, "# hello\n\na = 1\n\n[t]\nx = 1\n", id="first member above the tables"),
        pytest.param("# of t\n[t]\nx = 1\n", ("a",), 1, "a = 1\n\n# of t\n[t]\nx = 1\n", id="a table keeps the comment above it"),
        pytest.param("a = 1\n\n[t]\nx = 1\n", ("b",), 2, "a = 1\nb = 2\n\n[t]\nx = 1\n", id="a member of the top"),
        pytest.param("[t]\n  a = 1\n\n[u]\n", ("t", "b"), 2, "[t]\n  a = 1\n  b = 2\n\n[u]\n", id="a member is indented as its siblings"),
        pytest.param("[t] # t\n[u]\n", ("t", "b"), 2, "[t] # t\nb = 2\n[u]\n", id="a member of an empty table"),
        pytest.param("[t]\n", ("t", "a b.c"), 2, '[t]\n"a b.c" = 2\n', id="a name with a blank and a dot is quoted"),
        pytest.param("t = {}\n", ("t", "a"), 1, "t = { a = 1 }\n", id="a member of an empty inline table"),
        pytest.param("t = { a = 1 }\n", ("t", "b", "c"), [1], "t = { a = 1, b = { c = [1] } }\n", id="inside an inline table"),
        pytest.param("t = { a = { b = 1 }, c = 2 }\n", ("t", "a", "b"), 3, "t = { a = { b = 3 }, c = 2 }\n", id="deep in an inline table"),
        pytest.param("[t.u]\na = 1\n", ("t", "b"), 2, "[t.u]\na = 1\n\n[t]\nb = 2\n", id="a member of a table that has no header"),
        pytest.param("t.a = 1\nm = 2\n", ("t", "b"), 3, "t.a = 1\nt.b = 3\nm = 2\n", id="a member of a table that is made of dotted keys"),
        pytest.param("[s]\nt.a = 1\nm = 2\n", ("s", "t", "b"), 3, "[s]\nt.a = 1\nt.b = 3\nm = 2\n", id="dotted keys below a header"),
        pytest.param("a = [1, 2]\n", ("a",), [1, 2, 3], "a = [1, 2, 3]\n", id="a longer list"),
        pytest.param("a = [1, 2, 3]\n", ("a",), [1, 3], "a = [1, 3]\n", id="an element less in the middle"),
        pytest.param("a = [1, 3]\n", ("a",), [1, 2, 3], "a = [1, 2, 3]\n", id="an element more in the middle"),
        pytest.param("a = [ 1 ] # x\n", ("a",), [], "a = [ ] # x\n", id="no element left"),
        pytest.param(
            "a = [\n  1, # one\n  2 # two\n]\n",
            ("a",),
            [1, 2, 3],
            "a = [\n  1, # one\n  2, # two\n  3\n]\n",
            id="a list of several lines grows",
        ),
        pytest.param("a = [\n  1,\n  2,\n]\n", ("a",), [1, 2, 3], "a = [\n  1,\n  2,\n  3,\n]\n", id="a comma at the end stays"),
        pytest.param(
            "a = [1,\n     2]\n", ("a",), [1, 2, 3], "a = [1,\n     2,\n     3]\n", id="a bracket behind the last element stays there"
        ),
        pytest.param(
            "a = [\n  1, # one\n  2, # two\n]\n",
            ("a",),
            [2],
            "a = [\n  2, # two\n]\n",
            id="an element takes its line and its comment along",
        ),
        pytest.param("a = [\n  1,\n  2\n]\n", ("a",), [1], "a = [\n  1\n]\n", id="the last comma goes with the last element"),
        pytest.param("a = [1]\n", ("a", 0), {"b": 1}, "a = [{ b = 1 }]\n", id="an element becomes a table"),
        pytest.param(
            "[[r]]\na = 1\n\n[[r]] # second\na = 2\n",
            ("r", 1, "a"),
            3,
            "[[r]]\na = 1\n\n[[r]] # second\na = 3\n",
            id="an element of a list of tables",
        ),
        pytest.param(
            "[[r]]\na = 1\n\n[[r]]\na = 2\n",
            ("r", 0, "b"),
            "x",
            '[[r]]\na = 1\nb = "x"\n\n[[r]]\na = 2\n',
            id="a member for the first of several",
        ),
        pytest.param(
            "[[r]]\na = 1\n\n[[r]]\na = 2\n",
            ("r", 0, "s", "t"),
            {"b": 1},
            "[[r]]\na = 1\n\n[r.s]\nt = { b = 1 }\n\n[[r]]\na = 2\n",
            id="a table for the first of several",
        ),
    ],
)
def test_setting_changes_what_it_must(before: str, place: Place, value: Any, after: str) -> None:
    assert _set(before, place, value) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("", '[mcp_servers.x]\ncommand = "c"\nenv = { "A.b" = "d" }\n', id="an empty file"),
        pytest.param("a = 1", 'a = 1\n\n[mcp_servers.x]\ncommand = "c"\nenv = { "A.b" = "d" }', id="no final line ending"),
        pytest.param(
            "[mcp_servers.w]\ncommand = 'w'\n# args = []\n\n# of t\n[t]\n",
            '[mcp_servers.w]\ncommand = \'w\'\n# args = []\n\n[mcp_servers.x]\ncommand = "c"\nenv = { "A.b" = "d" }\n\n# of t\n[t]\n',
            id="behind the last of its siblings",
        ),
        pytest.param(
            "[mcp_servers.w]\ncommand = 'w'\n[t]\n",
            '[mcp_servers.w]\ncommand = \'w\'\n\n[mcp_servers.x]\ncommand = "c"\nenv = { "A.b" = "d" }\n\n[t]\n',
            id="no empty lines so far",
        ),
        pytest.param(
            "[mcp_servers.w]\n[mcp_servers.w.env]\nB = '1'\n",
            '[mcp_servers.w]\n[mcp_servers.w.env]\nB = \'1\'\n\n[mcp_servers.x]\ncommand = "c"\n\n[mcp_servers.x.env]\n"A.b" = "d"\n',
            id="siblings whose tables have headers",
        ),
        pytest.param(
            "[mcp_servers]\nw = { command = 'w' }\n",
            '[mcp_servers]\nw = { command = \'w\' }\nx = { command = "c", env = { "A.b" = "d" } }\n',
            id="siblings that stand inline",
        ),
        pytest.param(
            "mcp_servers = { w = { command = 'w' } }\n",
            'mcp_servers = { w = { command = \'w\' }, x = { command = "c", env = { "A.b" = "d" } } }\n',
            id="an inline parent",
        ),
        pytest.param(
            "mcp_servers.w.command = 'w'\nmodel = 'm'\n",
            'mcp_servers.w.command = \'w\'\nmodel = \'m\'\n\n[mcp_servers.x]\ncommand = "c"\nenv = { "A.b" = "d" }\n',
            id="a dotted parent keeps the members that follow",
        ),
        pytest.param(
            "[mcp_servers.v]\n\n[t]\n\n[mcp_servers.w]\n\n[u]\n",
            '[mcp_servers.v]\n\n[t]\n\n[mcp_servers.w]\n\n[mcp_servers.x]\ncommand = "c"\nenv = { "A.b" = "d" }\n\n[u]\n',
            id="tables out of order",
        ),
    ],
)
def test_a_new_server_looks_like_its_siblings(before: str, after: str) -> None:
    assert _set(before, ("mcp_servers", "x"), {"command": "c", "env": {"A.b": "d"}}) == after


@pytest.mark.parametrize(
    ("before", "place", "after"),
    [
        pytest.param("a = 1 # one\nb = 2\n", ("a",), "b = 2\n", id="a member and the comment behind it"),
        pytest.param("# above\na = [\n  1,\n]\nb = 2\n", ("a",), "# above\nb = 2\n", id="a member of several lines"),
        pytest.param("a = 1\nb = 2", ("b",), "a = 1", id="a missing final line ending stays missing"),
        pytest.param("a = 1", ("a",), "", id="the only member"),
        pytest.param(
            "[m.x]\na = 1\n\n# about y\n[m.y]\nb = 1\n",
            ("m", "x"),
            "# about y\n[m.y]\nb = 1\n",
            id="the comment above the next table stays",
        ),
        pytest.param("[m.x]\na = 1\n# about y\n[m.y]\n", ("m", "x"), "# about y\n[m.y]\n", id="a comment between two tables stays"),
        pytest.param("# begin\n[m.x]\na = 1\n# end\n\n[t]\n", ("m", "x"), "# begin\n# end\n\n[t]\n", id="fences of another program stay"),
        pytest.param(
            "[m.w]\n\n[m.x]\na = 1\n\n# of env\n[m.x.env]\nb = 1\n\n[m.y]\n",
            ("m", "x"),
            "[m.w]\n\n[m.y]\n",
            id="a table with the tables in it",
        ),
        pytest.param("[t]\n\n[m.x]\na = 1\n", ("m", "x"), "[t]\n", id="the last table takes the empty line above along"),
        pytest.param("[m.x]\na = 1\n\n[t]\n[m.x.e]\nb = 1\n[u]\n", ("m", "x"), "[t]\n[u]\n", id="a table out of order"),
        pytest.param("m.x.a = 1\nc = 2\nm.x.b = 3\nm.y.a = 4\n", ("m", "x"), "c = 2\nm.y.a = 4\n", id="a table of dotted keys"),
        pytest.param("[m]\nx.a = 1\ny.a = 1\n[m.x.b]\nc = 1\n", ("m", "x"), "[m]\ny.a = 1\n", id="a table of dotted keys and a header"),
        pytest.param("m = { x = { a = 1 }, y = 2 }\n", ("m", "x"), "m = { y = 2 }\n", id="the first of an inline table"),
        pytest.param("m = { x = { a = 1 }, y = 2 }\n", ("m", "y"), "m = { x = { a = 1 } }\n", id="the last of an inline table"),
        pytest.param("m = { x = 1 }\n", ("m", "x"), "m = { }\n", id="the only one of an inline table"),
        pytest.param(
            "[[r]]\na = 1\n\n[[r]]\na = 2\n[r.s]\nb = 1\n\n[[r]]\na = 3\n",
            ("r", 1),
            "[[r]]\na = 1\n\n[[r]]\na = 3\n",
            id="one table of a list",
        ),
        pytest.param("[t]\na.b = 1\n", ("t", "a", "b"), "[t]\n", id="the only dotted key below a header"),
        pytest.param("[[r]]\n[[r.s]]\na = 1\n", ("r", 0, "s", 0), "[[r]]\n", id="the only table of a list in a table of a list"),
        pytest.param("a = ['x', 'y']\n", ("a", 0), "a = ['y']\n", id="an element"),
        pytest.param("a = ['x', 'y',]\n", ("a", 1), "a = ['x',]\n", id="the last element with a comma behind it"),
    ],
)
def test_removing_takes_what_it_must(before: str, place: Place, after: str) -> None:
    assert _removed(before, place) == after


@pytest.mark.parametrize(
    ("before", "place", "value", "after"),
    [
        pytest.param("a = ['x']\n", ("a",), "y", "a = ['x', \"y\"]\n", id="to a list"),
        pytest.param("", ("a",), "y", 'a = ["y"]\n', id="to a list that is missing"),
        pytest.param("", ("rule",), {"a": 1}, "[[rule]]\na = 1\n", id="to a list of tables that is missing"),
        pytest.param(
            "[[rule]]\na = 1\n\n[t]\n",
            ("rule",),
            {"a": 2, "b": ["c"]},
            '[[rule]]\na = 1\n\n[[rule]]\na = 2\nb = ["c"]\n\n[t]\n',
            id="to a list of tables",
        ),
        pytest.param("a = []\n", ("a",), {"b": 1}, "a = [{ b = 1 }]\n", id="a table to an empty list"),
        pytest.param("[t]\nb = 1\n", ("t", "a"), 1, "[t]\nb = 1\na = [1]\n", id="to a list that is missing in a table"),
    ],
)
def test_appending_adds_at_the_end(before: str, place: Place, value: Any, after: str) -> None:
    assert _appended(before, place, value) == after


def test_a_server_added_and_removed_leaves_the_text_as_it_was() -> None:
    before = "# mine\nmodel = 'm'\n\n[mcp_servers.w]\ncommand = 'w'\n\n# last words"
    added = _set(before, ("mcp_servers", "x y"), {"command": "c", "tools": {"t": {"approval_mode": "approve"}}})

    after = _removed(added, ("mcp_servers", "x y"))

    assert after == before
    assert '[mcp_servers."x y"]' in added


def test_a_table_is_changed_member_by_member() -> None:
    before = "[s.x]\n# how\ncommand = 'c' # why\nargs = ['a', 'b']\nold = 1\n\n[s.x.env]\nA = '1' # a\nB = '2'\n"

    after = _set(before, ("s", "x"), {"command": "c", "args": ["a", "z"], "env": {"A": "1", "C": "3"}, "on": True})

    assert after == "[s.x]\n# how\ncommand = 'c' # why\nargs = ['a', 'z']\non = true\n\n[s.x.env]\nA = '1' # a\nC = \"3\"\n"


def test_setting_what_is_there_changes_nothing() -> None:
    before = "a = 1\n[b]\nc = [ 1,2 ]\n"

    assert _set(before, ("b",), {"c": [1, 2]}) == before


def test_the_byte_order_mark_and_crlf_stay() -> None:
    document = Toml(BOM + b"a = 1\r\n\r\n[t]\r\nb = 1\r\n")

    document.set(("t", "c"), [1])
    document.set(("u",), {"d": 2})
    document.remove(("a",))

    assert document.content() == BOM + b"\r\n[t]\r\nb = 1\r\nc = [1]\r\n\r\n[u]\r\nd = 2\r\n"


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("\"\\'\n\t\x00\x7f\x1b", id="marks and controls"),
        pytest.param("한국어 \U0001f600 \u2028 \xa0", id="beyond ASCII"),
        pytest.param(1e16, id="a large float"),
        pytest.param(-math.inf, id="infinity"),
        pytest.param(2**70, id="a large integer"),
        pytest.param(dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC), id="a time"),
        pytest.param([[1, "a"], {"b": {}}, []], id="nesting"),
        pytest.param({"": {"'": 1}, "a\nb": "c", "ü": True}, id="odd names"),
    ],
)
def test_values_are_read_back_as_they_were_set(value: Any) -> None:
    document = Toml(b"x = {}\n")

    document.set(("x", "inline"), value)
    document.set(("t", "u", "v"), value)

    assert tomllib.loads(document.content().decode()) == {"x": {"inline": value}, "t": {"u": {"v": value}}} == document.value


def test_a_document_with_nan_can_be_edited() -> None:
    assert _set("a = nan\n", ("b",), math.nan) == "a = nan\nb = nan\n"


@pytest.mark.parametrize("position", range(4))
def test_text_that_looks_like_structure_is_text(position: int) -> None:
    lines = [
        'a = """\n[b]\nc = 1 # "\\"""""',
        "d = '''\n[[e]]''''",
        'f = [ "]", \'#\', { "}" = "]" } ] # ]',
        '"g.#" = 1979-05-27 07:32:00 # "x',
    ]
    before = "\n".join([*lines, "", "[h.\"]\".'#'] # ]", "i = 1"])
    name = list(tomllib.loads(before))[position]

    after = _removed(before, (name,))

    assert after == before.replace(lines[position] + "\n", "")


@pytest.mark.parametrize(
    ("content", "line", "column"),
    [
        pytest.param(b"a = 1\na = 2\n", 2, 6, id="a name twice"),
        pytest.param(b"[a]\n[b]\n[a]\n", 3, 3, id="a table twice"),
        pytest.param(b"a = 1\nb = '\xff'\n", 2, 6, id="no UTF-8"),
        pytest.param(b"a = 1\nb = [1,", 2, 8, id="truncated"),
        pytest.param(b"a = 1\rb = 2\n", 1, 6, id="a bare carriage return"),
    ],
)
def test_what_does_not_parse_is_refused_with_its_place(content: bytes, line: int, column: int) -> None:
    with pytest.raises(Unparsable) as refusal:
        Toml(content)

    assert (refusal.value.line, refusal.value.column) == (line, column)
    assert "(at " not in refusal.value.reason


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"a = " + b"[" * 5000 + b"]" * 5000, id="lists"),
        pytest.param(b"a = " + b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1), id="lists, only just"),
        pytest.param(b".".join([b"a"] * 5000) + b" = 1", id="dotted keys"),
        pytest.param(b"[" + b".".join([b"a"] * 5000) + b"]", id="a header"),
    ],
)
def test_deep_nesting_is_refused(content: bytes) -> None:
    with pytest.raises(Unparsable, match="nested"):
        Toml(content)


def test_nesting_that_is_allowed_can_be_edited() -> None:
    before = "a = " + "[" * (DEEPEST - 1) + "]" * (DEEPEST - 1) + "\n"

    assert _set(before, ("b",), 1) == before + "b = 1\n"


def test_a_large_file_is_refused() -> None:
    with pytest.raises(Unparsable, match="too many"):
        Toml(b"#" * (LARGEST + 1))


@pytest.mark.parametrize(
    ("before", "place", "value"),
    [
        pytest.param("a = 1\n", ("a", "b"), 1, id="below a number"),
        pytest.param("a = [1]\n", ("a", 1), 1, id="an element that is not there"),
        pytest.param("a = 1\n", ("b",), None, id="null"),
        pytest.param("a = 1\n", ("b",), "\ud800", id="half a character"),
        pytest.param("a = 1\n", ("b",), {1: 2}, id="a member whose name is no text"),
        pytest.param("[[a]]\nb = 1\n", ("a", 0), 1, id="a table of a list becomes a number"),
        pytest.param("a = { b.c = 1 }\n", ("a", "b", "d"), 1, id="a dotted key inside an inline table"),
        pytest.param("a = 1\n", ("b",) * (DEEPEST + 1), 1, id="too deep"),
    ],
)
def test_an_edit_that_cannot_be_made_leaves_the_document_as_it_was(before: str, place: Place, value: Any) -> None:
    document = Toml(before.encode())

    with pytest.raises(Uneditable):
        document.set(place, value)

    assert document.content() == before.encode()
    assert document.value == tomllib.loads(before)


def test_a_refusal_shows_no_values() -> None:
    document = Toml(b"a = { b.c = 's3cret' }\n")

    with pytest.raises(Uneditable) as refusal:
        document.set(("a", "b", "d"), "s3cret")

    assert "s3cret" not in str(refusal.value)


@pytest.mark.parametrize("place", [("b",), ("a", "b"), ("l", 1), ("l", -1), ("l", "x"), ("l", 0, "x")])
def test_what_is_not_there_cannot_be_removed(place: Place) -> None:
    document = Toml(b"a = 1\nl = [1]\n")

    with pytest.raises(KeyError):
        document.remove(place)


_NAMES = ("a", "b", "c d")
_SPELLED = {"a": "a", "b": "'b'", "c d": '"c d"'}
_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.integers(-9, 9), st.booleans(), st.text(max_size=4)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(("k", "l.m", "n")), inner, max_size=3)),
    max_leaves=5,
)
_SERVERS = st.lists(
    st.tuples(st.sampled_from(_NAMES), st.sampled_from(("header", "sub", "dotted", "tables"))),
    min_size=1,
    max_size=3,
    unique_by=lambda server: server[0],
)
_BODIES = {
    "header": '[s.{0}] # {0}\ncommand = "x" # why\nargs = [\n  1, # one\n  2\n]\nenv = {{ A = "1", "B.c" = 2 }}\n~# below {0}\n\n',
    "sub": "~# above {0}\n[s.{0}]\ncommand = '''x\n'''\n# of env\n[s.{0}.env]\nA = '1'\n~[other.{0}]\n~x = 1\n\n",
    "dotted": "s.{0}.command = 1 # why\n~between.{0} = 1\ns.{0}.args = [ 1, 2 ]\n",
    "tables": "[[s.{0}.args]]\nx = 1\n\n[[s.{0}.args]]\nx = 2\n[s.{0}.args.y]\nz = 1\n",
}
"""Tables of servers; a `~` marks what is no part of them."""


@dataclass(frozen=True)
class Sample:
    """A text, and which server each of its lines belongs to."""

    text: str
    owners: tuple[str, ...]

    def foreign_to(self, name: str) -> list[str]:
        return [line for line, owner in zip(self.text.splitlines(), self.owners, strict=True) if owner != name and line]


@st.composite
def _samples(draw: st.DrawFn) -> Sample:
    lines = [("~", "# top"), ("~", "model = 'm'")]
    for name, style in sorted(draw(_SERVERS), key=lambda server: server[1] != "dotted"):
        body = _BODIES[style].format(_SPELLED[name]).splitlines()
        lines += [("~" if line.startswith("~") else name, line.removeprefix("~")) for line in body]
    lines += [("~", line) for line in draw(st.sampled_from(([], ["[end]"], ["[end]", "# last"])))]
    ending = draw(st.sampled_from(("\n", "\r\n")))
    text = ending.join(line for _, line in lines) + draw(st.sampled_from(("", ending)))
    return Sample(text, tuple(owner for owner, _ in lines)[: len(text.splitlines())])


def _has_in_order(lines: list[str], wanted: list[str]) -> bool:
    left = iter(lines)
    return all(line in left for line in wanted)


def _without_empty(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: each for name, inner in value.items() if (each := _without_empty(inner)) not in ({}, [])}
    return [_without_empty(each) for each in value] if isinstance(value, list) else value


@settings(max_examples=80, deadline=None)
@given(sample=_samples(), name=st.sampled_from(_NAMES), member=st.sampled_from(("", "command", "args", "env", "new")), value=_VALUES)
def test_any_set_means_what_was_meant_and_leaves_other_lines_alone(sample: Sample, name: str, member: str, value: Any) -> None:
    text = sample.text
    document = Toml(text.encode())
    intended = deepcopy(tomllib.loads(text))
    server = {"command": "c", "env": value} if not member else value
    if member:
        intended["s"].setdefault(name, {})[member] = server
    else:
        intended["s"][name] = server

    document.set(("s", name, member) if member else ("s", name), server)

    after = document.content().decode()
    assert _without_empty(tomllib.loads(after)) == _without_empty(intended)
    assert _has_in_order(after.splitlines(), sample.foreign_to(name))
    assert ("\r\n" in text) == ("\r\n" in after)
    assert text.endswith("\n") == after.endswith("\n")


@settings(max_examples=80, deadline=None)
@given(sample=_samples(), choice=st.data())
def test_any_removal_means_what_was_meant_and_leaves_other_lines_alone(sample: Sample, choice: st.DataObject) -> None:
    text = sample.text
    document = Toml(text.encode())
    intended = deepcopy(tomllib.loads(text))
    name = choice.draw(st.sampled_from(sorted(intended["s"])))
    member = choice.draw(st.sampled_from(["", *sorted(intended["s"][name])]))
    outer = intended["s"][name] if member else intended["s"]
    del outer[member or name]

    document.remove(("s", name, member) if member else ("s", name))

    after = document.content().decode()
    assert _without_empty(tomllib.loads(after)) == _without_empty(intended)
    assert _has_in_order(after.splitlines(), sample.foreign_to(name))
    assert not set(after.splitlines()) - set(text.splitlines())


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
class TestRealFiles:
    """Files of public projects, where the environment names a folder with some."""

    def test_reading_changes_no_byte(self, path: Path) -> None:
        content = path.read_bytes()

        assert Toml(content).content() == content

    def test_a_new_server_only_adds_lines(self, path: Path) -> None:
        document = Toml(before := path.read_bytes())

        document.set(("mcp_servers", "new one"), {"command": "npx", "args": ["-y", "p"], "env": {"A": "b"}})

        assert {line[0] for line in _changes(before, document.content())} == {"+"}

    def test_a_removed_server_only_takes_its_lines(self, path: Path) -> None:
        before = path.read_bytes()

        for name in Toml(before).value.get("mcp_servers", {}):
            document = Toml(before)
            document.remove(("mcp_servers", name))

            assert {line[0] for line in _changes(before, document.content())} == {"-"}

    def test_a_changed_value_changes_its_line(self, path: Path) -> None:
        before = path.read_bytes()

        for name, server in Toml(before).value.get("mcp_servers", {}).items():
            member = next(each for each in ("command", "url") if each in server)
            document = Toml(before)
            document.set(("mcp_servers", name, member), "changed")

            changes = _changes(before, document.content())
            assert [line[0] for line in changes] == ["-", "+"]
            assert member in changes[0]
