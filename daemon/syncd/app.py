"""The composition root: which part gets which other, and in what order they start and stop."""

import asyncio
import logging
import os
import sys
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import NoReturn

import structlog

from syncd import catalogue
from syncd.domain.run import RunId
from syncd.engines.clients.desk import Desk as ClientsDesk
from syncd.engines.metadata.desk import Desk as MetadataDesk
from syncd.engines.metadata.shelves import Shelves
from syncd.ledger.book import open_ledger
from syncd.observe.bugs import reporting
from syncd.observe.logbook.logbook import keeping
from syncd.observe.metrics.serving import Seen, measuring
from syncd.observe.notify.notifying import notifying
from syncd.observe.parts import Parts
from syncd.observe.traces.tracing import tracing
from syncd.ports.ledger import Ledger
from syncd.ports.logs import Logs
from syncd.rpc.behind import Behind
from syncd.rpc.server import serving
from syncd.runtime.board import Board
from syncd.runtime.daemon import Daemon
from syncd.runtime.dying import one_reason
from syncd.runtime.pulse import tell
from syncd.runtime.roster import Roster
from syncd.runtime.service import Asked, in_service, signals
from syncd.runtime.state_folder import alone
from syncd.runtime.supervisor import Supervisor
from syncd.runtime.tracing import Traced
from syncd.settings.load import Settings, load

log = structlog.get_logger()

VERSION = version("syncd")
_CALLS_GRACE_SECONDS = 3.0


def read_settings(file: Path) -> Settings:
    """Read the settings with every plug-in there is. Raises `SettingsInvalid`."""
    return load(file, catalogue)


async def run(settings: Settings) -> None:
    """Run the daemon until it is told to stop. Raises `SyncdError` if it cannot start.

    Start: lock, ledger, syncs, sockets, ready. Stop: door shut, streams end, no new runs, batches end, calls answered, ledger closed.
    If a batch does not end in time, the process does: everything that was committed is in the ledger.
    """
    with alone(settings.daemon.state_dir), signals() as asked:
        async with keeping(settings.daemon.state_dir / "logs", settings.daemon.logs) as logs:
            with one_reason():
                await _serve(settings, asked, logs)
            log.info("daemon stopped")


async def _serve(settings: Settings, asked: Asked, logs: Logs | None) -> None:
    parts = Parts()
    async with _ledger(settings) as ledger, tracing(settings.daemon.traces, VERSION, parts) as tracer, asyncio.TaskGroup() as tasks:
        board = Board()
        supervisor = Supervisor(ledger, board, tasks, settings.daemon.concurrency, settings.daemon.retry)
        roster = Roster(settings, ledger, supervisor, lambda: read_settings(settings.file))
        supervisor.traced = Traced(tracer)
        daemon = Daemon(ledger, board, supervisor, roster, lambda: (*ledger.problems(), *parts.warnings()))
        await roster.start()
        clients = ClientsDesk(daemon, ledger.documents)
        shelves = Shelves(lambda name: supervisor.find(name).connections, ledger.folder / "syncs")
        metadata = MetadataDesk(daemon, ledger.documents, shelves)
        async with (
            reporting(settings.daemon.errors, VERSION, parts),
            measuring(settings.daemon.metrics, ledger, Seen(VERSION, daemon.statuses, board.runs), parts) as meter,
            notifying(settings.notify, ledger, daemon.warnings, parts),
            serving(
                Behind(daemon, ledger, VERSION, clients, metadata, logs),
                settings.listen,
                _CALLS_GRACE_SECONDS,
                settings.daemon.access,
                meter,
            ) as shut,
            in_service(daemon, asked, ledger.busy_for),
        ):
            log.info("daemon ready", version=VERSION, syncs=len(settings.syncs), listens=[listen.place for listen in settings.listen])
            await asked.wait_to_stop(settings.daemon.stop_timeout)
            log.info("daemon stopping")
            await shut()
            tell("STOPPING=1")
            daemon.going_away.set()
            await shelves.close()
            if late := await supervisor.stop(settings.daemon.stop_timeout):
                _leave(late)


def _leave(runs: Sequence[RunId]) -> NoReturn:
    """End the process under runs whose threads wait for an answer that does not come: nothing can end a thread but that."""
    log.warning("runs did not end in time, the next start goes on with them", runs=runs)
    sys.stderr.flush()
    logging.shutdown()
    os._exit(0)


def _ledger(settings: Settings) -> AbstractAsyncContextManager[Ledger]:
    daemon = settings.daemon
    return open_ledger(daemon.state_dir, _now, daemon.keep_runs, daemon.audit_keep_months)


def _now() -> datetime:
    return datetime.now(UTC)
