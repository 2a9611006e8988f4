"""The daemon itself, and the versions of both ends."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib import metadata

import click
from google.protobuf.struct_pb2 import Struct

from syncapi.v1.control_pb2 import GetDaemonRequest, GetDaemonResponse, ReloadSettingsRequest, ReloadSettingsResponse
from syncctl import render, stamps
from syncctl.cli import Family, command
from syncctl.connection import connect
from syncctl.problems import Exit, Problem
from syncctl.session import Session
from syncctl.view import Block, Cell, Facts, Line, Span, quiet

_RELOAD_SECONDS = 60.0
_SOON = 2.0


@click.group("daemon", cls=Family)
def daemon() -> None:
    """One daemon serves all syncs of its settings file."""


@daemon.command("info")
@click.pass_obj
def info(session: Session) -> None:
    """Version, age, settings file and capabilities."""
    with connect(session) as reached:
        reply = reached.ask(reached.control.GetDaemon, GetDaemonRequest())
        address = reached.target
    render.answer(session, reply, lambda: [_facts(reply, address)])


def _facts(reply: GetDaemonResponse, address: str) -> Facts:
    return Facts(
        [
            ("version", reply.version),
            ("address", address),
            ("started", stamps.both(reply.started_at, datetime.now(UTC))),
            ("process", str(reply.process_id)),
            ("settings", reply.settings_file),
            ("syncs", f"{reply.syncs}, {reply.running} running"),
            ("capabilities", ", ".join(reply.capabilities) or quiet("those of the first release")),
            ("epoch", reply.epoch),
            *(("warning", Span(warning, "warn")) for warning in reply.warnings),
        ]
    )


@daemon.command("reload")
@click.pass_obj
def reload(session: Session) -> None:
    """Read the settings anew and apply what changed; invalid settings change nothing."""
    with connect(session) as reached:
        reply = reached.ask(reached.control.ReloadSettings, ReloadSettingsRequest(), _RELOAD_SECONDS)
    render.answer(session, reply, lambda: _changes(reply))


def _changes(reply: ReloadSettingsResponse) -> Iterator[Block]:
    named: list[tuple[str, Sequence[str], str]] = [
        ("added", reply.added, "good"),
        ("removed", reply.removed, "bad"),
        ("changed", reply.changed, "busy"),
        ("needs a restart", reply.needs_restart, "warn"),
    ]
    facts: list[tuple[str, Cell]] = [(name, Span(", ".join(things), style)) for name, things, style in named if things]
    yield Facts(facts) if facts else Line("the settings are read anew; nothing has changed")


@command("version")
@click.pass_obj
def version(session: Session) -> None:
    """Warns if they are more than a minor apart."""
    ours, theirs, why = metadata.version("syncd"), "", ""
    try:
        with connect(session) as reached:
            theirs = reached.ask(reached.control.GetDaemon, GetDaemonRequest(), _SOON).version
    except Problem as problem:
        if problem.code is Exit.TIMED_OUT:
            raise
        why = str(problem)
    reply = Struct()
    reply.update({"client": ours, "daemon": theirs or None})
    render.answer(session, reply, lambda: [Facts([("client", ours), ("daemon", theirs or quiet(why))])])
    if theirs and far_apart(ours, theirs):
        click.echo(f"warning: client {ours} and daemon {theirs} are more than a minor apart: some calls may not work", err=True)


def far_apart(ours: str, theirs: str) -> bool:
    """Whether two versions differ by more than a minor."""
    try:
        (major, minor), (other_major, other_minor) = ([int(part) for part in version.split(".")[:2]] for version in (ours, theirs))
    except ValueError:
        return ours != theirs
    return major != other_major or abs(minor - other_minor) > 1
