"""What an engine gets to see of the daemon, for one run."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from syncd.domain.batch import Checkpoint, Receipt
from syncd.domain.errors import SyncdError
from syncd.domain.run import Counters, Run
from syncd.domain.status import RunView
from syncd.ports.ledger import SyncBook, SyncRecord
from syncd.ports.running import Advance, Documents, Progress, Rows, Scope
from syncd.runtime.pace import Pace

_CROWDED_SECONDS = 0.1
"""How long an answer about the neighbours holds: engines ask often, and there may be a thousand of them."""


class Stopped(SyncdError):
    """The run was asked to end, and has just committed what it had."""

    code = "run.stopped"


@dataclass(frozen=True, slots=True)
class ContextBooks:
    """Where a context writes, and whom it asks."""

    syncs: SyncBook
    rows: Rows
    crowded: Callable[[], bool]
    documents: Documents
    folder: Path
    """The sync's own; it need not exist yet."""


class Context:
    """Implements the port `RunContext`. `show` is called whenever there is something new to see."""

    def __init__(self, run: Run, record: SyncRecord, books: ContextBooks, show: Callable[["Context"], None]) -> None:
        self._run = run
        self._checkpoint = record.checkpoint
        self._clean = record.clean
        self._books = books
        self._show = show
        self._pace = Pace(time.monotonic())
        self._stopping = False
        self._commits = 0
        self._crowded = False
        self._ask_again = 0.0
        self.doing = "starting"
        self.complete_to = record.complete_to
        self.warnings: tuple[str, ...] | None = None

    @property
    def run(self) -> Run:
        return self._run

    @property
    def checkpoint(self) -> Checkpoint | None:
        return self._checkpoint

    @property
    def clean(self) -> bool:
        return self._clean

    @property
    def rows(self) -> Rows:
        return self._books.rows

    @property
    def documents(self) -> Documents:
        return self._books.documents

    @property
    def folder(self) -> Path:
        folder = self._books.folder
        for level in (folder.parent, folder):  # `parents=True` would make the upper one readable
            level.mkdir(mode=0o700, exist_ok=True)
        return folder

    @property
    def moved(self) -> bool:
        """The attempt under way has made a durable step: it is getting somewhere."""
        return self._commits > 0

    @property
    def view(self) -> RunView:
        return RunView(self._run, self.doing, self._pace.rate, self._pace.remaining(self._run.total))

    async def commit(self, receipt: Receipt, scope: Scope = Scope.LIVE) -> None:
        """Write what a receipt says. Raises `Stopped` after that if the run was asked to end."""
        batch, refused = receipt.batch, len(receipt.refused)
        stored = batch.rows.num_rows - refused
        done = Counters(read=batch.read, stored=stored, refused=refused, deleted=len(batch.gone), bytes=batch.size, batches=1)
        run = replace(self._run, counters=self._run.counters.plus(done))
        await self._books.syncs.commit(run, receipt, scope)
        self._run = replace(self._run, counters=self._run.counters.plus(done))
        self._checkpoint = batch.reaches
        self._committed()

    async def advance(self, step: Advance) -> None:
        """Write a step without rows. Raises `Stopped` after that if the run was asked to end."""
        named = tuple(replace(entry, sync=self._run.sync, run=self._run.id) for entry in step.entries)
        await self._books.syncs.advance(self._run, replace(step, entries=named), self.complete_to)
        self._checkpoint = step.checkpoint
        self._committed()

    def tell(self, progress: Progress) -> None:
        """Take note of how far the run is."""
        counted = Counters(read=progress.unchanged, unchanged=progress.unchanged, sent=progress.sent)
        total = self._run.total if progress.total is None else progress.total
        self._run = replace(self._run, counters=self._run.counters.plus(counted), total=total)
        self.doing = progress.doing or self.doing
        self.complete_to = progress.complete_to or self.complete_to
        self.warnings = self.warnings if progress.warnings is None else progress.warnings
        self._moved()

    def crowded(self) -> bool:
        now = time.monotonic()
        if now >= self._ask_again:
            self._crowded, self._ask_again = self._books.crowded(), now + _CROWDED_SECONDS
        return self._crowded

    def begin_attempt(self, attempt: int) -> None:
        """The run starts anew behind its last commit."""
        self._run = replace(self._run, attempt=attempt)
        self._commits = 0
        self.doing = "starting"
        self._moved()

    def stop(self) -> None:
        """Ask the run to end after its next commit."""
        self._stopping = True

    def resume(self) -> None:
        """Commits count again: what follows cleans up."""
        self._stopping = False

    def _committed(self) -> None:
        self._commits += 1
        self._moved()
        if self._stopping:
            raise Stopped("the run was asked to end")

    def _moved(self) -> None:
        self._pace.seen(self._run.counters.read, time.monotonic())
        self._show(self)
