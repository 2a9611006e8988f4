"""The words of a query, without its comments.

Lexical rules after the manuals: BigQuery "Lexical structure and syntax", DuckDB (those of PostgreSQL), Oracle "Basic Elements of Oracle
SQL". Whatever is read, no error is raised: what cannot be read is a `BROKEN` token up to the end.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cache


class Kind(Enum):
    WORD = "word"
    QUOTED = "quoted name"
    STRING = "string"
    NUMBER = "number"
    SYMBOL = "symbol"
    PLACEHOLDER = "placeholder"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Token:
    kind: Kind
    text: str
    """A name or a string without its quotes; all others as they stand."""
    start: int
    """Characters before it."""
    end: int

    @property
    def word(self) -> str:
        """In capitals, if it is an unquoted word or a symbol; else empty."""
        return self.text.upper() if self.kind in (Kind.WORD, Kind.SYMBOL) else ""

    @property
    def is_name(self) -> bool:
        """It may name something."""
        return self.kind in (Kind.WORD, Kind.QUOTED)


_SPACE = r"(?P<space>\s+)"
_LINE = r"(?P<comment>--[^\n]*)"
_BLOCK = r"(?P<block>/\*)"
_NUMBER = r"(?P<number>0[xX][0-9a-fA-F]+|(?:\d[\d_]*(?:\.(?!\.)\d*)?|\.\d+)(?:[eE][+-]?\d+)?)"
_SYMBOL = r"(?P<symbol>\|>|=>|->>?|:=|::|\|\||<>|<=|>=|!=|\.\.|[-+*/%=<>()\[\]{},;.:!|&^~@\\])"
_DOUBLED = r"'(?P<text>(?:[^']|'')*)'"
_IDENTIFIER = r'"(?P<quoted>(?:[^"]|"")*)"'
_TEMPLATE = r"(?P<template>\{\{.*?\}\}|\$\{.*?\}|%\(\w+\)s)"
_DIALECTS = {
    "bigquery": (
        r"(?P<hash>\#[^\n]*)",
        _TEMPLATE,
        r"(?:[rR][bB]?|[bB][rR]?)?(?P<mark>'''|\"\"\"|'(?!'')|\"(?!\"\"))(?P<long>(?:\\.|(?!(?P=mark))[^\\])*)(?P=mark)",
        r"`(?P<quoted>(?:\\.|[^`\\])*)`",
        r"(?P<placeholder>\?|@@?\w+|\{\w+\}|%s)",
        r"(?P<word>[^\W\d]\w*)",
    ),
    "duckdb": (
        _TEMPLATE,
        r"[eE]'(?P<escaped>(?:\\.|''|[^'\\])*)'",
        rf"[xXbB]?{_DOUBLED}",
        r"(?P<dollar>\$(?:[^\W\d]\w*)?\$)(?P<long>.*?)(?P=dollar)",
        _IDENTIFIER,
        r"(?P<placeholder>\?|\$\w+|\{\w+\})",
        r"(?P<position>\#\d+)",
        r"(?P<word>[^\W\d][\w$]*)",
    ),
    "oracle": (
        _TEMPLATE,
        r"[nN]?[qQ]'(?:\[(?P<square>.*?)\]|\((?P<round>.*?)\)|\{(?P<curly>.*?)\}|<(?P<angled>.*?)>|(?P<mark>[^\s\[({<])(?P<long>.*?)(?P=mark))'",
        rf"[nN]?{_DOUBLED}",
        _IDENTIFIER,
        r"(?P<placeholder>\?|:\w+|&&?\w+|\{\w+\}|%s)",
        r"(?P<word>[^\W\d][\w$#]*)",
    ),
}
_STRINGS = ("text", "long", "escaped", "square", "round", "curly", "angled")
_KINDS = {
    "word": Kind.WORD,
    "quoted": Kind.QUOTED,
    "number": Kind.NUMBER,
    "symbol": Kind.SYMBOL,
    "position": Kind.SYMBOL,
    "placeholder": Kind.PLACEHOLDER,
    "template": Kind.PLACEHOLDER,
    **dict.fromkeys(_STRINGS, Kind.STRING),
}
_QUOTES = {"quoted": '"', "text": "'", "escaped": "'"}


def tokens(sql: str, dialect: str) -> Iterator[Token]:
    """All of a text, in order."""
    pattern, at = _pattern(dialect), 0
    while at < len(sql):
        match = pattern.match(sql, at)
        if match is None:
            yield Token(Kind.BROKEN, sql[at:], at, len(sql))
            return
        if match["block"]:
            end = _end_of_comment(sql, at, nested=dialect == "duckdb")
            if end is None:
                yield Token(Kind.BROKEN, sql[at:], at, len(sql))
                return
            at = end
            continue
        yield from _token(match)
        at = match.end()


def _token(match: re.Match[str]) -> Iterator[Token]:
    for name, kind in _KINDS.items():
        text = match.groupdict().get(name)
        if text is not None:
            quote = _QUOTES.get(name)
            yield Token(kind, text.replace(quote * 2, quote) if quote else text, match.start(), match.end())
            return


def _end_of_comment(sql: str, start: int, *, nested: bool) -> int | None:
    """None if it has no end."""
    depth = 0
    for mark in re.compile(r"/\*|\*/").finditer(sql, start):
        if mark[0] == "*/":
            depth -= 1
        elif nested or depth == 0:
            depth += 1
        if depth == 0:
            return mark.end()
    return None


@cache
def _pattern(dialect: str) -> re.Pattern[str]:
    parts = (_SPACE, _LINE, _BLOCK, *_DIALECTS[dialect], _NUMBER, _SYMBOL)
    return re.compile("|".join(f"(?:{part})" for part in parts), re.DOTALL)
