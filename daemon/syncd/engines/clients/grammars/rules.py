"""Rules as clients keep them: sections of a main Markdown file, and files of a folder if the client has one.

A section is named by its heading, a rule file `file/NAME`. A client without a folder holds rule files in managed blocks of its main
file. Texts know one line end and have none behind the last line; what the file has stays.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from syncd.domain.unified import Entries, Entry, Kind, Loss, Name, Value
from syncd.kit.documents.document import Uneditable, Unparsable
from syncd.kit.documents.markdown import Sections
from syncd.kit.documents.yaml import Yaml
from syncd.ports.clients import Expressed, Files, FileSpec, Unreadable, Unwritable

_FILE = "file/"
_FRONT = re.compile(r"\A---[ \t]*\r?\n(?P<yaml>.*?)^---[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE)
_IMPORT = re.compile(r"(?:^|(?<=\s))@(?:~/|\.{0,2}/)?[\w][\w./-]*\.\w+", re.MULTILINE)
_FILE_NAME = re.compile(r"file/(?!\.)[^/\\\x00-\x1f]+")
"""Nothing that could lead out of the folder."""
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Rulebook:
    """Where one client looks for rules in one scope."""

    main: str
    folder: str = ""
    """Without a slash at its end; empty if the client reads no rule files of their own."""
    imports: bool = True
    """The client replaces `@file` by the file's text."""

    def files(self) -> tuple[FileSpec, ...]:
        """What an adapter tells of its rules."""
        kinds = frozenset({Kind.RULES})
        return (FileSpec(self.main, kinds), *((FileSpec(f"{self.folder}/*.md", kinds),) if self.folder else ()))

    def holds(self, path: str) -> bool:
        """Whether a file is one of the folder's."""
        return bool(self.folder) and path.endswith(".md") and str(PurePosixPath(path).parent) == self.folder

    def path(self, name: str) -> str:
        """The file of a rule named `file/NAME`."""
        return f"{self.folder}/{name.removeprefix(_FILE)}.md"

    def own_file(self, name: str) -> bool:
        """Whether a rule is held by a file of its own."""
        return bool(self.folder) and name.startswith(_FILE)


@dataclass(slots=True)
class Found:
    """What the files say, to be merged into a snapshot."""

    entries: dict[Name, Entry] = field(default_factory=dict)
    unreadable: dict[str, Unreadable] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def read(book: Rulebook, files: Files) -> Found:
    """All rules of a scope."""
    found = Found()
    if book.main in files:
        try:
            sections = Sections(files[book.main])
        except Unparsable as error:
            found.unreadable[book.main] = Unreadable(error.line, error.column, error.reason)
        else:
            texts = {**sections.sections, **({} if book.folder else sections.blocks)}
            found.entries |= {Name(Kind.RULES, name): {"text": text} for name, text in texts.items()}
    for path in sorted(filter(book.holds, files)):
        _read_file(path, files[path], found)
    return found


def express(book: Rulebook, entries: Entries) -> Expressed:
    """What the client can hold of the rules among some entries."""
    held: dict[Name, Entry] = {}
    losses: list[Loss] = []
    for name, entry in entries.items():
        if name.kind is not Kind.RULES:
            continue
        text = _normal(str(entry.get("text", "")))
        problem = _problem(name.name, text)
        if problem:
            losses.append(Loss(name, "", *problem))
            continue
        held[name] = {"text": text}
        if "paths" in entry and book.own_file(name.name):
            held[name] = {"text": text, "paths": entry["paths"]}
        elif "paths" in entry:
            losses.append(Loss(name, "paths", "paths", "the client cannot limit a rule to some files; it holds for all"))
        if not book.imports and _IMPORT.search(text):
            losses.append(Loss(name, "text", "imports", "the client does not replace @file by the text of the file"))
    return Expressed(held, tuple(losses))


def write(book: Rulebook, files: Files, wanted: Mapping[Name, Entry | None]) -> dict[str, bytes | None]:
    """The rule files that change. Raises `Unwritable`."""
    rules = {name.name: entry for name, entry in wanted.items() if name.kind is Kind.RULES}
    own = {name: entry for name, entry in rules.items() if book.own_file(name)}
    changed: dict[str, bytes | None] = dict(_write_main(book, files, {name: entry for name, entry in rules.items() if name not in own}))
    for name, entry in own.items():
        path = book.path(name)
        if not _FILE_NAME.fullmatch(name):
            raise Unwritable(path, "this is no name of a file")
        content = files.get(path)
        new = _file_content(path, content, entry)
        if new != content:
            changed[path] = new
    return changed


