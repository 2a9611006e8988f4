"""Readers of a daemon in a process of their own: `python -m tests.bench.watchers ADDRESS READERS read|freeze`.

Prints a line once all streams are open, and one with how many messages came when standard input ends. Frozen readers take the first
message of their stream and no other.
"""

import asyncio
import sys
from typing import Any

import grpc

from syncapi.v1.control_pb2 import WatchSyncsRequest
from syncapi.v1.control_pb2_grpc import ControlStub

_STREAMS_A_CHANNEL = 50


class Readers:
    def __init__(self, count: int, freeze: str) -> None:
        self._count = count
        self._freeze = freeze == "freeze"
        self.opened = 0
        self.messages = 0
        self.ended = 0
        self.settled = asyncio.Event()
        """Every stream is open, or broken."""

    async def read(self, control: Any) -> None:
        watch, first = control.WatchSyncs(WatchSyncsRequest()), True
        try:
            while await watch.read() is not grpc.aio.EOF:
                self.messages += 1
                if first:
                    first = False
                    self.opened += 1
                    self._settle()
                if self._freeze:
                    await asyncio.Event().wait()
        except grpc.aio.AioRpcError:
            self.ended += 1
            self._settle()

    def _settle(self) -> None:
        if self.opened + self.ended >= self._count:
            self.settled.set()


async def main(address: str, count: int, freeze: str) -> None:
    readers = Readers(count, freeze)
    channels = [
        grpc.aio.insecure_channel(address, [("grpc.use_local_subchannel_pool", 1)])
        for _ in range((count + _STREAMS_A_CHANNEL - 1) // _STREAMS_A_CHANNEL)
    ]
    controls: list[Any] = [ControlStub(channel) for channel in channels]
    tasks = [asyncio.create_task(readers.read(controls[number % len(controls)])) for number in range(count)]
    await readers.settled.wait()
    print(readers.opened, flush=True)
    await asyncio.to_thread(sys.stdin.read)
    print(readers.messages, readers.ended, flush=True)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
