"""What every adapter of an AI coding client promises. An adapter's test subclasses `ClientContract`."""

import csv
import os
import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syncd.domain.permission import Decision
from syncd.domain.unified import Entries, Entry, Kind, Name, Reference, Template, Value
from syncd.ports.clients import Adapter, Files, ScopeKind, Snapshot, Unwritable

TOKEN = Template((Reference("CONTRACT_TOKEN"),))
BEARER = Template(("Bearer ", Reference("CONTRACT_TOKEN")))
DEFAULTED = Template((Reference("CONTRACT_MODE", "fast"),))

STDIO: Entry = {"transport": "stdio", "command": "npx", "args": ("-y", "contract-server")}
HTTP: Entry = {"transport": "http", "url": "https://contract.example/mcp"}
SSE: Entry = {"transport": "sse", "url": "https://contract.example/sse"}
SECTION = "Contract Section"
SECTION_TEXT = f"## {SECTION}\n\nUse tabs.\n\n```sh\n# no heading\n```"

SERVERS: Mapping[str, Entry] = {
    "a command alone": {"transport": "stdio", "command": "uvx"},
    "a command with arguments": STDIO,
    "an argument of odd letters": {**STDIO, "args": ("--name", 'ä "quoted" \\ back\tslash', "")},
    "a literal variable": {**STDIO, "env.LEVEL": "debug"},
    "a variable of the same name": {**STDIO, "env.CONTRACT_TOKEN": TOKEN},
    "a variable of another name": {**STDIO, "env.KEY": TOKEN, "env.LEVEL": "debug"},
    "a variable with a default": {**STDIO, "env.MODE": DEFAULTED},
    "a reference among the arguments": {**STDIO, "args": ("--token", TOKEN)},
    "a text that looks like a reference": {**STDIO, "env.PATTERN": "${NOT_MEANT} {env:NOT_MEANT} $NOT_MEANT"},
    "a working directory": {**STDIO, "cwd": "/srv/contract"},
    "timeouts": {**STDIO, "startup_timeout": 20, "tool_timeout": 1.5},
    "a server that is off": {**STDIO, "enabled": False},
    "allowed tools": {**STDIO, "tools.allow": ("read_file", "write_file")},
    "denied tools": {**STDIO, "tools.deny": ("delete_file",)},
    "a description": {**STDIO, "description": "Files of the contract"},
    "an http server": HTTP,
    "an http server with a bearer token": {**HTTP, "headers.Authorization": BEARER},
    "an http server with literal headers": {**HTTP, "headers.X-Team": "core", "headers.X-Key": TOKEN},
    "an http server with a reference in its address": {**HTTP, "url": Template(("https://", Reference("CONTRACT_HOST"), "/mcp"))},
    "an sse server": SSE,
    "an sse server with a header": {**SSE, "headers.X-Key": TOKEN},
    "a web socket": {"transport": "ws", "url": "wss://contract.example/ws"},
    "a server with everything": {
        **STDIO,
        "cwd": "/srv/contract",
        "env.CONTRACT_TOKEN": TOKEN,
        "env.LEVEL": "debug",
        "tool_timeout": 30,
        "tools.deny": ("a", "b"),
        "description": "All of it",
    },
}
RULES: Mapping[str, tuple[str, Entry]] = {
    "a section": (SECTION, {"text": SECTION_TEXT}),
    "a section of odd letters": ("Ünïcode & co", {"text": "# Ünïcode & co\n\n- “quotes” — dashes"}),
    "a rule file": ("file/contract", {"text": "# Contract\n\nSign it.\n\n## Twice\n\nIn ink."}),
    "a rule file for some files": ("file/contract-ts", {"text": "Use types.", "paths": ("src/**/*.ts", "lib/*.{js,jsx}")}),
    "a text with an import": (SECTION, {"text": f"## {SECTION}\n\nSee @docs/contract.md for more."}),
}
PERMISSIONS = (
    "shell",
    "shell exact contract status",
    "shell prefix contract push",
    "shell glob contract * --force",
    "shell regex ^contract (a|b)$",
    "read",
    "read path contract/secrets/**",
    "edit",
    "edit path /contract/**",
    "fetch",
    "fetch domain contract.example",
    "search",
    "mcp server contract",
    "mcp tool contract/delete_file",
    "default",
)
_CASES = [
    *(pytest.param(Name(Kind.MCP, "contract"), entry, id=each) for each, entry in SERVERS.items()),
    *(pytest.param(Name(Kind.MCP, "contract server.1"), STDIO, id=each) for each in ("a server with space and dot in its name",)),
    *(pytest.param(Name(Kind.RULES, name), entry, id=each) for each, (name, entry) in RULES.items()),
    *(
        pytest.param(Name(Kind.PERMISSIONS, subject), {"decision": decision.value}, id=f"{decision.value} {subject}")
        for subject in PERMISSIONS
        for decision in Decision
    ),
]
_EDITS: Mapping[str, tuple[Entry, Entry]] = {
    "another command": (STDIO, {**STDIO, "command": "bunx"}),
    "one more argument": (STDIO, {**STDIO, "args": ("-y", "contract-server", "--fast")}),
    "no arguments": (STDIO, {"transport": "stdio", "command": "npx"}),
    "another variable": ({**STDIO, "env.A": "1"}, {**STDIO, "env.A": "1", "env.B": "2"}),
    "no variable": ({**STDIO, "env.A": "1"}, STDIO),
    "a literal becomes a reference": ({**STDIO, "env.CONTRACT_TOKEN": "x"}, {**STDIO, "env.CONTRACT_TOKEN": TOKEN}),
    "another address": (HTTP, {**HTTP, "url": "https://contract.example/v2"}),
    "a header": (HTTP, {**HTTP, "headers.Authorization": BEARER}),
    "no header": ({**HTTP, "headers.Authorization": BEARER}, HTTP),
    "from stdio to http": ({**STDIO, "env.A": "1"}, HTTP),
    "from http to stdio": (HTTP, STDIO),
    "from http to sse": (HTTP, SSE),
    "off": (STDIO, {**STDIO, "enabled": False}),
    "on": ({**STDIO, "enabled": False}, STDIO),
    "another timeout": ({**STDIO, "tool_timeout": 5}, {**STDIO, "tool_timeout": 2.5}),
    "one denied tool more": ({**STDIO, "tools.deny": ("a",)}, {**STDIO, "tools.deny": ("a", "b")}),
}
_SCOPES = [pytest.param(scope, id=f"of a {scope.value}") for scope in ScopeKind]
_STRICTNESS = [decision.value for decision in Decision]


