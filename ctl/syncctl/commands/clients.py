"""One configuration for several AI coding clients."""

import json
import sys
from datetime import UTC, datetime
from typing import Any, BinaryIO, Unpack

import click

from syncapi.v1.clients_pb2 import (
    DiffVersionsRequest,
    EntryKey,
    ExportClientsRequest,
    GetUnifiedRequest,
    GetVersionRequest,
    ImportClientsRequest,
    ListClientsRequest,
    ListVersionsRequest,
    PlanClientsRequest,
    RollbackClientsRequest,
)
from syncapi.v1.control_pb2 import StartRunResponse
from syncctl import clients_view, entry_keys, follow, render
from syncctl.asking import Followed, followed_options, the_sync
from syncctl.cli import COUNT, SOME, SYNC, Family
from syncctl.clients_asking import ENTRY, text_of
from syncctl.connection import connect, gathered
from syncctl.problems import Exit, Problem
from syncctl.session import Session
from syncctl.words import did_you_mean, printable

_PLAN_SECONDS = 60.0
_sync = click.argument("sync", type=SYNC, required=False, default="")


@click.group("clients", cls=Family)
def clients() -> None:
    """SYNC may be left out where there is only one clients sync.

    ENTRY is a name such as mcp/github or rules/Style, and /path/of/project:mcp/github in a project.
    """


@clients.command("list")
@_sync
@click.option("--side", default="", metavar="SIDE", help="Everything about this one: its files, and what it cannot hold.")
@click.pass_obj
def list_sides(session: Session, *, sync: str, side: str) -> None:
    """The sides of a sync, and how each stands."""
    with connect(session) as daemon:
        reply = daemon.ask(daemon.clients.ListClients, ListClientsRequest(sync=the_sync(daemon, sync, "clients")))
    now = datetime.now(UTC)
    if not side:
        render.answer(session, reply, lambda: clients_view.sides(reply.sides, now))
        return
    chosen = next((each for each in reply.sides if each.name == side), None)
    if chosen is None:
        names = [each.name for each in reply.sides]
        raise Problem(f"no side '{side}'{did_you_mean(side, names)}", hint=f"there are {', '.join(names)}", code=Exit.NOT_FOUND)
    render.answer(session, chosen, lambda: clients_view.side_in_full(chosen, now))


@clients.command("show")
@_sync
@click.option("--version", type=COUNT, default=0, metavar="N", help="The unified model as it was then.  [default: the newest]")
@click.option("--scope", metavar="FOLDER", help="Only this project; '' for the user's own configuration.")
@click.option("--key", type=ENTRY, metavar="ENTRY", help="Only this entry, long texts in full.")
@click.pass_obj
def show(session: Session, *, sync: str, version: int, scope: str | None, key: EntryKey | None) -> None:
    """The unified model: what all clients are meant to say."""
    scope = key.scope if key else scope
    with connect(session) as daemon:
        reply = daemon.ask(
            daemon.clients.GetUnified, GetUnifiedRequest(sync=the_sync(daemon, sync, "clients"), version=version, scope=scope)
        )
    entries = json.loads(reply.entries_json or "[]")
    if key:
        entries = [entry for entry in entries if _is(entry, key)]
        if not entries:
            raise Problem(f"version {reply.version} has no entry '{entry_keys.written(key)}'", code=Exit.NOT_FOUND)
        reply.entries_json = json.dumps(entries, ensure_ascii=False)
        reply.ClearField("tombstones")
    render.answer(session, reply, lambda: clients_view.unified(reply, entries, datetime.now(UTC)))


def _is(entry: dict[str, Any], key: EntryKey) -> bool:
    return (entry["kind"], entry["name"]) == (entry_keys.KINDS[key.kind], key.name)


@clients.command("plan")
@_sync
@click.pass_obj
def plan(session: Session, *, sync: str) -> None:
    """What a run would do now: a diff for each file. Changes nothing; secrets are masked."""
    with connect(session) as daemon:
        reply = daemon.ask(daemon.clients.PlanClients, PlanClientsRequest(sync=the_sync(daemon, sync, "clients")), _PLAN_SECONDS)
    render.answer(session, reply, lambda: clients_view.plan(reply))


