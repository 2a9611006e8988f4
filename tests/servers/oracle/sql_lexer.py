"""SQL text to tokens: names in upper case unless quoted, comments and hints left out."""

import re
from dataclasses import dataclass

from tests.servers.oracle.backend import OracleError

_TOKEN = re.compile(
    r"""
    (?P<space>\s+|--[^\n]*|/\*.*?\*/)
  | (?P<alternative>[nN]?[qQ]'(?:\[.*?\]|\{.*?\}|\(.*?\)|<.*?>|(?P<mark>[^\s\[{(<]).*?(?P=mark))')
  | (?P<text>[nN]?'(?:[^']|'')*')
  | (?P<number>(?:\d+(?:\.(?!\.)\d*)?|\.\d+)(?:[eE][+-]?\d+)?(?:[fFdD](?!\w))?)
  | (?P<bind>:\s*(?:\w+|"[^"]+"))
  | (?P<quoted>"[^"]+")
  | (?P<name>[^\W\d][\w$\#]*)
  | (?P<sign>\|\||<>|!=|\^=|<=|>=|[-+*/(),.;=<>])
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Token:
    kind: str
    """One of name, quoted, text, number, bind, sign, end."""
    value: str
    start: int
    end: int


def tokens(sql: str) -> list[Token]:
    """All tokens and one of kind `end`. Raises `OracleError` for what cannot be a token."""
    found: list[Token] = []
    at = 0
    while at < len(sql):
        match = _TOKEN.match(sql, at)
        if match is None or match.lastgroup is None:
            raise _unreadable(sql, at)
        kind = match.lastgroup if match["alternative"] is None else "alternative"
        if kind != "space":
            found.append(_token(kind, match.group(), at, match.end()))
        at = match.end()
    found.append(Token("end", "", at, at))
    return found


def _token(kind: str, text: str, start: int, end: int) -> Token:
    match kind:
        case "name":
            text = text.upper()
        case "quoted":
            text = text[1:-1]
        case "text":
            text = text[text.index("'") + 1 : -1].replace("''", "'")
        case "alternative":
            kind, text = "text", text[text.index("'") + 2 : -2]
        case "sign" if text in ("!=", "^="):
            text = "<>"
    return Token(kind, text, start, end)


def _unreadable(sql: str, at: int) -> OracleError:
    if sql[at] == "'":
        return OracleError(1756, "quoted string not properly terminated", at)
    return OracleError(911, f"{sql[at]}: invalid character", at)