def written(adapter: Adapter, scope: ScopeKind, files: Files, wanted: Mapping[Name, Entry | None]) -> dict[str, bytes]:
    """The files after an edit."""
    after: dict[str, bytes] = dict(files)
    for path, content in adapter.write(scope, files, wanted).items():
        if content is None:
            del after[path]
        else:
            after[path] = content
    return after


def marks(content: bytes) -> list[bytes]:
    """Words and signs, without the blanks between them."""
    return re.findall(rb"\w+|[^\w\s]", content)


def lost(before: bytes, after: bytes) -> list[bytes]:
    """Words and signs that were there, and are not there any more in the same order."""
    rest = iter(marks(after))
    return [mark for mark in marks(before) if mark not in rest]


def changed(value: Value) -> Value:
    """Another value of the same type."""
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case tuple():
            return (*value, "zz-more")
        case Template(parts):
            return Template((*parts, "-more"))
        case _:
            return f"{value}-more"


def variants(name: Name, entry: Entry) -> Iterator[Entry]:
    """The entry with one field changed."""
    for field in sorted(entry):
        if name.kind is Kind.PERMISSIONS:
            yield {"decision": "ask" if entry["decision"] != "ask" else "deny"}
        elif field not in ("transport", "enabled"):
            yield {**entry, field: changed(entry[field])}


