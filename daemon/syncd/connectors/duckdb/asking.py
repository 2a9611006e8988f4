"""The catalogue is asked by a process of its own: what DuckDB takes for it goes with that process, and the daemon stays small."""

import json
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from subprocess import DEVNULL, PIPE
from types import TracebackType
from typing import Any, Self

import duckdb

from syncd.connectors.duckdb.file import Settings, checked_path, config

_PROGRAM = Path(__file__).with_name("asker.py")
_LEAVE_SECONDS = 2.0
"""To close the file and empty what was spilled."""


class Asker:
    """Asks like a cursor of DuckDB, in a process that lasts until the end of the block. Blocks; raises what DuckDB raises.

    The process gets no variable of our environment: there may be secrets.
    """

    def __init__(self) -> None:
        program = [sys.executable, "-I", str(_PROGRAM)]
        self._process = subprocess.Popen(  # noqa: S603 - a program of ours
            program, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env={}, cwd="/", text=True, encoding="utf-8"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            self._process.communicate(timeout=_LEAVE_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            self._process.communicate()

    def kill(self) -> None:
        """End whatever is under way: it raises `duckdb.InterruptException`. From any thread, more than once too."""
        with suppress(ProcessLookupError):
            self._process.kill()

    def open(self, settings: Settings, memory: int) -> None:
        """Open the file. DuckDB may use so many bytes, unless the settings bound it."""
        bounded = settings.memory_limit or f"{memory}B"
        self._exchange({"path": str(checked_path(settings)), "config": config(settings) | {"memory_limit": bounded}})

    def rows(self, statement: str, parameters: Sequence[object] = ()) -> list[Any]:
        return self._exchange([statement, parameters])

    def _exchange(self, message: object) -> list[Any]:
        stdin, stdout = self._process.stdin, self._process.stdout
        line = ""
        if stdin is not None and stdout is not None:
            with suppress(BrokenPipeError):
                stdin.write(json.dumps(message) + "\n")
                stdin.flush()
            line = stdout.readline()
        if not line.endswith("\n"):
            raise duckdb.InterruptException("the process that asks has ended; look at the memory of this machine")
        answer = json.loads(line)
        if "error" in answer:
            raise getattr(duckdb, answer["error"], duckdb.Error)(answer["text"])
        rows: list[Any] = answer["rows"]
        return rows
