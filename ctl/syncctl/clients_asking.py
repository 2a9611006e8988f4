"""What the commands about clients syncs have in common."""

from typing import Any, BinaryIO

import click

from syncapi.v1.clients_pb2 import EntryKey
from syncctl import entry_keys
from syncctl.problems import Exit, Problem

_MOST_BYTES = 4_000_000
"""What travels in one message."""


def text_of(file: BinaryIO) -> str:
    """The whole of a file that goes to the daemon."""
    content = file.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise Problem(f"{file.name} is larger than {_MOST_BYTES // 1_000_000} MB", hint="give less at a time", code=Exit.USAGE)
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise Problem(f"{file.name} is not UTF-8 (byte {error.start + 1})", hint="JSON is written in UTF-8", code=Exit.USAGE) from error


class EntryType(click.ParamType[EntryKey]):
    name = "entry"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> EntryKey:
        if isinstance(value, EntryKey):
            return value
        try:
            return entry_keys.read(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


ENTRY = EntryType()
