"""Which runs of three letters occur in a part of the log: where some of a word's do not, the word cannot stand there.

Of the letters a to z only, in lower case: so many bits tell it exactly, however much text there is.
"""

import string
from collections.abc import Iterable, Sequence
from functools import cache

import pyarrow as pa
import pyarrow.compute as pc

BYTES = -(-(26**3) // 8)
"""How long the bits of one part are."""

_LETTERS = string.ascii_lowercase.encode()
_PLACE = {letter: place for place, letter in enumerate(_LETTERS)}
_SPACED = bytes(code if code in _LETTERS else ord(" ") for code in range(256))


class Trigrams:
    """Gathers those of one part of the log."""

    def __init__(self) -> None:
        self._bits = bytearray(BYTES)

    def add(self, columns: Iterable[pa.Array]) -> None:
        """Add texts. Those that stand beside each other in memory are read as one: a run too many does no harm."""
        words: set[bytes] = set()
        for column in columns:
            words.update(_words(column))
        for word in words:
            _set(self._bits, word)

    def taken(self) -> bytes:
        """The bits of what was added since the last taking."""
        bits, self._bits = bytes(self._bits), bytearray(BYTES)
        return bits


def of_text(text: str) -> list[int]:
    """The places of the bits that are set wherever this text occurs."""
    return [place for word in _words(pa.array([text])) for place in _places(word)]


def admit(bits: bytes, places: Sequence[int]) -> bool:
    """Whether a part with these bits can hold a text with these places."""
    return all(bits[place >> 3] >> (place & 7) & 1 for place in places)


def _words(column: pa.Array) -> list[bytes]:
    lower = pc.utf8_lower(column).buffers()[2]
    return bytes(lower or b"").translate(_SPACED).split()


def _set(bits: bytearray, word: bytes) -> None:
    for place in _places(word):
        bits[place >> 3] |= 1 << (place & 7)


def _places(word: bytes) -> list[int]:
    return [_place(word[start : start + 3]) for start in range(len(word) - 2)]


@cache
def _place(three: bytes) -> int:
    first, second, third = (_PLACE[letter] for letter in three)
    return (first * 26 + second) * 26 + third
