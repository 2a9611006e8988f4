"""The real daemon as a process of its own, asked through its socket and measured from outside."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import grpc
import psutil

from syncapi.v1.common_pb2 import Run, RunState, Sync
from syncapi.v1.control_pb2 import GetRunRequest, ListSyncsRequest, StartRunRequest
from syncapi.v1.control_pb2_grpc import ControlStub

_PATIENCE = 120.0
_LOOK_SECONDS = 0.25
_UNDER_WAY = (RunState.RUN_STATE_QUEUED, RunState.RUN_STATE_RUNNING)
_HEAD = """
[daemon]
state_dir = "state"
log_level = "warning"
[[listen]]
socket = "syncd.sock"
"""


class Daemon:
    """`syncd` with some settings, from its start until it is ready, until the end of the block."""

    def __init__(self, folder: Path, settings: str, environment: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self._settings = settings
        self._environment = environment or {}
        self._process: subprocess.Popen[bytes] | None = None
        self._stack = ExitStack()
        self.ready_seconds = 0.0
        """From the start of the process to its READY."""

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / "syncd.toml"
        file.write_text(_HEAD + self._settings)
        began = time.monotonic()
        with ExitStack() as stack:
            notices = stack.enter_context(_notices(self.folder / "notify.sock"))
            log = stack.enter_context((self.folder / "daemon.log").open("ab"))
            self._process = subprocess.Popen(
                [sys.executable, "-m", "syncd", "--settings", str(file)],
                env={**os.environ, **self._environment, "NOTIFY_SOCKET": str(self.folder / "notify.sock")},
                stdout=log,
                stderr=log,
            )
            stack.callback(self._end, self._process)
            self._wait_until_ready(notices)
            threading.Thread(target=_listen, args=(notices,), name="notices", daemon=True).start()
            self.ready_seconds = time.monotonic() - began
            channel = grpc.insecure_channel(f"unix:{self.folder / 'syncd.sock'}", [("grpc.max_receive_message_length", 64 << 20)])
            self.control = ControlStub(stack.enter_context(channel))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stack.close()

    @property
    def process(self) -> psutil.Process:
        if self._process is None:
            raise RuntimeError("the daemon is not running")
        return psutil.Process(self._process.pid)

    @property
    def cpu_seconds(self) -> float:
        """What the process has used so far, in user and system mode."""
        times = self.process.cpu_times()
        return float(times.user + times.system)

    @property
    def peak_rss(self) -> int:
        """The most bytes of memory that the process ever had in use."""
        status = (Path("/proc") / str(self.process.pid) / "status").read_text()
        [line] = [line for line in status.splitlines() if line.startswith("VmHWM:")]
        return int(line.split()[1]) * 1024

    def start(self, sync: str, mode: str, **parameters: str) -> str:
        """Start a run; answers its id."""
        request = StartRunRequest(sync=sync, mode=mode, parameters=parameters, queue=True)
        return str(self.control.StartRun(request, timeout=_PATIENCE).run.id)

    def run(self, sync: str, mode: str) -> Run:
        """Do a run and wait for its end. Raises `RuntimeError` unless it is done."""
        return self.wait_for(self.start(sync, mode))

    def wait_for(self, run: str) -> Run:
        """Wait for the end of a run. Raises `RuntimeError` unless it is done."""
        while (found := self.control.GetRun(GetRunRequest(run=run), timeout=_PATIENCE).run).state in _UNDER_WAY:
            time.sleep(_LOOK_SECONDS)
        if found.state != RunState.RUN_STATE_DONE:
            raise RuntimeError(f"a run did not end well: {found}")
        return found

    def wait_for_first_runs(self, within: float) -> None:
        """Wait until each sync has a run behind it. Raises `RuntimeError` if one of them failed, or time is up."""
        deadline = time.monotonic() + within
        while waiting := [sync for sync in self._syncs() if not sync.HasField("last_run")]:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{len(waiting)} syncs had no run within {within:.0f} s, {waiting[0].name} among them")
            time.sleep(_LOOK_SECONDS)
        failed = [sync for sync in self._syncs() if sync.last_run.state != RunState.RUN_STATE_DONE]
        if failed:
            raise RuntimeError(f"{len(failed)} first runs failed, such as {failed[0]}")

    def _syncs(self) -> list[Sync]:
        found: list[Sync] = []
        token = ""
        while True:
            page = self.control.ListSyncs(ListSyncsRequest(page_size=1000, page_token=token), timeout=_PATIENCE)
            found += page.syncs
            token = page.next_page_token
            if not token:
                return found

    @staticmethod
    def _end(process: subprocess.Popen[bytes]) -> None:
        process.send_signal(signal.SIGTERM)
        process.wait(_PATIENCE)

    def _wait_until_ready(self, notices: socket.socket) -> None:
        notices.settimeout(0.05)
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                if b"READY=1" in notices.recv(1024):
                    return
            except TimeoutError:
                if self.process.status() == psutil.STATUS_ZOMBIE or time.monotonic() > deadline:
                    said = (self.folder / "daemon.log").read_text()[-2000:]
                    raise RuntimeError(f"syncd does not become ready; it said:\n{said}") from None


def seconds_of(run: Run) -> float:
    """From the wish for a run to its end, by the daemon's clock."""
    return float((run.ended_at.ToDatetime() - run.queued_at.ToDatetime()).total_seconds())


def _listen(notices: socket.socket) -> None:
    """Hear what the daemon says, as systemd would, until nobody wants to hear it."""
    while notices.fileno() >= 0:
        with suppress(OSError):  # nothing was said, or the socket has been closed meanwhile
            notices.recv(1024)


@contextmanager
def _notices(path: Path) -> Iterator[socket.socket]:
    """What a service tells systemd arrives here."""
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notices:
        notices.bind(str(path))
        yield notices
