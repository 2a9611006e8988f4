"""Records of the daemon's log as messages, and what somebody wants to see of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from syncapi.v1 import logs_pb2 as pb
from syncd.domain.errors import InvalidRequest
from syncd.domain.log import Level, LogFilter, LogRecord
from syncd.ports.logs import Place, Stretch
from syncd.rpc import wire

_MESSAGE_BYTES = 1 << 20
_MESSAGE_RECORDS = 500
_LEVELS = {pb.LogLevel.Value(f"LOG_LEVEL_{level.name}"): level for level in Level}


def wanted(asked: pb.LogFilter) -> LogFilter:
    """Raises `InvalidRequest`."""
    if asked.least_level and asked.least_level not in _LEVELS:
        raise InvalidRequest(f"no level {asked.least_level}", fields={"filter.least_level": "LOG_LEVEL_DEBUG to LOG_LEVEL_CRITICAL"})
    return LogFilter(
        since=wire.time(asked.since) if asked.HasField("since") else None,
        until=wire.time(asked.until) if asked.HasField("until") else None,
        least=_LEVELS.get(asked.least_level, Level.DEBUG),
        sync=asked.sync,
        run=asked.run,
        event=asked.event,
        text=asked.text,
    )


def parts(records: Iterable[LogRecord]) -> Iterator[list[pb.LogRecord]]:
    """As many as go well into one message."""
    part: list[pb.LogRecord] = []
    size = 0
    for message in map(_record, records):
        if part and (len(part) == _MESSAGE_RECORDS or size + message.ByteSize() > _MESSAGE_BYTES):
            yield part
            part, size = [], 0
        part.append(message)
        size += message.ByteSize()
    if part:
        yield part


def stretch(read: Stretch, behind: Place) -> Iterator[pb.TailLogsResponse]:
    """A piece of the log that was read behind a place; nothing if nobody needs to know of it."""
    gap = pb.LogGap(first=behind.sequence + 1, last=behind.sequence + read.missing) if read.missing else None
    if gap and not read.records:
        yield pb.TailLogsResponse(cursor=read.reached.sequence, gap=gap)
    for part in parts(read.records):
        yield pb.TailLogsResponse(records=part, cursor=part[-1].sequence, gap=gap)
        gap = None


def _record(record: LogRecord) -> pb.LogRecord:
    return pb.LogRecord(
        sequence=record.sequence,
        at=wire.moment(record.at),
        level=pb.LogLevel.Value(f"LOG_LEVEL_{record.level.name}"),
        event=record.event,
        sync=record.sync,
        run=record.run,
        logger=record.logger,
        trace=record.trace,
        fields_json=wire.text(record.values),
    )
