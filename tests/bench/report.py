"""What a bench says: one small table, and whether it kept within its bars."""

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

_PACKAGES = ("duckdb", "pyarrow", "meilisearch", "oracledb")


@dataclass(slots=True)
class Report:
    """Lines of a table, and bars that were promised. `missed` tells whether any bar was missed."""

    title: str
    lines: list[tuple[str, ...]] = field(default_factory=list)
    missed: bool = False

    def line(self, *cells: str) -> None:
        self.lines.append(cells)

    def bar(self, what: str, found: str, bar: str, *, kept: bool) -> None:
        """One promise: what was found, what was promised, and whether it was kept."""
        self.line(what, found, f"bar {bar}", "kept" if kept else "MISSED")
        self.missed = self.missed or not kept

    def __str__(self) -> str:
        return f"\n{self.title}\n{'-' * len(self.title)}\n{_table(self.lines)}"


def machine() -> str:
    """What the figures were taken on."""
    load = " ".join(f"{each:.2f}" for each in os.getloadavg())
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return f"{os.cpu_count()} cores ({_processor()}), Python {platform.python_version()}, {packages}; load before the start: {load}"


def _processor() -> str:
    names = [line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _table(lines: Sequence[Sequence[str]]) -> str:
    columns = max((len(line) for line in lines), default=0)
    widths = [max(len(line[column]) for line in lines if column < len(line)) for column in range(columns)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=False)).rstrip() for line in lines)