def _problem(name: str, text: str) -> tuple[str, str] | None:
    """Why no Markdown file can hold a rule."""
    if name.startswith(_FILE):
        return None if _FILE_NAME.fullmatch(name) else ("name", "this is no name of a file; the rule is left out")
    heading = re.sub(r" \(\d+\)$", "", name)
    read_back = Sections(text.encode()).sections
    if list(read_back.values()) == [text] and set(read_back) <= {name, heading}:
        return None
    return "section", "its text does not read as one section of that name; the rule is left out"


def _write_main(book: Rulebook, files: Files, rules: Mapping[str, Entry | None]) -> Iterator[tuple[str, bytes]]:
    if not rules:
        return
    try:
        sections = Sections(files.get(book.main, b""))
        for name, entry in rules.items():
            _edit(sections, name, None if entry is None else str(entry["text"]))
    except (Unparsable, Uneditable) as error:
        raise Unwritable(book.main, str(error)) from error
    if sections.content() != files.get(book.main, b""):
        yield book.main, sections.content()


def _edit(sections: Sections, name: str, text: str | None) -> None:
    block = name.startswith(_FILE)
    if text == (sections.blocks if block else sections.sections).get(name):
        return
    if text is None:
        (sections.remove_block if block else sections.remove)(name)
    else:
        (sections.set_block if block else sections.set)(name, text)


def _read_file(path: str, content: bytes, found: Found) -> None:
    try:
        text = _decoded(content)
    except Unparsable as error:
        found.unreadable[path] = Unreadable(error.line, error.column, error.reason)
        return
    front, body = _split(text)
    name = Name(Kind.RULES, _FILE + PurePosixPath(path).name.removesuffix(".md"))
    if not _FILE_NAME.fullmatch(name.name):
        return
    try:
        paths = _paths(_front_matter(front).value.get("paths")) if front else None
    except Unparsable as error:
        found.notes.append(f"{name} is left alone: its front matter does not parse ({error.reason})")
        return
    found.entries[name] = {"text": _normal(body)} | ({"paths": paths} if paths is not None else {})


def _file_content(path: str, content: bytes | None, entry: Entry | None) -> bytes | None:
    """A rule file that says what an entry says, with as much of the old one as possible."""
    try:
        text = _decoded(content or b"")
        front, body = _split(text)
        old = _paths(_front_matter(front).value.get("paths"))
        if entry is None:
            return None
        end = "\r\n" if "\r\n" in text else "\n"
        front = front if old == entry.get("paths") else _with_paths(front, entry.get("paths"), end)
    except (Unparsable, Uneditable) as error:
        raise Unwritable(path, str(error)) from error
    if _normal(body) != entry["text"]:
        start = body[: len(body) - len(body.lstrip("\r\n"))]
        body = start + str(entry["text"]).replace("\n", end) + (end if not text or text.endswith("\n") else "")
        front = front or ("---\n---\n" if _FRONT.match(body) else "")
    bom = _BOM if (content or b"").startswith(_BOM) else b""
    return bom + (front + body).encode()


def _with_paths(front: str, paths: Value | None, end: str) -> str:
    """A front matter block, fences and all, that limits its rule to some files or to none."""
    match = _FRONT.match(front)
    document = _front_matter(front)
    if paths is None:
        document.remove(("paths",))
    else:
        document.set(("paths",), [str(each) for each in paths] if isinstance(paths, tuple) else [])
    inner = document.content().decode()
    if not match:
        return f"---\n{inner.rstrip()}\n---\n".replace("\n", end)
    return front[: match.start("yaml")] + inner + front[match.end("yaml") :] if inner.strip() else ""


def _split(text: str) -> tuple[str, str]:
    """The front matter with its fences, and the rest."""
    match = _FRONT.match(text)
    return (text[: match.end()], text[match.end() :]) if match else ("", text)


def _front_matter(front: str) -> Yaml:
    match = _FRONT.match(front)
    return Yaml(match["yaml"].encode() if match else b"")


def _paths(value: Any) -> tuple[str, ...] | None:
    """A list of globs, or one text with commas between them; commas in braces belong to a glob."""
    if isinstance(value, str):
        return tuple(part.strip() for part in re.split(r",(?![^{]*\})", value) if part.strip())
    if isinstance(value, Sequence):
        return tuple(str(each) for each in value)
    return None


def _normal(body: str) -> str:
    return body.replace("\r\n", "\n").strip("\n")


def _decoded(content: bytes) -> str:
    try:
        return content.removeprefix(_BOM).decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise Unparsable("this is no UTF-8", line, error.start - content.rfind(b"\n", 0, error.start)) from error
