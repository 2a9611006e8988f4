"""Progress on the terminal, by rich: what the run does, and a bar below it. Both vanish when the run has ended."""

import sys
from types import TracebackType
from typing import Self

from rich.console import Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table

from syncapi.v1.common_pb2 import Run
from syncctl import paint, run_view
from syncctl.view import Span, quiet

_NARROWEST, _WIDEST = 8, 40


class Bar:
    """Shows the newest state; the picture moves on while nothing is heard."""

    def __init__(self) -> None:
        self._console = paint.console(sys.stderr)
        self._spinner = Spinner("dots", style="busy")
        self._run = Run()
        self._why = ""
        self._live = Live(console=self._console, get_renderable=self._frame, refresh_per_second=10, transient=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._live.stop()

    def show(self, run: Run) -> None:
        self._run = run

    def lost(self, why: str) -> None:
        self._why = why

    def _frame(self) -> RenderableType:
        run = self._run
        doing = Span(f"{self._why}; trying again", "warn") if self._why else Span(run_view.told(run))
        self._spinner.update(text=paint.text((Span(f"{run.sync} {run.mode}", "strong"), "  ", doing)))
        return Group(self._spinner, self._bar(run)) if run_view.amounts(run) else self._spinner

    def _bar(self, run: Run) -> RenderableType:
        numbers = "  ".join([*run_view.how_far(run), *run_view.amounts(run)])
        width = max(_NARROWEST, min(_WIDEST, self._console.width - len(numbers) - 5))
        known = run.HasField("total") and run.total > 0
        line = Table.grid(padding=(0, 2, 0, 0))
        line.add_row(
            "",
            ProgressBar(
                total=run.total if known else None,
                completed=min(run.counters.read, run.total) if known else 0,
                width=width,
                pulse=not known,
                style="quiet",
                complete_style="busy",
                finished_style="good",
                pulse_style="busy",
            ),
            paint.text(quiet(numbers)),
        )
        return line
