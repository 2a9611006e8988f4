"""The description of a warehouse for text-to-SQL."""

import hashlib
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Unpack

import click

from syncapi.v1.control_pb2 import StartRunResponse
from syncapi.v1.metadata_pb2 import (
    CacheInfo,
    DiffSnapshotsRequest,
    GetCacheRequest,
    GetCacheResponse,
    GetCacheStatusRequest,
    GetPromptContextRequest,
    ListSnapshotsRequest,
    RefreshCacheRequest,
    RestoreSnapshotRequest,
)
from syncctl import follow, metadata_view, render
from syncctl.asking import Followed, followed_options, the_sync
from syncctl.cli import COUNT, PAIR, SOME, SYNC, Family
from syncctl.connection import connect, gathered
from syncctl.problems import Exit, Problem
from syncctl.session import Session
from syncctl.words import did_you_mean, printable

_ENGINE = "metadata"
_SHRINK = "allow_shrink"
_SECONDS = 60.0
_sync = click.argument("sync", type=SYNC, required=False, default="")
_table = click.option("--table", "tables", multiple=True, metavar="TABLE", help="A table, a shard or a family; may be given several times.")


@click.group("metadata", cls=Family)
def metadata() -> None:
    """SYNC may be left out where there is only one metadata sync."""


@metadata.command("get")
@_sync
@click.option("-O", "--output-file", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write the bytes there instead.")
@click.option("--if-none-match", default="", metavar="SHA256", help="Write nothing if the published bytes have this digest.")
@click.pass_obj
def get(session: Session, *, sync: str, output_file: Path | None, if_none_match: str) -> None:
    """The published bytes as they are stored, on standard output and nothing else."""
    with connect(session) as daemon:
        request = GetCacheRequest(sync=the_sync(daemon, sync, _ENGINE), if_none_match=if_none_match)
        info, content = _received(daemon.stream(daemon.metadata.GetCache, request, _SECONDS))
    if output_file and not info.not_modified:
        _write(output_file, content)
    if not session.for_people:
        render.answer(session, info, list)
        return
    if info.stale:
        click.echo(f"this copy is of {info.checked_at.ToDatetime(UTC):%Y-%m-%d %H:%M:%S} UTC: {printable(info.stale)}", err=True)
    if info.not_modified:
        click.echo("not modified", err=True)
    elif not output_file:
        _print(content)


def _received(parts: Iterator[GetCacheResponse]) -> tuple[CacheInfo, bytes]:
    """What is known of the object, and its bytes. Raises `Problem` if they are not what was announced."""
    info, chunks = CacheInfo(), []
    for part in parts:
        if part.HasField("info"):
            info = part.info
        else:
            chunks.append(part.chunk)
    content = b"".join(chunks)
    if not info.not_modified and hashlib.sha256(content).hexdigest() != info.sha256:
        raise Problem("the bytes are not those that the daemon announced", hint="ask again")
    return info, content


def _print(content: bytes) -> None:
    """Write bytes to standard output as they are, whatever the terminal's encoding."""
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()


def _write(file: Path, content: bytes) -> None:
    """Put bytes in the place of a file: who reads it meanwhile has the old ones or the new ones. Raises `Problem`."""
    place = file.resolve()
    beside = place.with_name(f".{place.name}.{os.getpid()}")
    try:
        if place.exists() and not place.is_file():  # a pipe or a device: nothing to replace
            place.write_bytes(content)
            return
        beside.write_bytes(content)
        beside.replace(place)
    except OSError as error:
        with suppress(OSError):
            beside.unlink()
        raise Problem(f"{file} cannot be written: {error.strerror}", hint="the folder has to exist, and be yours to write in") from error


@metadata.command("status")
@_sync
@click.pass_obj
def status(session: Session, *, sync: str) -> None:
    """How fresh it is, how its examples were checked, how many tokens it has, and what it costs."""
    with connect(session) as daemon:
        reply = daemon.ask(daemon.metadata.GetCacheStatus, GetCacheStatusRequest(sync=the_sync(daemon, sync, _ENGINE)))
    render.answer(session, reply, lambda: metadata_view.status(reply.status, datetime.now(UTC)))


@metadata.command("refresh")
@_sync
@_table
@click.option("--full", is_flag=True, help="Make everything anew.")
@click.option(
    "-p", "--parameter", "parameters", type=PAIR, multiple=True, help="`allow_shrink=true`: publish also what has lost most tables."
)
@followed_options
@click.pass_obj
def refresh(
    session: Session,
    *,
    sync: str,
    tables: tuple[str, ...],
    full: bool,
    parameters: tuple[tuple[str, str], ...],
    **options: Unpack[Followed],
) -> Exit:
    """Make what is missing or has changed, and publish; with --table, make these anew. Ctrl-C stops following, not the run."""
    allow_shrink = _allow_shrink(dict(parameters))
    with connect(session) as daemon:
        request = RefreshCacheRequest(sync=the_sync(daemon, sync, _ENGINE), tables=tables, full=full, allow_shrink=allow_shrink)
        run = daemon.ask(daemon.metadata.RefreshCache, request).run
        return follow.started(session, daemon, StartRunResponse(run=run), follow.Following(**options))


def _allow_shrink(given: dict[str, str]) -> bool:
    """The only parameter that there is. Raises `Problem`."""
    value = given.pop(_SHRINK, "false")
    for name in given:
        raise Problem(f"no parameter '{name}'{did_you_mean(name, [_SHRINK])}", hint=f"there is `{_SHRINK}=true`", code=Exit.USAGE)
    if value not in {"true", "false"}:
        raise Problem(f"{_SHRINK} is '{value}', expected true or false", code=Exit.USAGE)
    return value == "true"


@metadata.command("snapshots")
@_sync
@click.option("--limit", type=SOME, default=20, show_default=True, help="At most so many.")
@click.pass_obj
def snapshots(session: Session, *, sync: str, limit: int) -> None:
    """What was published before, newest first."""
    with connect(session) as daemon:
        name = the_sync(daemon, sync, _ENGINE)
        reply = gathered(
            lambda token: daemon.ask(
                daemon.metadata.ListSnapshots,
                ListSnapshotsRequest(sync=name, page_size=min(limit, 1000), page_token=token),
                _SECONDS,
            ),
            lambda page: len(page.snapshots) >= limit,
        )
    del reply.snapshots[limit:]
    render.answer(session, reply, lambda: metadata_view.snapshots(reply.snapshots, datetime.now(UTC)))


@metadata.command("diff")
@_sync
@click.option("--from", "before", default="", metavar="SNAPSHOT", help="The older one.  [default: the newest snapshot]")
@click.option("--to", "after", default="", metavar="SNAPSHOT", help="The newer one.  [default: what is published]")
@click.pass_obj
def diff(session: Session, *, sync: str, before: str, after: str) -> None:
    """What differs between two snapshots, or a snapshot and what is published."""
    with connect(session) as daemon:
        request = DiffSnapshotsRequest(sync=the_sync(daemon, sync, _ENGINE), before=before, after=after)
        reply = daemon.ask(daemon.metadata.DiffSnapshots, request, _SECONDS)
    render.answer(session, reply, lambda: metadata_view.differences(reply.differences))


@metadata.command("restore")
@click.argument("sync", type=SYNC)
@click.argument("snapshot")
@followed_options
@click.pass_obj
def restore(session: Session, *, sync: str, snapshot: str, **options: Unpack[Followed]) -> Exit:
    """Publish a snapshot again. It holds until `syncctl metadata refresh`."""
    with connect(session) as daemon:
        run = daemon.ask(daemon.metadata.RestoreSnapshot, RestoreSnapshotRequest(sync=sync, snapshot=snapshot), _SECONDS).run
        return follow.started(session, daemon, StartRunResponse(run=run), follow.Following(**options))


@metadata.command("context")
@_sync
@_table
@click.option("--budget", type=COUNT, default=0, metavar="TOKENS", help="Tokens that it may have.  [default: as in the settings]")
@click.pass_obj
def context(session: Session, *, sync: str, tables: tuple[str, ...], budget: int) -> None:
    """What a question about some tables needs, as JSON of the same form as the whole."""
    with connect(session) as daemon:
        request = GetPromptContextRequest(sync=the_sync(daemon, sync, _ENGINE), tables=tables, token_budget=budget)
        reply = daemon.ask(daemon.metadata.GetPromptContext, request, _SECONDS)
    if not session.for_people:
        render.answer(session, reply, list)
        return
    _print(reply.text.removesuffix("\n").encode() + b"\n")
    for each in reply.left_out:
        click.echo(f"left out: {printable(each)}", err=True)
