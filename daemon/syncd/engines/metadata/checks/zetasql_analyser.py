"""Google's own analyser of SQL, in a process of its own: what it is given may take long or end it, which costs that process alone."""

import asyncio
import json
import sys
from asyncio import StreamReader, StreamWriter
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from syncd.domain.schema import Column
from syncd.engines.metadata.checks.catalog import Catalog
from syncd.engines.metadata.checks.named import Named, every_named
from syncd.kit.threads import in_thread

_PROGRAM = Path(__file__).with_name("zetasql_worker.py")
_START_SECONDS = 600.0
"""It may have to compile first: always so after an update of the library, whatever the folder holds."""
_QUERY_SECONDS = 5.0
_MEMORY = 512 << 20
"""For the analyser itself; compiling it may take more."""
_BYTES = 1 << 20
_PSEUDO = (Column("_PARTITIONTIME", "TIMESTAMP"), Column("_PARTITIONDATE", "DATE"), Column("_FILE_NAME", "STRING"))
_SUFFIX = Column("_TABLE_SUFFIX", "STRING")


class _Gone(Exception):
    """The process has ended, or is not in time."""


@dataclass(frozen=True, slots=True)
class ZetasqlAnalyser:
    """For queries in the dialect of BigQuery. Has no opinion while its process cannot be started."""

    catalog: Catalog
    folder: Path
    """Where the compiled module is kept, of 72 MiB; only we may write there, as it is code."""
    version: str
    python: str = sys.executable
    """An interpreter that has the library."""

    @property
    def name(self) -> str:
        return f"zetasql {self.version}"

    async def analyse(self, queries: Sequence[str]) -> Sequence[str | None]:
        if not queries:
            return ()
        settings = await in_thread(lambda: self._settings(queries))
        opinions: list[str | None] = []
        while len(opinions) < len(queries):
            # Another process for what is left, after a query that has ended the one before.
            before = len(opinions)
            with suppress(_Gone):
                async with self._worker(settings) as process:
                    for query in queries[before:]:
                        opinions.append(await self._opinion(process, query, opinions))
            if len(opinions) == before:
                return [*opinions, *[None] * (len(queries) - before)]
        return opinions

    async def _opinion(self, process: Process, query: str, opinions: list[str | None]) -> str | None:
        try:
            answer = await _exchange(process, json.dumps(query), _QUERY_SECONDS)
        except _Gone:
            opinions.append(None)
            raise
        opinion: str | None = json.loads(answer)
        return opinion

    def _settings(self, queries: Sequence[str]) -> str:
        tables = [_table(each) for each in every_named(queries, self.catalog)]
        return json.dumps({"folder": str(self.folder), "memory": _MEMORY, "tables": tables})

    @asynccontextmanager
    async def _worker(self, settings: str) -> AsyncIterator[Process]:
        """A process that is ready. It gets no variable of our environment: there may be secrets."""
        await asyncio.to_thread(self.folder.mkdir, 0o700, parents=True, exist_ok=True)
        process = await asyncio.create_subprocess_exec(
            self.python, "-I", str(_PROGRAM), stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env={}, cwd="/", limit=_BYTES
        )
        try:
            if await _exchange(process, settings, _START_SECONDS) != b"{}\n":
                raise _Gone
            yield process
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            # What is left in the pipe is read, so that the transport closes with the process.
            await process.communicate()


async def _exchange(process: Process, line: str, seconds: float) -> bytes:
    """Its answer to one line."""
    stdin, stdout = cast("StreamWriter", process.stdin), cast("StreamReader", process.stdout)
    try:
        async with asyncio.timeout(seconds):
            stdin.write(line.encode() + b"\n")
            await stdin.drain()
            answer = await stdout.readline()
    except (TimeoutError, BrokenPipeError, ConnectionResetError) as error:
        raise _Gone from error
    if not answer.endswith(b"\n"):
        raise _Gone
    return answer


def _table(table: Named) -> dict[str, object]:
    pseudo = (*_PSEUDO, _SUFFIX) if table.wildcard else _PSEUDO
    return {"path": table.path, "columns": [_column(each) for each in table.columns], "pseudo": [_column(each) for each in pseudo]}


def _column(column: Column) -> dict[str, object]:
    return {"name": column.name, "type": column.type, "repeated": column.repeated, "fields": [_column(each) for each in column.fields]}
