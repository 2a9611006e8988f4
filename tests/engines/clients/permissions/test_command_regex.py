"""Regular expressions from configuration files are looked at before they are trusted."""

import pytest

from syncd.engines.clients.permissions.command_regex import bare, fully, shape, usable


@pytest.mark.parametrize(
    ("text", "body"),
    [
        pytest.param("^git$", "git", id="anchors"),
        pytest.param("^(git|gh)$", "git|gh", id="brackets around everything"),
        pytest.param("(?:git)", "git", id="brackets that do not count"),
        pytest.param("(a)(b)", "(a)(b)", id="brackets side by side"),
        pytest.param(r"git\$", r"git\$", id="a dollar sign"),
        pytest.param(r"git\\$", r"git\\", id="a backslash and an anchor"),
        pytest.param("(?i:git)", "(?i:git)", id="flags"),
        pytest.param("(?=git)", "(?=git)", id="a look ahead"),
    ],
)
def test_what_says_only_that_the_whole_text_counts_is_left_out(text: str, body: str) -> None:
    assert bare(text) == body


@pytest.mark.parametrize(
    ("body", "fine"),
    [
        pytest.param("git (status|log)( .*)?", True, id="alternatives"),
        pytest.param("(a|b) c+", True, id="a repetition"),
        pytest.param("[unclosed", False, id="a class without end"),
        pytest.param("*", False, id="nothing repeated"),
        pytest.param("(a+)+", False, id="a repetition repeated"),
        pytest.param("(a|a)*b", False, id="alternatives repeated"),
        pytest.param("((a+))+", False, id="a repetition repeated deeper"),
        pytest.param("(?:a*b?){3,}", False, id="repeated by number"),
        pytest.param("[[a]", False, id="a class that may mean something else one day"),
        pytest.param(r"\(a+\)+", True, id="brackets of the text"),
    ],
)
def test_what_is_invalid_or_repeats_what_repeats_cannot_be_used(body: str, fine: bool) -> None:
    assert usable(body) is fine


@pytest.mark.parametrize(
    ("body", "symbols", "precise"),
    [
        pytest.param("ab", ("a", "b"), True, id="text"),
        pytest.param(r"a\.b", ("a", ".", "b"), True, id="a dot of the text"),
        pytest.param("a.*b", ("a", None, "b"), True, id="a gap"),
        pytest.param("ab?c", ("a", None), False, id="a letter that may be missing"),
        pytest.param("a(b|c)", ("a", None), False, id="alternatives behind text"),
        pytest.param("ab|c", (None,), False, id="alternatives of everything"),
        pytest.param(r"a\d", ("a", None), False, id="a kind of character"),
        pytest.param("a.*?b", ("a", None), False, id="a lazy gap"),
    ],
)
def test_a_shape_takes_in_all_that_an_expression_matches(body: str, symbols: tuple[str | None, ...], precise: bool) -> None:
    assert shape(body) == (symbols, precise)


def test_what_would_take_too_long_is_not_told() -> None:
    body = ".*a.*b.*c.*d.*e.*f"

    assert usable(body)
    assert fully(body, "a" * 3000) is None
    assert fully(body, "abcdef") is True