@clients.command("versions")
@_sync
@click.option("--version", type=SOME, metavar="N", help="Only this one, with every field that it changed.")
@click.option("--limit", type=SOME, default=20, show_default=True, help="At most so many.")
@click.pass_obj
def versions(session: Session, *, sync: str, version: int | None, limit: int) -> None:
    """Versions of the unified model, newest first: what each changed, and which side it came from."""
    now = datetime.now(UTC)
    with connect(session) as daemon:
        name = the_sync(daemon, sync, "clients")
        if version:
            one = daemon.ask(daemon.clients.GetVersion, GetVersionRequest(sync=name, version=version))
            render.answer(session, one, lambda: clients_view.version_in_full(one.version, now))
            return
        reply = gathered(
            lambda token: daemon.ask(
                daemon.clients.ListVersions, ListVersionsRequest(sync=name, page_size=min(limit, 1000), page_token=token)
            ),
            lambda page: len(page.versions) >= limit,
        )
    del reply.versions[limit:]
    render.answer(session, reply, lambda: [clients_view.versions(reply.versions, now)])


@clients.command("diff")
@_sync
@click.option("--from", "before", type=COUNT, default=0, metavar="N", help="The older version.  [default: the one before]")
@click.option("--to", "after", type=COUNT, default=0, metavar="N", help="The newer version.  [default: the newest]")
@click.pass_obj
def diff(session: Session, *, sync: str, before: int, after: int) -> None:
    """What differs between two versions; the last change if none is named."""
    with connect(session) as daemon:
        request = DiffVersionsRequest(sync=the_sync(daemon, sync, "clients"), before=before, after=after)
        reply = daemon.ask(daemon.clients.DiffVersions, request)
    render.answer(session, reply, lambda: clients_view.differences(reply.differences))


@clients.command("rollback")
@_sync
@click.option("--to", "version", type=SOME, required=True, metavar="N", help="The version that is brought back.")
@click.option("--side", default="", metavar="SIDE", help="Only in this side.  [default: in all]")
@click.option("--key", type=ENTRY, metavar="ENTRY", help="Only this entry.  [default: all]")
@followed_options
@click.pass_obj
def rollback(session: Session, *, sync: str, version: int, side: str, key: EntryKey | None, **options: Unpack[Followed]) -> Exit:
    """Bring an earlier version back. It becomes a new version, so that this can be undone, too."""
    with connect(session) as daemon:
        request = RollbackClientsRequest(sync=the_sync(daemon, sync, "clients"), version=version, side=side, key=key)
        run = daemon.ask(daemon.clients.RollbackClients, request).run
        return follow.started(session, daemon, StartRunResponse(run=run), follow.Following(**options))


@clients.command("export")
@_sync
@click.pass_obj
def export(session: Session, *, sync: str) -> None:
    """The unified model as JSON, for `import` on another machine. Secrets as plain text are left out, which is told."""
    with connect(session) as daemon:
        reply = daemon.ask(daemon.clients.ExportClients, ExportClientsRequest(sync=the_sync(daemon, sync, "clients")))
    if not session.for_people:
        render.answer(session, reply, list)
        return
    sys.stdout.write(reply.text if reply.text.endswith("\n") else f"{reply.text}\n")
    for each in reply.left_out:
        click.echo(
            f"left out, as it is a secret as plain text: {printable(entry_keys.written(each.key))} {printable(each.field)}", err=True
        )


@clients.command("import")
@_sync
@click.option("--file", "file", type=click.File("rb"), required=True, metavar="FILE", help="What `export` wrote; - for standard input.")
@followed_options
@click.pass_obj
def import_(session: Session, *, sync: str, file: BinaryIO, **options: Unpack[Followed]) -> Exit:
    """Take over what was exported elsewhere. Entries that it does not name stay."""
    text = text_of(file)
    with connect(session) as daemon:
        run = daemon.ask(daemon.clients.ImportClients, ImportClientsRequest(sync=the_sync(daemon, sync, "clients"), text=text)).run
        return follow.started(session, daemon, StartRunResponse(run=run), follow.Following(**options))
