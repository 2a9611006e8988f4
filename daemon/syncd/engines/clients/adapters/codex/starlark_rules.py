"""Files of `prefix_rule(pattern=[…], decision=…)` calls, read where they are literal and edited by spans.

Starlark's syntax is a subset of Python's, so Python's parser locates the calls. Nothing is ever evaluated: whatever is not a call
of literals at the top level is left alone. `pattern` may hold lists of alternatives; such a rule says something about each of the
commands that it spells out.
"""

import ast
import itertools
import json
import math
import re
import shlex
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from syncd.domain.permission import Decision
from syncd.kit.documents.document import Uneditable, Unparsable

Words = tuple[str, ...]

DECISIONS = {"allow": Decision.ALLOW, "prompt": Decision.ASK, "forbidden": Decision.DENY}
_SPELLING = {decision: name for name, decision in DECISIONS.items()}
_STRICTNESS = {Decision.ALLOW: 0, Decision.ASK: 1, Decision.DENY: 2}
_MOST = 256
"""Commands that one rule may spell out; a rule of more is left alone."""
_BOM = b"\xef\xbb\xbf"
_LINE_END = re.compile(rb"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class _Rule:
    """One call, and where its parts are."""

    places: tuple[tuple[str, ...], ...]
    decision: Decision
    call: ast.Call
    pattern: tuple[ast.expr, ...]
    decision_at: ast.expr | None
    examples: tuple[tuple[Words, ast.expr], ...]
    examples_at: ast.expr | None

    @property
    def says(self) -> frozenset[Words]:
        return frozenset(itertools.product(*self.places))


class StarlarkRules:
    """One file. Raises `Unparsable`; edits raise `Uneditable` and leave the file as it was."""

    def __init__(self, content: bytes) -> None:
        if content.startswith(_BOM):
            raise Unparsable("a byte order mark is no valid rule", 1, 1)
        self._text = content
        self._load()

    def content(self) -> bytes:
        """The text as it is now."""
        return self._text

    @property
    def decisions(self) -> Mapping[Words, Decision]:
        """What is said about each command, the strictest where several rules are about it, in the order of the text."""
        found: dict[Words, Decision] = {}
        for rule in self._rules:
            for words in itertools.product(*rule.places):
                found[words] = max(rule.decision, found.get(words, rule.decision), key=_STRICTNESS.__getitem__)
        return found

    @property
    def odd_lines(self) -> Sequence[int]:
        """Numbers of the lines where something begins that is not understood."""
        return tuple(self._odd)

    def add(self, words: Words, decision: Decision) -> None:
        """Say something about a command that nothing is said about, in a rule of its own at the end."""
        end_of_line = b"\r\n" if b"\r\n" in self._text else b"\n"
        separator = end_of_line if self._text and not self._text.endswith((b"\n", b"\r")) else b""
        call = f"prefix_rule(pattern={json.dumps(list(words), ensure_ascii=False)}, decision={json.dumps(_SPELLING[decision])})"
        self._become(self._text + separator + call.encode() + end_of_line, {**self.decisions, words: decision})

    def change(self, words: Words, decision: Decision) -> bool:
        """Change what a rule of its own says about a command and forget all else about it; False if there is no such rule."""
        own = next((rule for rule in self._rules if rule.says == {words} and rule.decision_at is not None), None)
        if own is None or own.decision_at is None:
            self.remove(words)
            return False
        edits = [edit for rule in self._rules if rule is not own and words in rule.says for edit in self._without(rule, words)]
        if own.decision is not decision:
            edits.append((*self._span(own.decision_at), json.dumps(_SPELLING[decision]).encode()))
        self._become(self._spliced(edits), {**self.decisions, words: decision})
        return True

    def remove(self, words: Words) -> None:
        """Say nothing about a command any more. What its rules say about other commands stays."""
        edits = [edit for rule in self._rules if words in rule.says for edit in self._without(rule, words)]
        self._become(self._spliced(edits), {said: decision for said, decision in self.decisions.items() if said != words})

    def _load(self) -> None:
        self._rules: list[_Rule] = []
        self._odd: list[int] = []
        self._line_starts = [0, *(match.end() for match in _LINE_END.finditer(self._text))]
        for statement in _parsed(self._text).body:
            if (rule := _rule(statement)) is not None:
                self._rules.append(rule)
            elif not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)):
                self._odd.append(statement.lineno)

    def _become(self, text: bytes, meant: Mapping[Words, Decision]) -> None:
        before, odd = self._text, len(self._odd)
        self._text = text
        with suppress(Unparsable):
            self._load()
            if self.decisions == meant and len(self._odd) == odd:
                return
        self._text = before
        self._load()
        raise Uneditable("the rule cannot be edited without changing others")

    def _without(self, rule: _Rule, words: Words) -> Iterator[tuple[int, int, bytes]]:
        """Edits after which a rule says nothing about a command: it goes, or calls for all the others take its place."""
        rest = [
            (*((word,) for word in words[:number]), others, *rule.places[number + 1 :])
            for number, word in enumerate(words)
            if (others := tuple(other for other in rule.places[number] if other != word))
        ]
        start, end = self._span(rule.call)
        if not rest:
            yield (*self._lines(start, end), b"")
            return
        separator = b"\r\n" if b"\r\n" in self._text else b"\n"
        yield (start, end, separator.join(self._narrowed(rule, places) for places in rest))

    def _narrowed(self, rule: _Rule, places: tuple[tuple[str, ...], ...]) -> bytes:
        """The text of a call with fewer alternatives, and without the examples that it would no longer match."""
        start, end = self._span(rule.call)
        edits = [
            self._kept(node, [each for each in node.elts if isinstance(each, ast.Constant) and each.value in kept])
            for node, kept, had in zip(rule.pattern, places, rule.places, strict=True)
            if isinstance(node, ast.List) and kept != had
        ]
        matching = [
            node
            for example, node in rule.examples
            if len(example) >= len(places) and all(word in place for word, place in zip(example, places, strict=False))
        ]
        if isinstance(rule.examples_at, ast.List) and len(matching) < len(rule.examples_at.elts):
            edits.append(self._kept(rule.examples_at, matching))
        return self._spliced(edits)[start : end + len(self._spliced(edits)) - len(self._text)]

    def _kept(self, node: ast.List, elements: Sequence[ast.expr]) -> tuple[int, int, bytes]:
        texts = [self._text[slice(*self._span(element))] for element in elements]
        return (*self._span(node), b"[" + b", ".join(texts) + b"]")

    def _spliced(self, edits: Sequence[tuple[int, int, bytes]]) -> bytes:
        text = self._text
        for start, end, new in sorted(edits, reverse=True):
            text = text[:start] + new + text[end:]
        return text

    def _span(self, node: ast.expr) -> tuple[int, int]:
        last = self._line_starts[(node.end_lineno or node.lineno) - 1]
        return self._line_starts[node.lineno - 1] + node.col_offset, last + (node.end_col_offset or 0)

    def _lines(self, start: int, end: int) -> tuple[int, int]:
        """The lines that a call has for itself; of the blank lines around them, one of two."""
        first = max(at for at in self._line_starts if at <= start)
        last = min((at for at in self._line_starts if at > end), default=len(self._text))
        if self._text[first:start].strip() or not re.fullmatch(rb"[ \t]*(#[^\r\n]*)?[\r\n]*", self._text[end:last]):
            return start, end
        blank = re.compile(rb"[ \t]*(\r\n|\r|\n)").match(self._text, last)
        after_blank = first == 0 or re.search(rb"(^|\r|\n)[ \t]*(\r\n|\r|\n)$", self._text[:first]) is not None
        return first, blank.end() if blank and after_blank else last


