"""The composition root: which part gets which other, and in what order they start and stop."""

import asyncio
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractAsyncContextManager, ExitStack, contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import NoReturn

import structlog

from syncd import catalogue
from syncd.domain.errors import PermanentError
from syncd.domain.run import RunId
from syncd.engines.clients.desk import Desk as ClientsDesk
from syncd.engines.metadata.desk import Desk as MetadataDesk
from syncd.engines.metadata.shelves import Shelves
from syncd.kit import systemd
from syncd.kit.files import Lock, LockHeld
from syncd.ledger.book import open_ledger
from syncd.observe.bugs import reporting
from syncd.observe.metrics.serving import Seen, measuring
from syncd.observe.notify.notifying import notifying
from syncd.ports.ledger import Ledger
from syncd.rpc.server import serving
from syncd.runtime.board import Board
from syncd.runtime.daemon import Daemon
from syncd.runtime.roster import Roster
from syncd.runtime.service import in_service, signals
from syncd.runtime.supervisor import Supervisor
from syncd.settings.load import Settings, load

log = structlog.get_logger()

VERSION = version("syncd")
_CALLS_GRACE_SECONDS = 3.0


def read_settings(file: Path) -> Settings:
    """Read the settings with every plug-in there is. Raises `SettingsInvalid`."""
    return load(file, catalogue)


async def run(settings: Settings) -> None:
    """Run the daemon until it is told to stop. Raises `SyncdError` if it cannot start.

    Start: lock, ledger, syncs, sockets, ready. Stop: no new calls and runs, running batches end, audit log shipped, ledger closed.
    If a batch does not end in time, the process does: everything that was committed is in the ledger.
    """
    with _alone(settings.daemon.state_dir), signals() as asked:
        async with _ledger(settings) as ledger, asyncio.TaskGroup() as tasks:
            board = Board()
            supervisor = Supervisor(ledger, board, tasks, settings.daemon.concurrency, settings.daemon.retry)
            roster = Roster(settings, ledger, supervisor, lambda: read_settings(settings.file))
            daemon = Daemon(ledger, board, supervisor, roster)
            await roster.start()
            clients = ClientsDesk(daemon, ledger.documents)
            shelves = Shelves(lambda name: supervisor.find(name).connections, ledger.folder / "syncs")
            metadata = MetadataDesk(daemon, ledger.documents, shelves)
            async with (
                reporting(settings.daemon.errors, VERSION),
                measuring(settings.daemon.metrics, ledger, Seen(VERSION, daemon.statuses, board.runs)) as meter,
                notifying(settings.notify, ledger, daemon.warnings),
                serving(
                    daemon,
                    ledger,
                    VERSION,
                    settings.listen,
                    _CALLS_GRACE_SECONDS,
                    access=settings.daemon.access,
                    meter=meter,
                    clients=clients,
                    metadata=metadata,
                ),
                in_service(daemon, asked, ledger.busy_for),
            ):
                log.info(
                    "daemon ready", version=VERSION, syncs=len(settings.syncs), sockets=[str(listen.socket) for listen in settings.listen]
                )
                await asked.wait_to_stop(settings.daemon.stop_timeout)
                log.info("daemon stopping")
                systemd.notify("STOPPING=1")
                daemon.going_away.set()
                await shelves.close()
                if late := await supervisor.stop(settings.daemon.stop_timeout):
                    _leave(late)
    log.info("daemon stopped")


@contextmanager
def _alone(state_dir: Path) -> Iterator[None]:
    """Hold the state folder for this process alone, before anything in it is opened."""
    with ExitStack() as stack:
        try:
            state_dir.mkdir(parents=True, exist_ok=True, mode=0o750)
            stack.enter_context(Lock(state_dir / "syncd.lock"))
        except LockHeld as error:
            hint = "stop it first, or give this one its own `daemon.state_dir`"
            raise PermanentError(f"another syncd (process {error.pid}) uses {state_dir}", hint=hint, code="daemon.second") from error
        except OSError as error:
            hint = "see `daemon.state_dir`"
            raise PermanentError(f"{state_dir} cannot be used: {error.strerror}", hint=hint, code="ledger.unwritable") from error
        yield


def _leave(runs: Sequence[RunId]) -> NoReturn:
    """End the process under runs whose threads wait for an answer that does not come: nothing can end a thread but that."""
    log.warning("runs did not end in time, the next start goes on with them", runs=runs)
    sys.stderr.flush()
    os._exit(0)


def _ledger(settings: Settings) -> AbstractAsyncContextManager[Ledger]:
    daemon = settings.daemon
    return open_ledger(daemon.state_dir, _now, daemon.keep_runs, daemon.audit_keep_months)


def _now() -> datetime:
    return datetime.now(UTC)
