"""`python -m tests.bench.metadata_runs FOLDER`: runs of the metadata engine in a process of their own, which tells what they took.

Reads the mode of a run and its parameters as a line of JSON, and answers with one; the first line is of the process before any run.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.engines.metadata.world import World


@dataclass(frozen=True, slots=True)
class Took:
    """What a run took, or the start of the process."""

    seconds: float
    cpu_seconds: float
    peak: int
    """Bytes of memory that the process had at most, ever. Not what `getrusage` says: that begins with what the parent has."""
    own: int
    """Bytes that it has now and that no file backs: code of libraries and their tables are read from files."""
    findings: Mapping[str, Any]


class Runs:
    """The process, from its start until the end of the block."""

    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.metadata_runs", str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.start = self._answer()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.communicate()

    def run(self, mode: str, **parameters: str) -> Took:
        """One run, as a person or the schedule starts it. Raises `RuntimeError` if it fails."""
        if self._process.stdin is None:
            raise RuntimeError("the process has no input")
        self._process.stdin.write(json.dumps([mode, parameters]) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> Took:
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            raise RuntimeError("a run failed; its traceback stands above")
        return Took(**json.loads(line))


def _main(folder: Path) -> None:
    world = World(folder)
    _tell(0.0, {})
    for line in sys.stdin:
        mode, parameters = json.loads(line)
        world.later(seconds=90)
        began = time.perf_counter()
        report = asyncio.run(world.run(mode, **parameters))
        _tell(time.perf_counter() - began, report.findings)


def _tell(seconds: float, findings: Mapping[str, object]) -> None:
    lines = (line.split() for line in Path("/proc/self/status").read_text().splitlines())
    memory = {words[0]: int(words[1]) * 1024 for words in lines if words[0] in {"VmHWM:", "RssAnon:"}}
    took = {"seconds": seconds, "cpu_seconds": time.process_time(), "findings": findings}
    took |= {"peak": memory["VmHWM:"], "own": memory["RssAnon:"]}
    print(json.dumps(took), flush=True)


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
