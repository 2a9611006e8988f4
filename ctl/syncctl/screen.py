"""The syncs on a full screen, by rich."""

import sys
from collections import Counter
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from rich.console import RenderableType
from rich.live import Live

from syncapi.v1.common_pb2 import Phase, Sync
from syncapi.v1.control_pb2 import WatchSyncsResponse
from syncctl import paint, sync_view, words
from syncctl.view import Block, Cell, Line, Span, plain, quiet

_URGENT = [
    Phase.PHASE_HALTED,
    Phase.PHASE_WAITING,
    Phase.PHASE_RUNNING,
    Phase.PHASE_QUEUED,
    Phase.PHASE_PAUSED,
    Phase.PHASE_IDLE,
    Phase.PHASE_UNSPECIFIED,
]
_FRAME = 6
"""Lines that are not rows of the table: title, head of the table, foot, and room between."""


class Screen:
    """Keeps the newest state of every sync and draws it twice a second, so that the ages move on."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._syncs: dict[str, Sync] = {}
        self._why = ""
        self._console = paint.console(sys.stdout)
        self._live = Live(console=self._console, get_renderable=self._frame, refresh_per_second=2, screen=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._live.stop()

    def take(self, message: WatchSyncsResponse) -> None:
        kept = {} if message.snapshot else {name: sync for name, sync in self._syncs.items() if name not in message.removed}
        self._syncs = kept | {sync.name: sync for sync in message.syncs}  # drawn by another thread: replaced, never changed

    def lost(self, why: str) -> None:
        self._why = why

    def _frame(self) -> RenderableType:
        now, syncs = datetime.now(UTC), list(self._syncs.values())
        shown = fitting(syncs, self._console.height - _FRAME)
        blocks: list[Block] = [Line(self._title(now)), Line(""), *sync_view.overview(shown, now), Line("")]
        if len(shown) < len(syncs):
            blocks.append(Line(quiet(f"and {words.number(len(syncs) - len(shown))} more; the most urgent stand here")))
        blocks.append(Line(quiet("Ctrl-C to leave")))
        return paint.group(blocks, self._console.width)

    def _title(self, now: datetime) -> Cell:
        phases = Counter(plain(sync_view.phase(sync)) for sync in self._syncs.values())
        counts = "  ".join(f"{count:,} {phase}" for phase, count in phases.most_common())
        lost = Span(f"   connection lost ({self._why}), trying again", "bad") if self._why else ""
        return (
            Span("syncd", "strong"),
            quiet(f"  {self._address}  {words.clock(now)}   "),
            Span(words.plural(len(self._syncs), "sync"), "strong"),
            f"  {counts}",
            lost,
        )


def fitting(syncs: list[Sync], lines: int) -> list[Sync]:
    """All in order of name if they fit, else the most urgent ones. What is wrong with a sync takes lines of its own."""
    ordered = sorted(syncs, key=lambda sync: sync.name)
    if sum(map(_height, ordered)) <= lines:
        return ordered
    chosen: list[Sync] = []
    for sync in sorted(ordered, key=lambda sync: (_URGENT.index(sync.phase), not sync.HasField("problem"))):
        lines -= _height(sync)
        if lines < 0:
            break
        chosen.append(sync)
    return chosen


def _height(sync: Sync) -> int:
    return 1 + (2 if sync.HasField("problem") else 0) + len(sync.warnings)
