"""Where the parser stands in a statement."""

from collections.abc import Callable
from typing import TypeVar

from tests.servers.oracle.backend import OracleError
from tests.servers.oracle.sql_lexer import Token, tokens

T = TypeVar("T")


class Cursor:
    """Tokens of one statement with a position among them."""

    def __init__(self, sql: str) -> None:
        self.sql = sql
        self._tokens = tokens(sql)
        self._at = 0
        self._binds = {token.start: index for index, token in enumerate(token for token in self._tokens if token.kind == "bind")}

    @property
    def binds(self) -> int:
        return len(self._binds)

    @property
    def token(self) -> Token:
        return self._tokens[self._at]

    @property
    def before(self) -> Token:
        return self._tokens[self._at - 1]

    def ahead(self, n: int) -> Token:
        return self._tokens[min(self._at + n, len(self._tokens) - 1)]

    def next(self) -> Token:
        token = self._tokens[self._at]
        self._at = min(self._at + 1, len(self._tokens) - 1)
        return token

    def bind(self) -> int:
        """The number of the bind here among the occurrences of binds."""
        return self._binds[self.next().start]

    def sees(self, *words: str) -> bool:
        """Whether these words or signs stand here in a row."""
        return all(self.ahead(n).value == word and self.ahead(n).kind in ("name", "sign") for n, word in enumerate(words))

    def sees_any(self, *words: str) -> bool:
        return any(self.sees(word) for word in words)

    def accept(self, *words: str) -> bool:
        """Step over these words if they stand here."""
        if not self.sees(*words):
            return False
        self._at += len(words)
        return True

    def accept_any(self, *words: str) -> str:
        """Step over one of these words; empty if none stands here."""
        return next((word for word in words if self.accept(word)), "")

    def expect(self, *words: str) -> None:
        if not self.accept(*words):
            raise self.unexpected(" ".join(words))

    def unexpected(self, wanted: str = "") -> OracleError:
        """What Oracle says where something is missing or too much."""
        codes = {
            "FROM": (923, "FROM keyword not found where expected"),
            ")": (907, "missing right parenthesis"),
            "(": (906, "missing left parenthesis"),
            "INTO": (925, "missing INTO keyword"),
            "SET": (971, "missing SET keyword"),
            "VALUES": (926, "missing VALUES keyword"),
            "BY": (924, "missing BY keyword"),
            "THEN": (905, "missing keyword"),
            "expression": (936, "missing expression"),
            "name": (903, "invalid table name"),
            "end": (933, "SQL command not properly ended"),
        }
        code, text = codes.get(wanted, (905, f"missing keyword {wanted}" if wanted else "missing keyword"))
        return OracleError(code, text, self.token.start)

    def name(self) -> str:
        """One identifier."""
        if self.token.kind not in ("name", "quoted"):
            raise OracleError(1747, "invalid user.table.column, table.column, or column specification", self.token.start)
        return self.next().value

    def path(self) -> tuple[str, ...]:
        """An identifier, perhaps with its owner."""
        if self.token.kind not in ("name", "quoted"):
            raise self.unexpected("name")
        parts = [self.name()]
        while self.accept("."):
            parts.append(self.name())
        return tuple(parts)

    def integer(self) -> int:
        negative = self.accept("-")
        token = self.next()
        if token.kind != "number" or not token.value.isdigit():
            raise OracleError(2017, "integer value required", token.start)
        return -int(token.value) if negative else int(token.value)

    def string(self) -> str:
        token = self.next()
        if token.kind != "text":
            raise OracleError(1780, "string literal required", token.start)
        return token.value

    def several(self, item: Callable[["Cursor"], T]) -> tuple[T, ...]:
        """What is separated by commas."""
        found = [item(self)]
        while self.accept(","):
            found.append(item(self))
        return tuple(found)

    def enclosed(self, item: Callable[["Cursor"], T]) -> tuple[T, ...]:
        """What is separated by commas within parentheses."""
        self.expect("(")
        found = self.several(item)
        self.expect(")")
        return found
