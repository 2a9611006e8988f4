"""Readers of a daemon in a process of their own, each on a connection of its own: `python -m tests.bench.watchers ADDRESS COUNT HOW RUN`.

HOW is `read` (as fast as messages come), or `idle` (the first message of a stream, and no other until the end). They read `WatchSyncs`;
where a RUN is named, every third reads `WatchRun` and every third `TailAudit`. Prints a line once all streams are open. The end is a line
on standard input, a JSON object of revisions and when they were told; the answer is how far behind them the readers were, and how the
streams ended.
"""

import asyncio
import json
import sys
import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping
from typing import Any

import grpc

from syncapi.v1.audit_pb2 import TailAuditRequest
from syncapi.v1.audit_pb2_grpc import AuditStub
from syncapi.v1.control_pb2 import WatchRunRequest, WatchSyncsRequest
from syncapi.v1.control_pb2_grpc import ControlStub

_OPTIONS = [("grpc.use_local_subchannel_pool", 1)]
_LAST_WORDS_SECONDS = 20.0
"""How long streams that were left alone are given to say how they ended."""


class Reader:
    def __init__(self, address: str) -> None:
        self.channel = grpc.aio.insecure_channel(address, _OPTIONS)
        self.opened = asyncio.Event()
        """The stream is open, or broken."""
        self.came: list[tuple[int, float]] = []
        """Revisions, and when they came."""
        self.messages = 0
        self.ended = ""

    async def read(self, number: int, run: str, go_on: asyncio.Event) -> None:
        stream = self._stream(number if run else 0, run)
        try:
            while (message := await stream.read()) is not grpc.aio.EOF:
                self.messages += 1
                self.came.append((getattr(message, "revision", 0), time.monotonic()))
                self.opened.set()
                await go_on.wait()
            self.ended = "OK"
        except grpc.aio.AioRpcError as error:
            self.ended = error.code().name
        self.opened.set()

    def _stream(self, number: int, run: str) -> Any:
        control: Any = ControlStub(self.channel)
        audit: Any = AuditStub(self.channel)
        match number % 3:
            case 0:
                return control.WatchSyncs(WatchSyncsRequest())
            case 1:
                return control.WatchRun(WatchRunRequest(run=run))
            case _:
                return audit.TailAudit(TailAuditRequest(backlog=1))

    def lags(self, told: Mapping[int, float]) -> Counter[int]:
        """How many milliseconds passed between a change and the first message that reached it, for every change."""
        revisions = [revision for revision, _ in self.came]
        behind = [(bisect_right(revisions, revision - 1), at) for revision, at in told.items()]
        return Counter(max(round((self.came[index][1] - at) * 1e3), 0) for index, at in behind if index < len(self.came))


async def main(address: str, count: int, how: str, run: str) -> None:
    readers = [Reader(address) for _ in range(count)]
    go_on = asyncio.Event()
    if how == "read":
        go_on.set()
    tasks = [asyncio.create_task(reader.read(number, run, go_on)) for number, reader in enumerate(readers)]
    for reader in readers:
        await reader.opened.wait()
    print(sum(not reader.ended for reader in readers), flush=True)
    told = {int(revision): at for revision, at in json.loads(await asyncio.to_thread(sys.stdin.readline) or "{}").items()}
    if how == "idle":
        go_on.set()
        await asyncio.wait(tasks, timeout=_LAST_WORDS_SECONDS)
    lags = sum((reader.lags(told) for reader in readers), Counter[int]())
    ends = Counter(reader.ended or "open" for reader in readers)
    print(json.dumps({"messages": sum(reader.messages for reader in readers), "ends": ends, "lags": lags}), flush=True)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for reader in readers:
        await reader.channel.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4] if len(sys.argv) > 4 else ""))
