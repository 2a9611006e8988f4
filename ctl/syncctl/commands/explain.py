"""Why a run began, what it did, and what came of it."""

import json
from collections.abc import Mapping
from typing import Any

import click
from google.protobuf.struct_pb2 import Struct

from syncapi.v1.audit_pb2 import QueryAuditRequest
from syncapi.v1.common_pb2 import AuditEntry, Run, Sync
from syncapi.v1.control_pb2 import GetRunRequest, GetSyncRequest, ListRunsRequest
from syncctl import explain_view, render
from syncctl.cli import RUN, command
from syncctl.connection import Daemon, connect, gathered
from syncctl.explaining import Sources, story
from syncctl.problems import Exit, Problem
from syncctl.session import Session

_SECONDS = 60.0
_MOST = 100_000
_BEFORE = 50
"""Runs before the one in question that are looked at: it may have waited for them, or go on with one of them."""


@command("explain")
@click.argument("run", type=RUN)
@click.pass_obj
def explain(session: Session, *, run: str) -> None:
    """The chain of cause and effect, from the audit log: trigger, settings in force, waits, batches, outcome, what followed."""
    with connect(session) as daemon:
        told = story(sources(daemon, run))
    reply = Struct()
    reply.update(told)
    render.answer(session, reply, lambda: explain_view.blocks(told))


def sources(daemon: Daemon, run_id: str) -> Sources:
    """Ask for everything that tells of a run. Raises `Problem` if there is no such run."""
    run = daemon.ask(daemon.control.GetRun, GetRunRequest(run=run_id)).run
    sync, now = _now(daemon, run.sync)
    before, behind = _before(daemon, run), _behind(daemon, run)
    after = QueryAuditRequest(sync=run.sync, action="sync", limit=_MOST)
    after.since.CopyFrom(run.queued_at)
    if behind:
        after.until.CopyFrom(behind[0].queued_at)
    return Sources(
        run=run,
        entries=_entries(daemon, QueryAuditRequest(run=run.id, limit=_MOST)),
        settings=_entries(daemon, QueryAuditRequest(sync=run.sync, action="settings.applied", limit=_MOST)),
        before=before,
        behind=behind,
        after=_entries(daemon, after),
        sync=sync,
        settings_now=now,
    )


def _entries(daemon: Daemon, request: QueryAuditRequest) -> list[AuditEntry]:
    """Oldest first."""
    return [entry for message in daemon.stream(daemon.audit.QueryAudit, request, _SECONDS) for entry in message.entries][::-1]


def _now(daemon: Daemon, name: str) -> tuple[Sync | None, Mapping[str, Any] | None]:
    try:
        reply = daemon.ask(daemon.control.GetSync, GetSyncRequest(sync=name))
    except Problem as problem:
        if problem.code is not Exit.NOT_FOUND:
            raise
        return None, None
    return reply.sync, json.loads(reply.settings_json or "{}")


def _before(daemon: Daemon, run: Run) -> list[Run]:
    reply = daemon.ask(daemon.control.ListRuns, ListRunsRequest(sync=run.sync, until=run.queued_at, page_size=_BEFORE))
    return [each for each in reversed(reply.runs) if each.id < run.id]


def _behind(daemon: Daemon, run: Run) -> list[Run]:
    def page(token: str) -> ListRunsRequest:
        return ListRunsRequest(sync=run.sync, since=run.queued_at, page_size=1000, page_token=token)

    found = gathered(lambda token: daemon.ask(daemon.control.ListRuns, page(token))).runs
    return [each for each in reversed(found) if each.id > run.id]
