"""A stand-in for systemd: it holds the socket, starts the daemon behind it, and hears what the daemon tells."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.system.harness import Settings, toml
from tests.system.waiting import until

_HAND_OVER = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGKILL)
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execv(sys.argv[2], sys.argv[2:])
"""


class Unit:
    """`syncd.service` and `syncd.socket` in one folder: the socket outlives every process behind it."""

    def __init__(self, folder: Path, listener: socket.socket, channel: socket.socket) -> None:
        self.folder = folder
        self.socket = folder / "s"
        self.heard: list[str] = []
        self._listener = listener
        self._channel = channel
        self.process: subprocess.Popen[bytes] | None = None

    def write(self, settings: Settings) -> None:
        """Write the settings file; the next start reads it."""
        whole = {"daemon": {"state_dir": "state"}, "listen": [{"socket": str(self.socket)}], **settings}
        (self.folder / "syncd.toml").write_text("".join(f"{name} = {toml(value)}\n" for name, value in whole.items()))

    def launch(self) -> None:
        """Start the daemon without waiting for anything."""
        self.heard.clear()
        told = {"NOTIFY_SOCKET": str(self.folder / "notify"), "WATCHDOG_USEC": "1000000"}
        command = [sys.executable, "-m", "syncd", "--settings", "syncd.toml"]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _HAND_OVER, str(self._listener.fileno()), *command],
                cwd=self.folder,
                env=os.environ | told,
                stdin=subprocess.DEVNULL,
                stderr=log,
                pass_fds=[self._listener.fileno()],
            )

    def start(self) -> None:
        """Start the daemon, and wait as systemd does."""
        self.launch()
        self.hears("READY=1")

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Ask the daemon to end, without waiting for it."""
        assert self.process, "syncd is not running"
        self.process.send_signal(number)

    def ended(self, seconds: float = 20) -> int:
        """Wait for the end of the daemon; its exit code."""
        assert self.process, "syncd is not running"
        return self.process.wait(seconds)

    def hears(self, state: str) -> str:
        """Wait until the daemon tells something that begins so, or one of its lines does."""

        def heard() -> str:
            self.listen()
            return next((each for each in self.heard if any(line.startswith(state) for line in each.splitlines())), "")

        return until(heard, f"systemd hears {state}: {self.heard}\n{self.log()}", 30)

    def listen(self) -> None:
        """Take in what the daemon has told meanwhile."""
        try:
            while True:
                self.heard.append(self._channel.recv(10_000).decode())
        except BlockingIOError:
            return

    def log(self) -> str:
        return (self.folder / "log").read_text()

    def logged(self, event: str) -> list[dict[str, object]]:
        """The lines of the log that tell of one event."""
        lines = [json.loads(line) for line in self.log().splitlines() if line.startswith("{")]
        return [line for line in lines if line["event"] == event]


@contextmanager
def unit(folder: Path, settings: Settings) -> Iterator[Unit]:
    """Hold a socket for a daemon that is yet to be started; at the end, kill it."""
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        listener.bind(str(folder / "s"))
        listener.listen(1024)
        channel.bind(str(folder / "notify"))
        channel.setblocking(False)
        held = Unit(folder, listener, channel)
        held.write(settings)
        try:
            yield held
        finally:
            if held.process:
                held.process.kill()
                held.process.wait()
                print(held.log()[-12_000:])  # noqa: T201 - pytest shows it if the test fails
