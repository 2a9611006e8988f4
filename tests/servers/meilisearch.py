"""A real Meilisearch for tests: started on a port of its own, stopped or killed at will, started again on the same data."""

import os
import random
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self

from tools.meilisearch import meilisearch

_PATIENCE = 30.0
_DIE_WITH_PARENT = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGKILL)
if os.getppid() == int(sys.argv[1]):
    os.execv(sys.argv[2], sys.argv[2:])
"""


class MeilisearchServer:
    """One server with its own data folder. It dies with the thread that started it, so start it in the main thread.

    `url`, `key` and the data stay the same over `stop`, `kill` and `start`. All methods block until they are done.
    """

    def __init__(self, folder: Path, *flags: str) -> None:
        self.folder = folder
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.key = secrets.token_urlsafe(24)
        self._flags = flags
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.kill()

    @property
    def pid(self) -> int:
        if self._process is None:
            raise RuntimeError("Meilisearch is not running")
        return self._process.pid

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    def start(self) -> None:
        """Start the server and wait until it is healthy."""
        server = str(meilisearch())
        where = ["--http-addr", f"127.0.0.1:{self.port}", "--db-path", "data", "--dump-dir", "dumps", "--snapshot-dir", "snapshots"]
        light = ["--max-indexing-threads", "2", "--max-indexing-memory", "1Gb"]  # without a memory bound, tiny tasks take ten times longer
        how = ["--env", "production", "--no-analytics", "--log-level", "WARN", *light, *self._flags]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _DIE_WITH_PARENT, str(os.getpid()), server, *where, *how],
                cwd=self.folder,
                env={**os.environ, "MEILI_MASTER_KEY": self.key},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._wait_until_healthy()

    def stop(self) -> None:
        """End the server as systemd would."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End the server as a power cut would."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(_PATIENCE)
            self._process = None

    def _wait_until_healthy(self) -> None:
        deadline = time.monotonic() + _PATIENCE
        while not _healthy(f"{self.url}/health"):
            ended = self._process is None or self._process.poll() is not None
            if ended or time.monotonic() > deadline:
                said = self.log.read_text(errors="replace")[-2000:]
                self.kill()
                raise RuntimeError(f"Meilisearch {'ended' if ended else 'is not healthy'} after its start; it said:\n{said}")
            time.sleep(0.02)


def _healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _free_port() -> int:
    """A port below the range of outgoing connections, so that nothing takes it while the server is down."""
    while True:
        port = random.randrange(18_000, 32_000)
        with socket.socket() as candidate:
            try:
                candidate.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
