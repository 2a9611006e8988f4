"""Requests that nobody would write: of any message, from its descriptor alone, the same ones for the same seed."""

import random
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

T = TypeVar("T")

_DEEP = 3
_MARK = "\ue000"
"""Becomes a lone surrogate on the wire, which no honest client can write; both take three bytes."""
_SURROGATE = b"\xed\xa0\x80"
_NANOS = (0, 1, -1, 999_999_999, 1_000_000_000, -999_999_999, (1 << 31) - 1)
_SPANS = {
    "google.protobuf.Timestamp": (0, 1_750_000_000, -62_135_596_800, -62_135_596_801, 253_402_300_799, 253_402_300_800, (1 << 63) - 1),
    "google.protobuf.Duration": (0, 1, -1, 86_400, 315_576_000_000, 315_576_000_001, -(1 << 63)),
}
"""Seconds at and behind the edges of what these may hold."""
_TEXTS = (
    "",
    " ",
    "0",
    "-1",
    "null",
    "a" * 5_000,
    "../../etc/passwd",
    "nul\x00byte",
    "Ünï➜\U0001f9e8",
    "%s{0}$HOME`id`",
    "'; DROP TABLE runs; --",
    '{"syncd": 1, "entries": []}',
    '[{"scope": "", "kind": "mcp", "name": "x", "fields": {}}]',
    "[" * 3_000,
    "bm90IGEgbnVtYmVy",  # base64, as tokens of pages are
    "AA==",
    "////",
    "2025-13-45",
    "1e999",
    ".",
    "..",
    "/etc/shadow",
    "..%2f..%2fetc%2fshadow",
    "products/../../etc",
    "~root/.ssh",
    "C:\\\\?\\con",
    "line\nbreak\r\x1b[31mred",
    "\u202eright to left\u200b\ufeff",
    _MARK * 3,
    "9" * 400,
    "P1DT1H",
    "1h2m3s4ms",
    "-1s",
    "(" * 40 + "a+" + ")+" * 40,  # as a pattern
)
_NUMBERS = (0, 1, -1, 2, 7, 100, 1000, 100_001)
_FLOATS = (0.0, -1.0, 1e308, float("inf"), float("nan"))
_SIGNED = {
    FieldDescriptor.CPPTYPE_INT32: 31,
    FieldDescriptor.CPPTYPE_INT64: 63,
}
_UNSIGNED = {FieldDescriptor.CPPTYPE_UINT32: 32, FieldDescriptor.CPPTYPE_UINT64: 64}
_TEXT = FieldDescriptor.CPPTYPE_STRING
_MESSAGE = FieldDescriptor.CPPTYPE_MESSAGE


class Wild:
    """Makes requests. `known` words mean something to the daemon, by name of field and for all others: not all ends at the first check."""

    def __init__(self, seed: int, known: Mapping[str, Sequence[str]]) -> None:
        self._dice = random.Random(seed)
        self._known = known

    def request(self, of: Descriptor) -> bytes:
        """A message on the wire: most of them well formed, one in five damaged."""
        whole: bytes = self._message(of, 0).SerializeToString().replace(_MARK.encode(), _SURROGATE)
        return self._damaged(whole) if self._dice.random() < 0.2 else whole

    def choice(self, of: Sequence[T]) -> T:
        return self._dice.choice(of)

    def _message(self, of: Descriptor | None, depth: int) -> Any:
        assert of is not None, "a field that is no message"
        message: Any = GetMessageClass(of)()
        if seconds := _SPANS.get(of.full_name):
            message.seconds, message.nanos = self._dice.choice(seconds), self._dice.choice(_NANOS)
            return message
        for field in of.fields:
            if self._dice.random() < 0.7 and (depth < _DEEP or field.cpp_type != _MESSAGE):
                self._fill(message, field, depth)
        return message

    def _fill(self, message: Any, field: FieldDescriptor, depth: int) -> None:
        place = getattr(message, field.name)
        if field.message_type and field.message_type.GetOptions().map_entry:
            for _ in range(self._dice.choice((0, 1, 3))):
                self._put(place, field.message_type, depth)
        elif field.is_repeated:
            for _ in range(self._dice.choice((0, 1, 2, 40))):
                place.append(self._value(field, depth))
        elif field.cpp_type == _MESSAGE:
            place.CopyFrom(self._message(field.message_type, depth + 1))
            place.SetInParent()
        else:
            setattr(message, field.name, self._value(field, depth))

    def _put(self, place: Any, entry: Descriptor, depth: int) -> None:
        key, value = (self._value(entry.fields_by_name[name], depth) for name in ("key", "value"))
        if isinstance(value, Message):
            place[key].CopyFrom(value)
        else:
            place[key] = value

    def _value(self, field: FieldDescriptor, depth: int) -> Any:
        kind, dice = field.cpp_type, self._dice
        if kind == _MESSAGE:
            return self._message(field.message_type, depth + 1)
        if kind == _TEXT:
            text = dice.choice(self._known.get(field.name, self._known[""])) if dice.random() < 0.7 else dice.choice(_TEXTS)
            return text if field.type == FieldDescriptor.TYPE_STRING else text.encode()
        return self._number(kind)

    def _number(self, kind: int) -> float:
        dice = self._dice
        if bits := _SIGNED.get(kind):
            return dice.choice((*_NUMBERS, (1 << bits) - 1, -(1 << bits)))
        if bits := _UNSIGNED.get(kind):
            return dice.choice((0, 1, (1 << bits) - 1))
        if kind == FieldDescriptor.CPPTYPE_BOOL:
            return dice.choice((False, True))
        if kind == FieldDescriptor.CPPTYPE_ENUM:
            return dice.choice((0, 1, 2, 3, 99, -1))
        return dice.choice(_FLOATS)

    def _damaged(self, whole: bytes) -> bytes:
        found = bytearray(whole or b"\x0a")
        for _ in range(self._dice.choice((1, 1, 4))):
            place = self._dice.randrange(len(found))
            match self._dice.randrange(4):
                case 0:
                    found[place] ^= 1 << self._dice.randrange(8)
                case 1:
                    del found[place + 1 :]
                case 2:
                    found[place:place] = self._dice.randbytes(3)
                case _:
                    found += self._dice.randbytes(9)
        return bytes(found)
