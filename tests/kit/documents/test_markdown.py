"""Markdown: sections and blocks change one at a time, and what belongs to others stays."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.kit.documents.document import Uneditable, Unparsable
from syncd.kit.documents.markdown import Sections
from syncd.kit.documents.markdown_text import Reader, told

BOM = b"\xef\xbb\xbf"
CORPUS = os.environ.get("SYNCD_CORPUS")
FILES = sorted(Path(CORPUS).glob("*/*.md")) if CORPUS else []
NX = "<!-- nx configuration start-->\n# General\n<!-- nx configuration end-->\n"


def _sections(text: str) -> Mapping[str, str]:
    return Sections(text.encode()).sections


def _blocks(text: str) -> Mapping[str, str]:
    return Sections(text.encode()).blocks


def _set(before: str, name: str, text: str) -> str:
    document = Sections(before.encode())
    document.set(name, text)
    return document.content().decode()


def _removed(before: str, *names: str) -> str:
    document = Sections(before.encode())
    for name in names:
        document.remove(name)
    return document.content().decode()


@pytest.mark.parametrize(
    ("text", "sections"),
    [
        pytest.param("", {}, id="an empty file has none"),
        pytest.param(" \n\t\n", {}, id="blank lines are none"),
        pytest.param("\nhello\n\n# A\n", {"(top)": "hello", "A": "# A"}, id="what stands before the first heading is the top"),
        pytest.param("# A\n\na\n\n\n## B\nb", {"A": "# A\n\na", "B": "## B\nb"}, id="headings of level 1 and 2 begin one"),
        pytest.param("# A\n### B\n", {"A": "# A\n### B"}, id="a heading of level 3 does not"),
        pytest.param("# A\r\n\r\na\r\n", {"A": "# A\n\na"}, id="lines end with a line feed"),
        pytest.param("##  A \t b  ##  \n", {"A b": "##  A \t b  ##  "}, id="a name has no closing marks and single spaces"),
        pytest.param("# C#\n", {"C#": "# C#"}, id="a mark that belongs to a word is part of the name"),
        pytest.param("#A\n#\n## ##\n    # B\n", {"(top)": "#A\n#\n## ##\n    # B"}, id="what looks like a heading is text"),
        pytest.param(
            "# A\n1\n# A\n2\n# A\n", {"A": "# A\n1", "A (2)": "# A\n2", "A (3)": "# A"}, id="a name that is there again is counted"
        ),
        pytest.param("# A\n# A (2)\n# A\n", {"A": "# A", "A (2)": "# A (2)", "A (3)": "# A"}, id="no number is given twice"),
        pytest.param("# (top)\n", {"(top) (2)": "# (top)"}, id="a heading does not take the name of the top"),
        pytest.param("# A\n```sh\n# no\n~~~\n````\n# B\n", {"A": "# A\n```sh\n# no\n~~~\n````", "B": "# B"}, id="not in fenced code"),
        pytest.param("# A\n   ~~~~\n~~~\n# no\n", {"A": "# A\n   ~~~~\n~~~\n# no"}, id="not behind a fence that never closes"),
        pytest.param("# A\n``` a`b\n# B\n", {"A": "# A\n``` a`b", "B": "# B"}, id="code within a line is no fence"),
        pytest.param("# A\n<!--\n# no\n-->\n# B\n", {"A": "# A\n<!--\n# no\n-->", "B": "# B"}, id="not in a comment"),
        pytest.param("---\na: 1\n# no\n---\nx\n", {"(top)": "x"}, id="not in front matter"),
        pytest.param("---\n# A\n", {"(top)": "---", "A": "# A"}, id="a rule is no front matter"),
        pytest.param("# A\na\n" + NX + "b\n# B\n", {"A": "# A\na\nb", "B": "# B"}, id="what stands around a block is one section"),
    ],
)
def test_a_file_falls_into_sections(text: str, sections: Mapping[str, str]) -> None:
    document = Sections(text.encode())

    assert document.sections == sections
    assert list(document.sections) == list(sections)
    assert document.content() == text.encode()


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        ("<!-- nx configuration start-->", "<!-- nx configuration end-->"),
        ("<!-- BEGIN:nextjs-rules -->", "<!-- END:nextjs-rules -->"),
        ("<!-- COMMON:START -->", "<!-- COMMON:END -->"),
        ("<!-- gitnexus:start -->", "<!-- gitnexus:end -->"),
        ("<!-- SPECD INIT: BEGIN v1 (leave this) -->", "<!-- SPECD INIT: END v1 -->"),
        ("<!-- vibe-rules Integration -->", "<!-- /vibe-rules Integration -->"),
        ("<!-- context7 -->", "<!-- context7 -->"),
        ("<laravel-boost-guidelines>", "</laravel-boost-guidelines>"),
        ('<skills_system priority="1">', "</skills_system>"),
    ],
)
def test_nothing_in_a_block_of_another_program_is_ours(begin: str, end: str) -> None:
    block = f"{begin}\n# Theirs\n```\n{end}\n"

    found = Sections(f"# A\n{block}# B\n".encode())
    found.set("A", "# A\nnew")
    found.remove("B")

    assert found.content().decode() == f"# A\nnew\n{block}"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("<!-- X:START -->\n# A\n", id="without its counterpart"),
        pytest.param("<!-- X:END -->\n# A\n<!-- X:START -->\n", id="behind its counterpart"),
        pytest.param("<!-- X:START -->\n# A\n<!-- Y:END -->\n", id="with the counterpart of another"),
        pytest.param("see <!-- X:START -->\n# A\nsee <!-- X:END -->\n", id="in the middle of a line"),
        pytest.param("```\n<!-- X:START -->\n```\n# A\n<!-- X:END -->\n", id="in fenced code"),
        pytest.param("<!-- note -->\n# A\n<!-- note -->\n", id="that is a mere comment"),
        pytest.param("<important-rules>\n# A\n</important-rules>\n", id="that is a tag of somebody's own"),
    ],
)
def test_a_mark_is_text(text: str) -> None:
    assert "A" in _sections(text)


def test_a_mark_that_comes_again_before_its_counterpart_begins_nothing() -> None:
    text = "<!-- X:START -->\n# A\n<!-- X:START -->\n# B\n<!-- X:END -->\n# C\n"

    assert list(_sections(text)) == ["(top)", "A", "C"]


@pytest.mark.parametrize(
    ("before", "name", "text", "after"),
    [
        pytest.param("", "A", "# A\na", "# A\na\n", id="into an empty file"),
        pytest.param("# A\na\n\n\n# B\n", "A", "# A\nb\n\n", "# A\nb\n\n\n# B\n", id="blank lines behind it stay"),
        pytest.param("# A\na", "B", "# B", "# A\na\n\n# B", id="a missing final newline stays missing"),
        pytest.param("# A\na", "A", "# A\nb", "# A\nb", id="also where the last line is changed"),
        pytest.param("# A\na\n\n\n\n", "B", "## B\nb", "# A\na\n\n## B\nb\n", id="a new one comes behind one blank line"),
        pytest.param("# A\r\na\r\n", "B", "# B\nb", "# A\r\na\r\n\r\n# B\r\nb\r\n", id="with the line endings of the file"),
        pytest.param("# A\r\na\nb\n", "A", "# A\na\nc", "# A\r\na\nc\n", id="mixed line endings stay"),
        pytest.param("# A\n", "(top)", "x", "x\n\n# A\n", id="the top comes first"),
        pytest.param("\n\n# A\n", "(top)", "x", "\n\nx\n\n# A\n", id="behind the blank lines there are"),
        pytest.param("---\na: 1\n---\n\n# A\n", "(top)", "x", "---\na: 1\n---\n\nx\n\n# A\n", id="behind front matter"),
        pytest.param("---\na: 1\n---\n", "A", "# A", "---\na: 1\n---\n\n# A\n", id="the first one, behind front matter"),
        pytest.param("\nx\n\n# A\n", "(top)", "y\nz", "\ny\nz\n\n# A\n", id="the top changes"),
        pytest.param("# A\n1\n# A\n2\n", "A (2)", "# A\n3", "# A\n1\n# A\n3\n", id="the second of a name"),
        pytest.param("# A\n1\n", "A (2)", "# A\n2", "# A\n1\n\n# A\n2\n", id="a new second of a name"),
        pytest.param("# A\n", "A", "## A #\nx", "## A #\nx\n", id="the heading may be written in another way"),
        pytest.param(f"# A\na\n{NX}b\n", "A", "# A\na\nc", f"# A\na\n{NX}c\n", id="a change behind a block stays behind it"),
        pytest.param(f"# A\na\n{NX}b\n", "A", "# A\nc\nb", f"# A\nc\n{NX}b\n", id="a change before a block stays before it"),
        pytest.param(
            f"# A\na\n{NX}b\n",
            "A",
            "# A\n```\nb\n```",
            f"# A\n```\nb\n```\n{NX}",
            id="fenced code does not reach over a block",
        ),
        pytest.param(f"# A\n\n{NX}", "A", "# A\nx", f"# A\nx\n\n{NX}", id="before a block at the end"),
        pytest.param(NX, "A", "# A", f"{NX}\n# A\n", id="a new one behind a block"),
        pytest.param("# A\n", "Größe 🎉", "# Größe 🎉\nü", "# A\n\n# Größe 🎉\nü\n", id="not only ASCII"),
    ],
)
def test_a_section_is_set(before: str, name: str, text: str, after: str) -> None:
    assert _set(before, name, text) == after
    assert _sections(after)[name] == text.rstrip("\n")


@pytest.mark.parametrize(
    ("before", "name", "text"),
    [
        pytest.param("", "A", "# B", id="of another name"),
        pytest.param("", "A", "text", id="without a heading"),
        pytest.param("", "A", "", id="that is empty"),
        pytest.param("", "A", "# A\n# B", id="that is two"),
        pytest.param("", "A", "x\n# A", id="with text before the heading"),
        pytest.param("", "(top)", "# A", id="whose heading makes it no top"),
        pytest.param("", "(top)", "# (top)", id="whose heading is that of the top"),
        pytest.param("", "(top)", "---\na: 1\n---\nx", id="with front matter"),
        pytest.param("", "A", f"# A\n{NX}", id="with another program's block"),
        pytest.param("", "A", "# A\n<!-- syncd:begin id=x -->\n<!-- syncd:end -->", id="with a block of ours"),
        pytest.param("# A\n# B\n", "A", "# A\n```", id="that would swallow the next one"),
        pytest.param("# A\n<!--\n", "B", "# B", id="that would be swallowed"),
        pytest.param("# A\n# B\n<!-- X:END -->\n", "A", "# A\n<!-- X:START -->", id="that makes a block with what is there"),
        pytest.param("", "A (2)", "# A", id="that would be the first of its name"),
        pytest.param("# A\n", "A", "# A\n\ud800", id="that cannot be written"),
    ],
)
def test_a_text_that_would_not_read_as_meant_is_refused(before: str, name: str, text: str) -> None:
    document = Sections(before.encode())

    with pytest.raises(Uneditable):
        document.set(name, text)

    assert document.content() == before.encode()


@pytest.mark.parametrize(
    ("before", "names", "after"),
    [
        pytest.param("# A\na\n\n\n# B\n", ["A"], "# B\n", id="with the blank lines behind it"),
        pytest.param("# A\n\n# B\nb\n", ["B"], "# A\n", id="the last one with those before it"),
        pytest.param("# A\n\n# B\nb", ["B"], "# A", id="a missing final newline stays missing"),
        pytest.param("x\n\n# A\n", ["(top)"], "# A\n", id="the top"),
        pytest.param("---\na: 1\n---\nx\n", ["(top)"], "---\na: 1\n---\n", id="front matter stays"),
        pytest.param("# A\n", ["A"], "", id="the only one"),
        pytest.param(f"# A\na\n{NX}b\n# B\n", ["A"], f"{NX}# B\n", id="a block inside stays"),
        pytest.param("# A\n1\n# A\n2\n# B\n", ["A", "A (2)"], "# B\n", id="names do not move up between two edits"),
    ],
)
def test_a_section_is_removed(before: str, names: list[str], after: str) -> None:
    assert _removed(before, *names) == after


def test_what_is_not_there_cannot_be_removed() -> None:
    document = Sections(b"# A\n")

    with pytest.raises(KeyError):
        document.remove("B")
    with pytest.raises(KeyError):
        document.remove("(top)")
    with pytest.raises(KeyError):
        document.remove_block("B")


@pytest.mark.parametrize(
    ("text", "blocks", "sections"),
    [
        pytest.param("<!-- syncd:begin id=a -->\n# x\n\n<!-- syncd:end -->\n", {"a": "# x"}, {}, id="what stands between the marks"),
        pytest.param("<!-- syncd:begin id=a%20b -->\r\nx\r\ny\r\n<!-- syncd:end -->", {"a b": "x\ny"}, {}, id="a name with a space"),
        pytest.param("<!-- syncd:begin id=a -->\n<!-- syncd:end -->\n", {"a": ""}, {}, id="nothing"),
        pytest.param(
            "<!-- syncd:begin id=a -->\n1\n<!-- syncd:end -->\n<!-- syncd:begin id=a -->\n2\n<!-- syncd:end -->\n",
            {"a": "1", "a (2)": "2"},
            {},
            id="a name that is there again is counted",
        ),
        pytest.param(
            "<!-- syncd:begin id=a -->\n# x\n\n## y\nz\n", {"a": "# x\n\n## y\nz"}, {}, id="without an end: to the end of the file"
        ),
        pytest.param(
            "<!-- syncd:begin id=a -->\n\n# x\n\n# B\nb\n", {"a": "# x"}, {"B": "# B\nb"}, id="without an end: to the next heading"
        ),
        pytest.param(
            "<!-- syncd:begin id=a -->\nx\n<!-- syncd:begin id=b -->\ny\n<!-- syncd:end -->\n",
            {"a": "x", "b": "y"},
            {},
            id="without an end: to the next block of ours",
        ),
        pytest.param(f"<!-- syncd:begin id=a -->\nx\n{NX}", {"a": "x"}, {}, id="without an end: to another program's block"),
        pytest.param(
            "<!-- syncd:begin id=a -->\n```\n# x\n```\n", {"a": "```\n# x\n```"}, {}, id="without an end: no heading is in fenced code"
        ),
        pytest.param("# A\n<!-- syncd:end -->\n", {}, {"A": "# A\n<!-- syncd:end -->"}, id="an end without a begin is text"),
        pytest.param(
            "```\n<!-- syncd:begin id=a -->\n```\n# A\n", {}, {"(top)": "```\n<!-- syncd:begin id=a -->\n```", "A": "# A"}, id="in code"
        ),
    ],
)
def test_blocks_of_ours_belong_to_no_section(text: str, blocks: Mapping[str, str], sections: Mapping[str, str]) -> None:
    document = Sections(text.encode())

    assert document.blocks == blocks
    assert document.sections == sections
    assert document.content() == text.encode()


@pytest.mark.parametrize(
    ("before", "name", "text", "after"),
    [
        pytest.param("", "a", "x", "<!-- syncd:begin id=a -->\nx\n<!-- syncd:end -->\n", id="into an empty file"),
        pytest.param("# A\r\n", "a", "x\ny", "# A\r\n\r\n<!-- syncd:begin id=a -->\r\nx\r\ny\r\n<!-- syncd:end -->\r\n", id="at the end"),
        pytest.param("# A", "a", "x", "# A\n\n<!-- syncd:begin id=a -->\nx\n<!-- syncd:end -->", id="no final newline"),
        pytest.param(
            "x\n\n<!-- syncd:begin id=a -->\n1\n<!-- syncd:end -->\n\ny\n",
            "a",
            "# 2",
            "x\n\n<!-- syncd:begin id=a -->\n# 2\n<!-- syncd:end -->\n\ny\n",
            id="where it was",
        ),
        pytest.param(
            "<!-- syncd:begin id=a -->\n1\n\n# B\n",
            "a",
            "2",
            "<!-- syncd:begin id=a -->\n2\n<!-- syncd:end -->\n\n# B\n",
            id="a missing end comes back",
        ),
        pytest.param("", "a--b ü%", "x", "<!-- syncd:begin id=a-%2Db%20%C3%BC%25 -->\nx\n<!-- syncd:end -->\n", id="the name is encoded"),
        pytest.param("", "file/a", "", "<!-- syncd:begin id=file/a -->\n<!-- syncd:end -->\n", id="an empty text"),
    ],
)
def test_a_block_of_ours_is_set(before: str, name: str, text: str, after: str) -> None:
    document = Sections(before.encode())

    document.set_block(name, text)

    assert document.content().decode() == after
    assert _blocks(after)[name] == text


@pytest.mark.parametrize(
    ("before", "name", "text"),
    [
        pytest.param("", "a", "<!-- syncd:end -->\nx", id="an end of its own"),
        pytest.param("", "a", "<!-- syncd:begin id=b -->", id="a begin of its own"),
        pytest.param("", "", "x", id="a name that is empty"),
        pytest.param("", "a\ud800", "x", id="a name that cannot be written"),
        pytest.param("", "a", "\ud800", id="a text that cannot be written"),
        pytest.param("# A\n```\n", "a", "x", id="a file that ends in code"),
    ],
)
def test_a_block_that_would_not_read_as_meant_is_refused(before: str, name: str, text: str) -> None:
    document = Sections(before.encode())

    with pytest.raises(Uneditable):
        document.set_block(name, text)

    assert document.content() == before.encode()


def test_a_block_that_came_and_went_leaves_no_trace() -> None:
    before = "# A\r\na"
    document = Sections(before.encode())

    document.set_block("x", "# 1\n\n2")
    document.remove_block("x")

    assert document.content().decode() == before


def test_a_block_in_the_middle_goes_alone() -> None:
    document = Sections(b"x\n\n<!-- syncd:begin id=a -->\n1\n<!-- syncd:end -->\n\ny\n")

    document.remove_block("a")

    assert document.content() == b"x\n\n\ny\n"


def test_a_byte_order_mark_stays_first() -> None:
    document = Sections(BOM + b"---\na: 1\n---\n# A\n")

    document.set("(top)", "x")

    assert document.content() == BOM + b"---\na: 1\n---\nx\n\n# A\n"


def test_what_is_not_utf_8_is_refused_with_its_place() -> None:
    with pytest.raises(Unparsable) as refused:
        Sections(b"# A\nx\xff\n")

    assert (refused.value.line, refused.value.column) == (2, 2)


LINES = st.sampled_from(
    [
        *("", "", " ", "text", "more", "    # code", "# A", "# A", "## B", "### C", "#  D  #", "# A (2)", "---", "```", "~~~~", "    ```"),
        *("<!-- X:START -->", "<!-- X:END -->", "<!-- BEGIN:y -->", "<!-- END:y -->", "<!--", "-->", "<!-- z -->", "<!-- /z -->"),
        *("<!-- syncd:begin id=a -->", "<!-- syncd:begin id=b%20c -->", "<!-- syncd:end -->"),
        *("<laravel-boost-guidelines>", "</laravel-boost-guidelines>"),
    ]
)
DOCUMENTS = st.tuples(st.lists(LINES, max_size=25), st.sampled_from(["\n", "\r\n"]), st.booleans(), st.booleans()).map(
    lambda made: (BOM if made[3] else b"") + (made[1].join(made[0]) + (made[1] if made[2] else "")).encode()
)


@settings(max_examples=100, deadline=None)
@given(DOCUMENTS, st.data())
def test_an_edit_of_one_section_leaves_all_the_rest(content: bytes, data: st.DataObject) -> None:
    before = Sections(content)
    document = Sections(content)
    name = data.draw(st.sampled_from([*before.sections, "New"]))
    text = data.draw(st.sampled_from([None, "added", "```\nadded\n```", "# Other"]))

    changed = _attempt(document, name, None if text is None else f"{before.sections.get(name, '# New')}\n{text}")

    after = Sections(document.content())
    expected = {each: said for each, said in before.sections.items() if each != name}
    expected |= {} if changed is None else {name: changed}
    assert before.content() == content
    assert sorted(after.sections.values()) == sorted(expected.values())
    assert after.blocks == before.blocks
    assert _foreign(document.content()) == _foreign(content)


def _attempt(document: Sections, name: str, text: str | None) -> str | None:
    """Make an edit or be refused; what the section says now."""
    old = document.sections.get(name)
    before = document.content()
    try:
        if text is None and old is not None:
            document.remove(name)
        elif text is not None:
            document.set(name, text)
    except Uneditable:
        assert document.content() == before
        return old
    return text


def _foreign(content: bytes) -> tuple[str, ...]:
    """Front matter and the blocks of other programs, byte for byte."""
    return told(Reader(content.decode("utf-8-sig")).parts()).foreign


@settings(max_examples=80, deadline=None)
@given(DOCUMENTS, st.text(max_size=8), st.lists(LINES, max_size=4).map("\n".join))
def test_an_edit_of_one_block_leaves_all_the_rest(content: bytes, name: str, text: str) -> None:
    before = Sections(content)
    document = Sections(content)

    try:
        document.set_block(name, text)
    except Uneditable:
        assert document.content() == content
        return

    after = Sections(document.content())
    assert after.sections == before.sections
    assert {each: said for each, said in after.blocks.items() if each != name} == {k: v for k, v in before.blocks.items() if k != name}


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_real_file_keeps_what_is_not_edited(path: Path) -> None:
    content = path.read_bytes()
    before = Sections(content)
    assert before.content() == content

    for name, text in before.sections.items():
        document = Sections(content)
        document.set(name, f"{text}\n\nadded")
        assert document.sections == {**before.sections, name: f"{text}\n\nadded"}
        document.set(name, text)
        assert document.content() == content
        document.remove(name)
        assert list(document.sections.items()) == [each for each in before.sections.items() if each[0] != name]
        document.set("A new one", "## A new one\n\ntext")
        document.set_block("file/new", "# text")
        assert Sections(document.content()).sections["A new one"] == "## A new one\n\ntext"
        assert document.blocks == {**before.blocks, "file/new": "# text"}
