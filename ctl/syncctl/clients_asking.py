"""What the commands about clients syncs have in common."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, BinaryIO, TypedDict

import click

from syncapi.v1.clients_pb2 import EntryKey
from syncapi.v1.control_pb2 import ListSyncsRequest
from syncctl import entry_keys, follow
from syncctl.connection import Daemon, gathered
from syncctl.problems import Exit, Problem

_ENGINE = "clients"
_MOST_BYTES = 4_000_000
"""What travels in one message."""


class Followed(TypedDict):
    """What every command that starts a run takes."""

    detach: bool
    timeout: timedelta | None
    reconnect: timedelta


def followed_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options of `Followed`."""
    detach = click.option("--detach", is_flag=True, help="Do not follow the run; print its id.")
    return detach(follow.following_options(function))


def the_sync(daemon: Daemon, named: str) -> str:
    """The sync that was named, else the only one of its engine."""
    if named:
        return named
    syncs = gathered(lambda token: daemon.ask(daemon.control.ListSyncs, ListSyncsRequest(page_size=1000, page_token=token))).syncs
    names = [sync.name for sync in syncs if sync.engine == _ENGINE]
    if len(names) == 1:
        return names[0]
    if not names:
        raise Problem("there is no clients sync", hint='one is made by `engine = "clients"` in the settings', code=Exit.NOT_FOUND)
    raise Problem(f"there are {len(names)} clients syncs", hint=f"name one of them: {', '.join(names)}", code=Exit.USAGE)


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
