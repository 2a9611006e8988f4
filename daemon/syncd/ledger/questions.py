"""A question to the audit log in the words of SQL, and the parts of a sealed file that can hold an answer."""

import base64
import zlib
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from syncd.ledger import trigrams
from syncd.ledger.formats import TEXTS, TRIGRAMS
from syncd.ledger.moments import micros
from syncd.ports.ledger import AuditQuery

Span = tuple[int, int]
"""A stretch of the log: the sequence before its first entry, and that of its last one."""

_TEXT = "(" + " OR ".join(f"contains(lower({name}), lower(?))" for name in TEXTS) + ")"


def conditions(query: AuditQuery) -> tuple[list[str], list[object]]:
    """What a row has to fulfil, and the values in it."""
    found: list[tuple[str, list[object]]] = [
        (f"{name} = ?", [getattr(query, name)]) for name in ("actor", "sync", "run", "outcome") if getattr(query, name)
    ]
    if query.since:
        found.append(('"at" >= make_timestamp(?)', [micros(query.since)]))
    if query.until:
        found.append(('"at" < make_timestamp(?)', [micros(query.until)]))
    if query.action:
        action = query.action.removesuffix(".")
        found.append(("(action = ? OR starts_with(action, ?))", [action, f"{action}."]))
    if query.text:
        found.append((_TEXT, [query.text] * len(TEXTS)))
    return [condition for condition, _ in found], [value for _, values in found for value in values]


def parts(file: Path, text: str, span: Span) -> list[Span]:
    """Where within a span a text can stand, newest first. All of it, if the file does not tell."""
    places = trigrams.of_text(text)
    if not places or file.suffix != ".parquet":
        return [span]
    try:
        groups = _groups(file)
    except (pa.ArrowException, OSError, ValueError, zlib.error):  # damaged: whoever reads the rows says so
        return [span]
    behind, upto = span
    found: list[Span] = []
    for before, last, bits in reversed(groups):
        start, end = max(before, behind), min(last, upto)
        if start < end and trigrams.admit(bits, places):
            if found and found[-1][0] == end:
                _, end = found.pop()
            found.append((start, end))
    return found if groups else [span]


def _groups(file: Path) -> Sequence[tuple[int, int, bytes]]:
    """The groups of rows of a sealed file, oldest first, each with its trigrams; none if it has no such."""
    with pq.ParquetFile(file) as opened:
        about = opened.metadata
    packed = (about.metadata or {}).get(TRIGRAMS)
    bits = zlib.decompress(base64.b64decode(packed)) if packed else b""
    if len(bits) != about.num_row_groups * trigrams.BYTES:
        return []
    ranges = [about.row_group(number).column(0).statistics for number in range(about.num_row_groups)]
    return [(each.min - 1, each.max, bits[number * trigrams.BYTES : (number + 1) * trigrams.BYTES]) for number, each in enumerate(ranges)]