def _parsed(text: bytes) -> ast.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text.decode())
    except UnicodeDecodeError as error:
        raise Unparsable("not UTF-8", text.count(b"\n", 0, error.start) + 1, 0) from error
    except SyntaxError as error:
        raise Unparsable("no valid rules file", error.lineno or 0, error.offset or 0) from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise Unparsable("no valid rules file") from error


def _rule(statement: ast.stmt) -> _Rule | None:
    match statement:
        case ast.Expr(ast.Call(ast.Name("prefix_rule"), ([] | [_]) as positional, keywords) as call):
            given = dict([*(("pattern", node) for node in positional), *((keyword.arg, keyword.value) for keyword in keywords)])
            decision_at = given.get("decision")
            decision = "allow" if decision_at is None else _text(decision_at)
            pattern = _elements(given.get("pattern"))
            places = tuple(_alternatives(element) for element in pattern)
            examples = _examples(given)
            if decision not in DECISIONS or not all(places) or not 0 < math.prod(map(len, places)) <= _MOST or examples is None:
                return None
            return _Rule(places, DECISIONS[decision], call, pattern, decision_at, examples, given.get("match")) if places else None
        case _:
            return None


def _alternatives(node: ast.expr) -> tuple[str, ...]:
    """The words that may stand at one place; none if that is not known."""
    words = [_text(node)] if isinstance(node, ast.Constant) else [_text(element) for element in _elements(node)]
    return tuple(dict.fromkeys(word for word in words if word is not None)) if None not in words else ()


def _examples(given: Mapping[str | None, ast.expr]) -> tuple[tuple[Words, ast.expr], ...] | None:
    """The commands that the client itself tries the rule on; None if they are not literal."""
    if "match" in given and not isinstance(given["match"], ast.List):
        return None
    found = []
    for node in _elements(given.get("match")):
        text = _text(node)
        try:
            words = [_text(element) for element in _elements(node)] if text is None else [*shlex.split(text)]
        except ValueError:
            return None
        found.append((tuple(word for word in words if word is not None), node))
    return tuple(found)


def _elements(node: ast.expr | None) -> tuple[ast.expr, ...]:
    return tuple(node.elts) if isinstance(node, ast.List) else ()


def _text(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
