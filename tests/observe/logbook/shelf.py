"""A log on disk for tests, and its contents."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

from syncd.domain.log import LogFilter, LogRecord
from syncd.observe.logbook.reading import backwards, forwards
from syncd.observe.logbook.segments import Segments
from syncd.ports.logs import Place

ALL = LogFilter()


def body(number: int, **values: object) -> bytes:
    return orjson.dumps({"timestamp": f"2026-07-01T12:00:00.{number:06}Z", "level": "info", "event": f"event {number}", **values})


def bodies(first: int, last: int, **values: object) -> list[bytes]:
    return [body(number, **values) for number in range(first, last + 1)]


def written(folder: Path, *batches: Sequence[bytes], keep: int = 1 << 20) -> Segments:
    """Append each batch at once; the segments are closed then."""
    segments = Segments(folder, keep)
    segments.open()
    for batch in batches:
        segments.append(batch)
    segments.close()
    return segments


def on_disk(folder: Path) -> list[int]:
    """The sequences of all lines, every one of which has to be whole."""
    return [json.loads(line)["sequence"] for file in sorted(folder.iterdir()) for line in file.read_text().splitlines()]


def told(folder: Path) -> list[dict[str, Any]]:
    """What stands in the lines."""
    return [json.loads(line)["record"] for file in sorted(folder.iterdir()) for line in file.read_text().splitlines()]


def read_on(folder: Path, behind: int, head: int, wanted: LogFilter = ALL) -> tuple[list[LogRecord], list[int]]:
    """All that is wanted behind a place, and how many are missing wherever some are."""
    place, records, missing = Place(behind), list[LogRecord](), list[int]()
    while place.sequence < head:
        stretch = forwards(folder, place, head, wanted)
        assert stretch.reached.sequence > place.sequence, "a reader comes on"
        place = stretch.reached
        records += stretch.records
        missing += [stretch.missing] if stretch.missing else []
    return records, missing


def read_back(folder: Path, head: int, wanted: LogFilter = ALL) -> list[LogRecord]:
    return [record for piece in backwards(folder, head, wanted) for record in piece]


def sequences(records: Sequence[LogRecord]) -> list[int]:
    return [record.sequence for record in records]
