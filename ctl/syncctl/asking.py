"""What the commands about syncs of one engine have in common."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypedDict

import click

from syncapi.v1.control_pb2 import ListSyncsRequest
from syncctl import follow
from syncctl.connection import Daemon, gathered
from syncctl.problems import Exit, Problem


class Followed(TypedDict):
    """What every command that starts a run takes."""

    detach: bool
    reconnect: timedelta


def followed_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options of `Followed`."""
    detach = click.option("--detach", is_flag=True, help="Do not follow the run; print its id.")
    return detach(follow.following_options(function))


def the_sync(daemon: Daemon, named: str, engine: str) -> str:
    """The sync that was named, else the only one of an engine."""
    if named:
        return named
    syncs = gathered(lambda token: daemon.ask(daemon.control.ListSyncs, ListSyncsRequest(page_size=1000, page_token=token))).syncs
    names = [sync.name for sync in syncs if sync.engine == engine]
    if len(names) == 1:
        return names[0]
    if not names:
        raise Problem(f"there is no {engine} sync", hint=f'one is made by `engine = "{engine}"` in the settings', code=Exit.NOT_FOUND)
    raise Problem(f"there are {len(names)} {engine} syncs", hint=f"name one of them: {', '.join(names)}", code=Exit.USAGE)
