"""Write the reference manual of the API from the definitions: `python -m tools.api_docs [FILE]`, by default docs/api.md."""

import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    ServiceDescriptorProto,
)
from grpc_tools import protoc

from syncd.rpc.rights import RIGHTS
from tools.generate import ROOT, inputs

DOCUMENT = ROOT.parent / "docs" / "api.md"
_PREFACE = Path(__file__).with_name("api_preface.md")
_REASON = re.compile(r"`([a-z]+\.[a-z_]+)`")
_MESSAGES, _ENUMS, _SERVICES, _MEMBERS = 4, 5, 6, 2
"""Numbers of these fields in the descriptors: the path to a comment is made of them."""

Path_ = tuple[int, ...]


def document() -> str:
    """The manual as Markdown."""
    files = [_File(file) for file in _descriptors().file if file.package == "syncapi.v1"]
    parts = [_PREFACE.read_text(), *(line for file in files for line in file.services())]
    parts += ["## Messages\n", *(line for file in files for line in file.messages())]
    return "\n".join(parts).rstrip() + "\n"


def _descriptors() -> FileDescriptorSet:
    with tempfile.NamedTemporaryFile() as made:
        if status := protoc.main(["protoc", *inputs(), "--include_source_info", f"--descriptor_set_out={made.name}"]):
            raise SystemExit(status)
        return FileDescriptorSet.FromString(Path(made.name).read_bytes())


class _File:
    """One file of definitions, and the comments in it."""

    def __init__(self, file: FileDescriptorProto) -> None:
        self._file = file
        self._comments = {tuple(place.path): place.leading_comments for place in file.source_code_info.location}

    def services(self) -> Iterator[str]:
        for number, service in enumerate(self._file.service):
            yield f"## {service.name}\n"
            yield f"{self._said(_SERVICES, number)}\n"
            yield from self._calls(service, (_SERVICES, number))

    def messages(self) -> Iterator[str]:
        for number, message in enumerate(self._file.message_type):
            yield from self._message(message, (_MESSAGES, number))
        for number, enum in enumerate(self._file.enum_type):
            yield from self._enum(enum, (_ENUMS, number))

    def _calls(self, service: ServiceDescriptorProto, at: Path_) -> Iterator[str]:
        yield "| Call | Role | Reasons | What it does |\n| --- | --- | --- | --- |"
        for number, call in enumerate(service.method):
            said = self._said(*at, _MEMBERS, number)
            arrow = "→ **stream** of" if call.server_streaming else "→"
            role = RIGHTS.get(f"/syncapi.v1.{service.name}/{call.name}")
            messages = f"{_link(call.input_type, call.name)} {arrow} {_link(call.output_type, 'answer')}"
            yield f"| {messages} | {role.value if role else 'admin'} | {_reasons(said)} | {_cell(said)} |"
        yield ""

    def _message(self, message: DescriptorProto, at: Path_) -> Iterator[str]:
        yield f"### {message.name}\n\n{self._said(*at)}\n"
        if message.field:
            yield "| No. | Field | Type | Meaning |\n| --- | --- | --- | --- |"
        maps = {entry.name: entry for entry in message.nested_type if entry.options.map_entry}
        for number, field in enumerate(message.field):
            name = f"`{field.name}`"
            if field.HasField("oneof_index") and not field.proto3_optional:
                name += f" (one of `{message.oneof_decl[field.oneof_index].name}`)"
            yield f"| {field.number} | {name} | {_type(field, maps)} | {_cell(self._said(*at, _MEMBERS, number))} |"
        if message.field:
            yield ""

    def _enum(self, enum: EnumDescriptorProto, at: Path_) -> Iterator[str]:
        yield f"### {enum.name}\n\n{self._said(*at)}\n\n| No. | Value | Meaning |\n| --- | --- | --- |"
        for number, value in enumerate(enum.value):
            yield f"| {value.number} | `{value.name}` | {_cell(self._said(*at, _MEMBERS, number))} |"
        yield ""

    def _said(self, *at: int) -> str:
        """The comment above a place, on one line."""
        return " ".join(self._comments.get(at, "").split())


def _reasons(said: str) -> str:
    return " ".join(f"`{reason}`" for reason in dict.fromkeys(_REASON.findall(said)))


def _type(field: FieldDescriptorProto, maps: dict[str, DescriptorProto]) -> str:
    name = field.type_name.rpartition(".")[2]
    if entry := maps.get(name):
        key, value = (_type(each, {}) for each in entry.field)
        return f"map from {key} to {value}"
    if field.type_name:
        plain = _link(field.type_name, name) if field.type_name.startswith(".syncapi.") else name
    else:
        plain = FieldDescriptorProto.Type.Name(field.type).removeprefix("TYPE_").lower()
    if field.label == FieldDescriptorProto.LABEL_REPEATED:
        return f"list of {plain}"
    return f"optional {plain}" if field.proto3_optional else plain


def _link(of: str, text: str) -> str:
    return f"[{text}](#{of.rpartition('.')[2].lower()})"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def main(arguments: Sequence[str]) -> None:
    (Path(arguments[0]) if arguments else DOCUMENT).write_text(document())


if __name__ == "__main__":
    main(sys.argv[1:])
