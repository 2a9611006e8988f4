import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PROTOS = sorted((Path(__file__).resolve().parents[2] / "proto").rglob("*.proto"))
DECLARATION = re.compile(r"(?P<kind>message|enum|service|rpc|oneof)\s+(?P<name>\w+)")
MEMBER = re.compile(r"(?:repeated\s+|optional\s+)?(?P<type>map<[^>]+>|[\w.]+)?\s*\b(?P<name>\w+)\s*=\s*(?P<number>\d+)")


class Declared:
    """One line of a definition that declares something: what, where, and whether a comment stands above or behind it."""

    def __init__(self, kind: str, name: str, within: str, commented: bool) -> None:
        self.kind, self.name, self.within, self.commented = kind, name, within, commented


def declarations(text: str) -> Iterator[Declared]:
    open_blocks: list[tuple[str, str]] = []
    above = ""
    for line in map(str.strip, text.splitlines()):
        code = line.partition("//")[0]
        commented = above.startswith("//") or "//" in line
        within = open_blocks[-1] if open_blocks else ("", "")
        if match := DECLARATION.match(code):
            yield Declared(match["kind"], match["name"], within[1], commented)
        elif within[0] in ("message", "oneof", "enum") and (match := MEMBER.match(code)):
            kind = "value" if within[0] == "enum" else "field"
            yield Declared(kind, match["name"], within[1], commented)
        for bracket in re.findall("[{}]", code):
            if bracket == "{":
                open_blocks.append((match["kind"], match["name"]) if match and "kind" in match.re.groupindex else ("", ""))
            else:
                open_blocks.pop()
        above = line


def of(path: Path) -> list[Declared]:
    return list(declarations(path.read_text()))


@pytest.mark.parametrize("path", PROTOS, ids=lambda path: path.name)
def test_every_message_field_service_and_call_has_a_comment(path: Path) -> None:
    silent = [f"{it.within}.{it.name}" for it in of(path) if it.kind in ("message", "field", "service", "rpc", "enum") and not it.commented]

    assert silent == []


@pytest.mark.parametrize("path", PROTOS, ids=lambda path: path.name)
def test_every_enum_begins_with_unspecified(path: Path) -> None:
    first: dict[str, str] = {}
    for it in of(path):
        if it.kind == "value":
            first.setdefault(it.within, it.name)

    snake = {enum: re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", enum).upper() for enum in first}
    assert first == {enum: f"{snake[enum]}_UNSPECIFIED" for enum in first}


@pytest.mark.parametrize("path", PROTOS, ids=lambda path: path.name)
def test_every_call_has_a_request_and_a_response_of_its_own(path: Path) -> None:
    calls = re.findall(r"rpc (\w+)\((\w+)\) returns \((?:stream )?(\w+)\)", path.read_text())

    assert calls == [(name, f"{name}Request", f"{name}Response") for name, _, _ in calls]
    assert len(calls) == sum(it.kind == "rpc" for it in of(path))


def test_what_has_no_comment_is_found() -> None:
    text = """
// A.
message A {
  string b = 1;
  // C.
  repeated string c = 2;
  map<string, string> d = 3; // D.
  oneof e {
    int32 f = 4;
  }
}
enum G {
  G_UNSPECIFIED = 0;
}
message H {}
service I {
  rpc J(K) returns (L);
}
"""

    found = [(it.kind, it.name, it.commented) for it in declarations(text)]

    assert found == [
        ("message", "A", True),
        ("field", "b", False),
        ("field", "c", True),
        ("field", "d", True),
        ("oneof", "e", False),
        ("field", "f", False),
        ("enum", "G", False),
        ("value", "G_UNSPECIFIED", False),
        ("message", "H", False),
        ("service", "I", False),
        ("rpc", "J", False),
    ]
