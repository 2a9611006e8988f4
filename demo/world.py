"""The folder of the demo: settings, database, and the processes that work there."""

import fcntl
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from demo import homes, shop, warehouse
from demo.settings import settings

_LOCK = "demo.lock"
_STOP_SECONDS = 40.0
_START_SECONDS = 30.0
_LOOK_SECONDS = 0.1


class CannotStart(Exception):
    """Something that the demo needs is not to be had; the message says what to do."""


class World:
    """The folder, emptied on entering. On leaving, what was started in it is stopped, the last first; files stay. Raises `CannotStart`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings = folder / "syncd.toml"
        self.shop = folder / "shop.duckdb"
        self.socket = folder / "state" / "syncd.sock"
        self.search_db = folder / "search.db"
        self.url = f"http://127.0.0.1:{_free_port()}"
        self.key = secrets.token_urlsafe(24)
        self._running: list[tuple[str, subprocess.Popen[bytes]]] = []
        self._lock = -1

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        if any(self.folder.iterdir()) and not (self.folder / _LOCK).exists():
            raise CannotStart(f"{self.folder} holds something that is not of the demo, which would empty it; name another folder")
        self._take_lock()
        for old in self.folder.iterdir():
            if old.name != _LOCK:
                shutil.rmtree(old) if old.is_dir() else old.unlink()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with _deaf():
            if self._running and kind is not None:
                print("\nstopping ...", file=sys.stderr, flush=True)
            for _, process in reversed(self._running):
                _stop(process)
            self._running.clear()
            os.close(self._lock)

    def furnish(self, target: str, rows: int) -> None:
        """Make the database and the settings file."""
        shop.create(self.shop, rows)
        homes.create(self.folder / "homes")
        warehouse.create(self.folder / "warehouse.duckdb")
        (self.folder / "meilisearch.key").touch(mode=0o600)
        (self.folder / "meilisearch.key").write_text(self.key)
        self.settings.write_text(settings(self.settings, target, self.url))

    def start_meilisearch(self, server: Path) -> None:
        """Start the server and wait until it is healthy. Raises `CannotStart` if it ends instead."""
        folder = self.folder / "meilisearch"
        folder.mkdir()
        address = self.url.removeprefix("http://")
        command = [str(server), "--http-addr", address, "--no-analytics", "--env", "production", "--log-level", "WARN"]
        process = self._start("meilisearch", command, folder, {"MEILI_MASTER_KEY": self.key})
        self._wait("meilisearch", process, lambda: _is_healthy(self.url))

    def start_syncd(self) -> None:
        """Start the daemon and wait until it answers. Raises `CannotStart` if it ends instead."""
        process = self._start("syncd", [sys.executable, "-m", "syncd", "--settings", self.settings.name], self.folder, {})
        self._wait("syncd", process, lambda: self.syncctl("daemon", "info").returncode == 0)

    def syncctl(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Call `syncctl`, and keep what it says."""
        return subprocess.run(self.command(*arguments), env=self.environment, capture_output=True, text=True, check=False)

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "syncctl", *arguments]

    @property
    def environment(self) -> dict[str, str]:
        """Where `syncctl` finds the daemon."""
        return {**os.environ, "SYNCD_ADDRESS": str(self.socket)}

    def wait(self) -> None:
        """Wait until one of the processes has ended."""
        while all(process.poll() is None for _, process in self._running):
            time.sleep(_LOOK_SECONDS)

    def _wait(self, name: str, process: subprocess.Popen[bytes], ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while not ready():
            if process.poll() is not None or time.monotonic() > deadline:
                said = self._log(name).read_text(errors="replace")[-2000:]
                raise CannotStart(f"{name} {'does not answer' if process.poll() is None else 'ended'}; it said:\n{said}")
            time.sleep(_LOOK_SECONDS)

    def _log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def _start(self, name: str, command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        """In a session of its own, so that Ctrl-C ends the tour, and the tour ends the rest in order. It inherits the lock."""
        with self._log(name).open("ab") as log:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=[self._lock],
            )
        self._running.append((name, process))
        os.pwrite(self._lock, " ".join(str(each.pid) for _, each in self._running).encode(), 0)
        return process

    def _take_lock(self) -> None:
        """Held until this process and all that it has started have ended."""
        self._lock = os.open(self.folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pids = os.pread(self._lock, 100, 0).decode()
            os.close(self._lock)
            raise CannotStart(f"another demo is at work in {self.folder}; end it first, or what is left of it: kill {pids}") from None
        os.ftruncate(self._lock, 0)


@contextmanager
def _deaf() -> Iterator[None]:
    """Whoever presses Ctrl-C once more while everything is being stopped leaves nothing behind."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stop(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _is_healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _free_port() -> int:
    with socket.socket() as candidate:
        candidate.bind(("127.0.0.1", 0))
        return int(candidate.getsockname()[1])
