"""Queries are looked at in a process of their own.

Its settings are stricter than those of the connections here, and all connections of one process to one file must have the same. A query
that crashes it, or cannot be interrupted, costs that process alone.
"""

import asyncio
import json
import sys
from asyncio import StreamReader, StreamWriter
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import duckdb

from syncd.connectors.duckdb.file import our_errors
from syncd.domain.errors import SourceUnavailable
from syncd.ports.warehouse import Examined

_PROGRAM = Path(__file__).with_name("examiner.py")
_START_SECONDS = 30.0
_GRACE_SECONDS = 2.0
"""How much longer than it may take a query is waited for: DuckDB looks now and then whether it is interrupted."""
_BYTES = 1 << 20
"""Of one line of an answer; they are cut far below."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one query may take."""

    seconds: float = 5.0
    memory: str = "512MB"
    rows: int = 1000
    """Of its result, that are computed."""


async def examine(path: Path, queries: Sequence[str], bounds: Bounds) -> Sequence[Examined]:
    """Analyse and run each query. Raises what opening the file raises."""
    answers: list[Examined] = []
    while len(answers) < len(queries):
        # Another process for what is left, after a query that has ended the one before.
        async with _examiner(path, bounds) as process:
            alive = True
            while alive and len(answers) < len(queries):
                answer, alive = await _ask(process, queries[len(answers)], bounds)
                answers.append(answer)
    return answers


async def _ask(process: Process, query: str, bounds: Bounds) -> tuple[Examined, bool]:
    """What the process thinks of a query, and whether it can be asked another."""
    try:
        async with asyncio.timeout(bounds.seconds + _GRACE_SECONDS):
            answer = await _exchange(process, query)
    except TimeoutError:
        return Examined(analysed=False, ran=False, problem=f"takes longer than {bounds.seconds:g} s"), False
    if answer is None:
        return Examined(analysed=False, ran=False, problem="needs more than DuckDB can bear: it ended the process"), False
    return Examined(answer["analysed"], answer["ran"], answer["problem"]), True


@asynccontextmanager
async def _examiner(path: Path, bounds: Bounds) -> AsyncIterator[Process]:
    """A process that has the file open. It gets no variable of our environment: there may be secrets."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", str(_PROGRAM), stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env={}, cwd="/", limit=_BYTES
    )
    try:
        await _start(process, path, bounds)
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        # What is left in the pipe is read, so that the transport closes with the process.
        await process.communicate()


async def _start(process: Process, path: Path, bounds: Bounds) -> None:
    settings = {"path": str(path), "memory_limit": bounds.memory, "seconds": bounds.seconds, "rows": bounds.rows}
    try:
        async with asyncio.timeout(_START_SECONDS):
            ready = await _exchange(process, settings)
    except TimeoutError as error:
        raise SourceUnavailable(
            f"the process that looks at queries of {path} did not start within {_START_SECONDS:g} s",
            hint="look at the load of this machine",
        ) from error
    if ready is None:
        raise SourceUnavailable(
            f"the process that looks at queries of {path} ended when it started", hint="look at the memory of this machine"
        )
    if ready:
        with our_errors(path):
            raise getattr(duckdb, ready["error"], duckdb.Error)(ready["text"])


async def _exchange(process: Process, message: object) -> dict[str, Any] | None:
    """Its answer to one line; None if it has ended."""
    stdin, stdout = cast("StreamWriter", process.stdin), cast("StreamReader", process.stdout)
    with suppress(BrokenPipeError, ConnectionResetError):
        stdin.write(json.dumps(message).encode() + b"\n")
        await stdin.drain()
    line = await stdout.readline()
    answer: dict[str, Any] | None = json.loads(line) if line.endswith(b"\n") else None
    return answer