def corpus(client: str) -> list[Path]:
    """Real files of a client; none unless `SYNCD_CORPUS` names a folder of them."""
    folder = os.environ.get("SYNCD_CORPUS")
    return sorted(path for path in (Path(folder) / client).glob("*") if path.is_file()) if folder else []


def origins() -> dict[str, str]:
    """File of the corpus -> where it stood in its project, as far as the corpus has an index."""
    path = Path(os.environ.get("SYNCD_CORPUS", "")) / "index.tsv"
    if not path.is_file():
        return {}
    with path.open(newline="") as index:
        return {row["file"]: row["path"] for row in csv.DictReader(index, delimiter="\t")}


def homes(adapter: Adapter, origin: str) -> list[tuple[ScopeKind, str]]:
    """Where a real file may stand: at its own place, or wherever the client has a file of this type."""
    places = [(scope, spec.pattern) for scope in ScopeKind for spec in adapter.files(scope)]
    own = [(scope, pattern) for scope, pattern in places if fnmatch(origin, f"*{pattern}")]
    alike = [(scope, pattern) for scope, pattern in places if PurePosixPath(pattern).suffix == PurePosixPath(origin).suffix]
    return [(scope, pattern.replace("*", "corpus")) for scope, pattern in own or alike]


class ClientContract:
    """A subclass publishes `adapter` and `EXAMPLES`: realistic files with comments, unknown members and odd formats."""

    adapter: ClassVar[Adapter]
    EXAMPLES: ClassVar[Mapping[ScopeKind, Files]]

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """The corpus is not part of the project: without it there are no cases."""
        if "real" in metafunc.fixturenames:
            metafunc.parametrize("real", corpus(metafunc.cls.adapter.client if metafunc.cls else ""), ids=lambda path: path.name)

    def read(self, scope: ScopeKind, files: Files) -> Snapshot:
        return self.adapter.read(scope, files)

    def holder(self, scope: ScopeKind, path: str) -> Entries:
        """What stands in one example file alone."""
        files = self.EXAMPLES[scope]
        without = self.read(scope, {each: content for each, content in files.items() if each != path}).entries
        return {name: entry for name, entry in self.read(scope, files).entries.items() if without.get(name) != entry}

    @pytest.mark.parametrize("scope", _SCOPES)
    def test_the_examples_are_files_of_the_client_and_say_something(self, scope: ScopeKind) -> None:
        files = self.EXAMPLES[scope]

        snapshot = self.read(scope, files)

        assert not snapshot.unreadable
        assert all(any(fnmatch(path, spec.pattern) for spec in self.adapter.files(scope)) for path in files)
        assert {name.kind for name in snapshot.entries} & {Kind.MCP, Kind.RULES}

    @pytest.mark.parametrize("scope", _SCOPES)
    def test_writing_nothing_changes_nothing(self, scope: ScopeKind) -> None:
        assert self.adapter.write(scope, self.EXAMPLES[scope], {}) == {}
        assert self.adapter.write(scope, {}, {}) == {}

    @pytest.mark.parametrize("scope", _SCOPES)
    def test_writing_what_is_there_changes_nothing(self, scope: ScopeKind) -> None:
        entries = self.read(scope, self.EXAMPLES[scope]).entries

        assert self.adapter.write(scope, self.EXAMPLES[scope], entries) == {}

    @pytest.mark.parametrize("scope", _SCOPES)
    def test_what_is_read_is_expressed_without_a_loss(self, scope: ScopeKind) -> None:
        entries = self.read(scope, self.EXAMPLES[scope]).entries

        expressed = self.adapter.express(scope, entries)

        assert expressed.entries == entries

    @pytest.mark.parametrize("scope", _SCOPES)
    @pytest.mark.parametrize(("name", "entry"), _CASES)
    def test_nothing_is_left_out_without_a_loss(self, scope: ScopeKind, name: Name, entry: Entry) -> None:
        expressed = self.adapter.express(scope, {name: entry})

        held = expressed.entries.get(name, {})
        named = {(loss.name, loss.field) for loss in expressed.losses}
        missing = {field for field, value in entry.items() if held.get(field) != value}
        assert (name, "") in named or all((name, field) in named for field in missing)
        assert held or not missing or (name, "") in named
        assert all(loss.code and loss.reason for loss in expressed.losses)

    @pytest.mark.parametrize("scope", _SCOPES)
    @pytest.mark.parametrize(("name", "entry"), _CASES)
    def test_what_is_expressed_is_expressed_the_same_again(self, scope: ScopeKind, name: Name, entry: Entry) -> None:
        expressed = self.adapter.express(scope, {name: entry})

        assert self.adapter.express(scope, expressed.entries).entries == expressed.entries

    @pytest.mark.parametrize("scope", _SCOPES)
    @pytest.mark.parametrize(("name", "entry"), _CASES)
    def test_a_permission_is_never_weaker_than_meant(self, scope: ScopeKind, name: Name, entry: Entry) -> None:
        expressed = self.adapter.express(scope, {name: entry})

        for each, held in expressed.entries.items():
            if name.kind is each.kind is Kind.PERMISSIONS:
                assert _STRICTNESS.index(str(held["decision"])) >= _STRICTNESS.index(str(entry["decision"]))

    @pytest.mark.parametrize("scope", _SCOPES)
    @pytest.mark.parametrize(("name", "entry"), _CASES)
    def test_what_is_written_to_no_files_reads_back(self, scope: ScopeKind, name: Name, entry: Entry) -> None:
        expressed = self.adapter.express(scope, {name: entry}).entries

        after = written(self.adapter, scope, {}, expressed)

        assert self.read(scope, after).entries == expressed
        assert not self.read(scope, after).unreadable
        assert self.adapter.write(scope, after, expressed) == {}

    @pytest.mark.parametrize("scope", _SCOPES)
    @pytest.mark.parametrize(("name", "entry"), _CASES)
    def test_what_is_written_beside_others_leaves_them_alone(self, scope: ScopeKind, name: Name, entry: Entry) -> None:
        files = self.EXAMPLES[scope]
        before = self.read(scope, files).entries
        expressed = {each: held for each, held in self.adapter.express(scope, {name: entry}).entries.items() if each not in before}

        after = written(self.adapter, scope, files, expressed)

        assert self.read(scope, after).entries == {**before, **expressed}
        assert {path: lost(content, after[path]) for path, content in files.items()} == {path: [] for path in files}
        assert self.adapter.write(scope, after, expressed) == {}

    @pytest.mark.parametrize("scope", _SCOPES)
    @pytest.mark.parametrize(("name", "entry"), _CASES)
    def test_removing_what_was_added_leaves_nothing_of_it(self, scope: ScopeKind, name: Name, entry: Entry) -> None:
        files = self.EXAMPLES[scope]
        before = self.read(scope, files).entries
        expressed = {each: held for each, held in self.adapter.express(scope, {name: entry}).entries.items() if each not in before}
        added = written(self.adapter, scope, files, expressed)

        after = written(self.adapter, scope, added, dict.fromkeys(expressed))

        assert self.read(scope, after).entries == before
        assert {path: lost(content, after[path]) for path, content in files.items()} == {path: [] for path in files}
        assert not [path for path, content in after.items() if b"contract" in content.lower()]

    @pytest.mark.parametrize("scope", _SCOPES)
    @pytest.mark.parametrize(("old", "new"), [pytest.param(*versions, id=each) for each, versions in _EDITS.items()])
    def test_one_edit_of_a_server_changes_nothing_else(self, scope: ScopeKind, old: Entry, new: Entry) -> None:
        name = Name(Kind.MCP, "contract")
        files = self.EXAMPLES[scope]
        before = self.read(scope, files).entries
        first, second = (self.adapter.express(scope, {name: version}).entries for version in (old, new))
        there = written(self.adapter, scope, files, first)

        after = written(self.adapter, scope, there, {**dict.fromkeys(first), **second})

        assert self.read(scope, after).entries == {**before, **second}
        assert {path: lost(content, after[path]) for path, content in files.items()} == {path: [] for path in files}

    @pytest.mark.parametrize("scope", _SCOPES)
    def test_each_field_of_the_examples_can_be_edited_and_put_back(self, scope: ScopeKind) -> None:
        files = self.EXAMPLES[scope]
        before = self.read(scope, files).entries
        tried = 0

        for name, entry in before.items():
            for variant in variants(name, entry):
                if self.adapter.express(scope, {name: variant}).entries != {name: variant}:
                    continue
                tried += 1
                after = written(self.adapter, scope, files, {name: variant})
                back = written(self.adapter, scope, after, {name: entry})

                assert self.read(scope, after).entries == {**before, name: variant}
                assert self.read(scope, back).entries == before
                if any(entry[field] != variant[field] and _plain(field, entry[field]) for field in entry):
                    assert back == files
        assert tried

    @pytest.mark.parametrize("scope", _SCOPES)
    def test_each_entry_of_the_examples_can_be_removed_alone(self, scope: ScopeKind) -> None:
        files = self.EXAMPLES[scope]
        before = self.read(scope, files).entries

        for name in before:
            after = written(self.adapter, scope, files, {name: None})

            assert self.read(scope, after).entries == {each: entry for each, entry in before.items() if each != name}
            assert {path: lost(content, files[path]) for path, content in after.items()} == {path: [] for path in after}

    @pytest.mark.parametrize("scope", _SCOPES)
    def test_removing_what_is_not_there_changes_nothing(self, scope: ScopeKind) -> None:
        gone = {Name(Kind.MCP, "contract"): None, Name(Kind.RULES, SECTION): None, Name(Kind.RULES, "file/contract"): None}

        assert self.adapter.write(scope, self.EXAMPLES[scope], gone) == {}
        assert self.adapter.write(scope, {}, gone) == {}

    @pytest.mark.parametrize("scope", _SCOPES)
    def test_a_byte_order_mark_changes_no_meaning_and_stays(self, scope: ScopeKind) -> None:
        files = self.EXAMPLES[scope]
        before = self.read(scope, files).entries

        for path in files:
            marked = {**files, path: b"\xef\xbb\xbf" + files[path]}
            snapshot = self.read(scope, marked)

            if path not in snapshot.unreadable:
                assert snapshot.entries == before
                for name, entry in self.holder(scope, path).items():
                    after = written(self.adapter, scope, marked, dict([self._edited(scope, name, entry)]))
                    assert after[path].startswith(b"\xef\xbb\xbf")
                    assert b"\xef\xbb\xbf" not in after[path][3:]

    @pytest.mark.parametrize("scope", _SCOPES)
    def test_line_ends_change_no_meaning_and_stay(self, scope: ScopeKind) -> None:
        files = self.EXAMPLES[scope]
        before = self.read(scope, files).entries
        foreign = {path: content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") for path, content in files.items()}

        snapshot = self.read(scope, foreign)

        assert snapshot.entries == before
        for name, entry in before.items():
            edited = self._edited(scope, name, entry)
            after = written(self.adapter, scope, foreign, dict([edited]))
            assert self.read(scope, after).entries == {**before, edited[0]: edited[1]}
            assert {path: content.replace(b"\r\n", b"").count(b"\n") for path, content in after.items()} == dict.fromkeys(after, 0)

    @pytest.mark.parametrize("scope", _SCOPES)
    @pytest.mark.parametrize("damage", [pytest.param(b"\xff\xfe", id="invalid UTF-8"), pytest.param(b"", id="an end that is missing")])
    def test_a_damaged_file_is_named_and_never_written(self, scope: ScopeKind, damage: bytes) -> None:
        files = self.EXAMPLES[scope]

        for path, content in files.items():
            if not damage and (path.endswith(".md") or b'"' not in content):
                continue
            broken = {**files, path: content + damage if damage else content[: content.rfind(b'"')]}
            snapshot = self.read(scope, broken)

            assert path in snapshot.unreadable
            assert snapshot.unreadable[path].reason
            for name, entry in self.holder(scope, path).items():
                with pytest.raises(Unwritable) as caught:
                    self.adapter.write(scope, broken, dict([self._edited(scope, name, entry)]))
                assert caught.value.path == path

    @given(noise=st.binary(max_size=60), place=st.floats(0, 1), length=st.integers(0, 40))
    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.differing_executors])
    def test_reading_never_raises_whatever_the_bytes(self, noise: bytes, place: float, length: int) -> None:
        for scope in ScopeKind:
            for path, content in self.EXAMPLES[scope].items():
                start = int(place * len(content))
                for bytes_ in (noise, content[:start] + noise + content[start + length :]):
                    self.read(scope, {path: bytes_})
                    assert self.adapter.write(scope, {path: bytes_}, {}) == {}

    @pytest.mark.parametrize("scope", _SCOPES)
    def test_the_check_stages_relative_files_and_runs_the_client(self, scope: ScopeKind) -> None:
        check = self.adapter.check
        if check is None:
            return

        staged = check.stage(scope, self.EXAMPLES[scope])

        assert staged.commands
        assert all(command.argv[0] == check.program for command in staged.commands)
        assert all(not PurePosixPath(path).is_absolute() and ".." not in PurePosixPath(path).parts for path in staged.files)
        assert all(not PurePosixPath(command.cwd).is_absolute() for command in staged.commands)

    def test_a_real_file_stays_as_it_is_beside_an_edit(self, real: Path) -> None:
        origin = origins().get(f"{self.adapter.client}/{real.name}", real.name)

        for scope, path in homes(self.adapter, origin):
            self._tried(scope, path, real.read_bytes(), real.name)

    def _tried(self, scope: ScopeKind, path: str, content: bytes, label: str) -> None:
        """One real file at one place: nothing is written without need, one entry of each kind is added and removed."""
        files = {path: content}
        before = self.read(scope, files)
        assert self.adapter.write(scope, files, {}) == {}, label
        if before.unreadable:
            return
        expressed = self.adapter.express(scope, before.entries).entries
        assert expressed == before.entries, label
        assert self.adapter.write(scope, files, before.entries) == {}, label
        for name, entry in _ADDED.items():
            added = self.adapter.express(scope, {name: entry}).entries
            there = written(self.adapter, scope, files, added)
            assert self.read(scope, there).entries == {**before.entries, **added}, label
            assert lost(content, there[path]) == [], (label, name)
            gone = written(self.adapter, scope, there, dict.fromkeys(added))
            assert self.read(scope, gone).entries == before.entries, label
        for name in before.entries:
            after = written(self.adapter, scope, files, {name: None})
            assert self.read(scope, after).entries == {each: held for each, held in before.entries.items() if each != name}, (label, name)

    def _edited(self, scope: ScopeKind, name: Name, entry: Entry) -> tuple[Name, Entry | None]:
        """A small edit of an entry that the client can hold: one field, else the entry goes."""
        for variant in variants(name, entry):
            if self.adapter.express(scope, {name: variant}).entries == {name: variant}:
                return name, variant
        return name, None


_ADDED: Mapping[Name, Entry] = {
    Name(Kind.MCP, "contract"): {**STDIO, "env.CONTRACT_TOKEN": TOKEN},
    Name(Kind.RULES, SECTION): {"text": SECTION_TEXT},
    Name(Kind.PERMISSIONS, "shell exact contract status"): {"decision": "ask"},
}


def _plain(field: str, value: Value) -> bool:
    """Whether there is one way only to write a value."""
    return isinstance(value, str) and field != "decision"
