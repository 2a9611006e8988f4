"""Times on the wire and ours."""

from datetime import UTC, datetime

import click
from google.protobuf.timestamp_pb2 import Timestamp

from syncctl import words
from syncctl.view import Cell, quiet


def moment(stamp: Timestamp) -> datetime:
    return stamp.ToDatetime(tzinfo=UTC)


def stamped(ctx: click.Context, param: click.Parameter, value: datetime | None) -> Timestamp | None:
    """Turn the value of an option into a time of the wire."""
    del ctx, param
    if value is None:
        return None
    stamp = Timestamp()
    stamp.FromDatetime(value)
    return stamp


def ago(stamp: Timestamp, now: datetime) -> str:
    """`2 m ago`."""
    return words.relative(moment(stamp), now)


def both(stamp: Timestamp, now: datetime) -> Cell:
    """`2 m ago  2025-06-30 18:00:00`."""
    return (ago(stamp, now), quiet(f"  {words.clock(moment(stamp))}"))
