"""What a model's answer is worth before anything in it is checked."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from syncd.engines.metadata.cache import Example

_MOST = 20
"""Examples taken from one answer."""
_LONGEST_INSIGHT = 1_500
_LONGEST_QUESTION = 400
_LONGEST_SQL = 8_000
"""Characters. What is longer serves no prompt; half a query serves nobody."""
_FENCE = re.compile(r"```[a-z]*\s*\n(.*?)\n?\s*```", re.DOTALL | re.IGNORECASE)
_LAYOUT = "\n\t"


@dataclass(frozen=True, slots=True)
class Candidates:
    insight: str = ""
    """One line; empty if there is none."""
    examples: tuple[Example, ...] = ()
    """In the model's order: no question and no query twice, the questions on one line, the queries without a semicolon at the end."""


def candidates(value: object) -> Candidates:
    """What there is to check in an answer. Whatever has another form than was asked for is left out, without an error."""
    answer = value if isinstance(value, Mapping) else {}
    offered = answer.get("examples")
    examples: list[Example] = []
    seen: set[str] = set()
    for example in _examples(offered if isinstance(offered, list | tuple) else ()):
        marks = {example.question.casefold(), " ".join(example.sql.split())}
        if not marks & seen:
            examples.append(example)
        seen |= marks
    return Candidates(_shortened(_line(answer.get("insight"))), tuple(examples[:_MOST]))


def _examples(offered: list[object] | tuple[object, ...]) -> Iterator[Example]:
    for each in offered:
        members = each if isinstance(each, Mapping) else {}
        question, sql = _line(members.get("question")), _query(members.get("sql"))
        if question and sql and len(question) <= _LONGEST_QUESTION and len(sql) <= _LONGEST_SQL:
            yield Example(question, sql)


def _line(value: object) -> str:
    """A text on one line, without what cannot be printed or stored."""
    return " ".join("".join(_visible(letter) for letter in value).split()) if isinstance(value, str) else ""


def _query(value: object) -> str:
    """A query as it was meant, without wrapping; empty if something in it cannot be meant."""
    if not isinstance(value, str):
        return ""
    text = value.replace("\r\n", "\n").strip()
    fenced = _FENCE.fullmatch(text)
    sql = (fenced[1] if fenced else text).rstrip("; \n\t").strip()
    return sql if all(letter in _LAYOUT or _visible(letter) == letter for letter in sql) else ""


def _visible(letter: str) -> str:
    """The letter; a space for a control character or for half of a surrogate pair."""
    return " " if unicodedata.category(letter) in {"Cc", "Cs"} else letter


def _shortened(text: str) -> str:
    """At most so long, ending with a whole sentence or word."""
    if len(text) <= _LONGEST_INSIGHT:
        return text
    cut = text[:_LONGEST_INSIGHT]
    sentence = cut.rfind(". ")
    return cut[: sentence + 1] if sentence > _LONGEST_INSIGHT // 2 else f"{cut.rsplit(' ', 1)[0][: _LONGEST_INSIGHT - 1]}…"
