"""Values with an inside, as the client expects to take them apart: JSON and VECTOR. Both are texts in storage."""

import json
import struct
from decimal import Decimal

# ── VECTOR ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def vector_image(text: str) -> bytes:
    """`[1.5, 2]` as a vector of 32-bit numbers."""
    numbers = [float(number) for number in json.loads(text)]
    header = struct.pack(">BBHBI8x", 0xDB, 0, 0x0012, 2, len(numbers))
    return header + b"".join(_ordered(struct.pack(">f", number)) for number in numbers)


def _ordered(ieee: bytes) -> bytes:
    """A floating point number whose bytes have the order of its values."""
    if ieee[0] & 0x80:
        return bytes(byte ^ 0xFF for byte in ieee)
    return bytes([ieee[0] | 0x80]) + ieee[1:]


# ── JSON ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

_MAGIC = b"\xff\x4a\x5a\x01"
_LEAVES, _SCALAR = 0x0006, 0x0010
_LARGE = 0x0008 | 0x0100 | 0x0800 | 0x1000 | 0x2000
"""All sizes, numbers of names and offsets have four bytes."""
_OBJECT, _ARRAY = 0xB4, 0xF0
_CONSTANTS = {None: b"\x30", True: b"\x31", False: b"\x32"}


def oson(text: str) -> bytes:
    """JSON text in Oracle's binary form."""
    document = json.loads(text, parse_float=Decimal)
    names = sorted(_names(document))
    tree = bytearray()
    _grow(tree, document, {name: number for number, name in enumerate(names, start=1)})
    if not isinstance(document, list | dict):
        return _MAGIC + struct.pack(">HI", _LEAVES | _SCALAR | 0x1000, len(tree)) + tree
    segment, offsets = bytearray(), b""
    for name in names:
        offsets += struct.pack(">I", len(segment))
        segment += bytes([len(name.encode())]) + name.encode()
    header = struct.pack(">HIIIH", _LEAVES | _LARGE, len(names), len(segment), len(tree), 0)
    return _MAGIC + header + bytes(len(names)) + offsets + segment + tree


def _names(node: object) -> set[str]:
    if isinstance(node, dict):
        return set(node).union(*map(_names, node.values()))
    return set().union(*map(_names, node)) if isinstance(node, list) else set()


def _grow(tree: bytearray, node: object, ids: dict[str, int]) -> None:
    if isinstance(node, dict):
        tree += struct.pack(">BI", _OBJECT, len(node)) + b"".join(struct.pack(">I", ids[name]) for name in node)
        _grow_children(tree, list(node.values()), ids)
    elif isinstance(node, list):
        tree += struct.pack(">BI", _ARRAY, len(node))
        _grow_children(tree, node, ids)
    elif isinstance(node, str):
        tree += b"\x38" + struct.pack(">I", len(node.encode())) + node.encode()
    elif node is None or isinstance(node, bool):
        tree += _CONSTANTS[node]
    else:
        digits = number(Decimal(str(node)))
        tree += bytes([0x34, len(digits)]) + digits


def _grow_children(tree: bytearray, children: list[object], ids: dict[str, int]) -> None:
    at = len(tree)
    tree += bytes(4 * len(children))
    for child in children:
        struct.pack_into(">I", tree, at, len(tree))
        at += 4
        _grow(tree, child, ids)


def number(value: Decimal) -> bytes:
    """A number in Oracle's format: an exponent to base 100, then up to 20 pairs of digits."""
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        raise TypeError(f"{value} is not a number to Oracle")
    text = "".join(map(str, digits)) + "0" * (exponent % 2)
    exponent -= exponent % 2
    text = text.lstrip("0")
    text = text.zfill(len(text) + len(text) % 2)
    power = len(text) // 2 + exponent // 2
    pairs = [int(text[at : at + 2]) for at in range(0, len(text), 2)][:20]
    while pairs and pairs[-1] == 0:
        pairs.pop()
    if not pairs:
        return b"\x80"
    if not sign:
        return bytes([192 + power, *(pair + 1 for pair in pairs)])
    return bytes([63 - power, *(101 - pair for pair in pairs)]) + (b"\x66" if len(pairs) < 20 else b"")
