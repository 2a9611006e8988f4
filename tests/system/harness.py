"""The real daemon as a child process: started, stopped, killed, and started again on the same folder."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.system.client import Client
from tests.system.waiting import until

_START_SECONDS = 60.0
_STOP_SECONDS = 45.0
_TOLD = 12_000
_DIE_WITH_PARENT = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGKILL)
if os.getppid() == int(sys.argv[1]):
    os.execv(sys.argv[2], sys.argv[2:])
"""

Settings = Mapping[str, object]


class SyncdProcess:
    """One daemon with its own folder, which keeps its settings, its state and its log over kills and starts.

    Start it in the main thread: it dies with the thread that started it.
    """

    def __init__(self, folder: Path, settings: Settings) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.socket = folder / "s"
        self.file = folder / "syncd.toml"
        self.log = folder / "syncd.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._client: Client | None = None
        self.write(settings)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.kill()
        print(self.told())  # noqa: T201 - pytest shows it if the test fails

    @property
    def client(self) -> Client:
        assert self._client is not None, "syncd is not running"
        return self._client

    @property
    def pid(self) -> int:
        assert self._process is not None, "syncd is not running"
        return self._process.pid

    def write(self, settings: Settings) -> None:
        """Write the settings file; a start or a reload reads it."""
        whole = {"daemon": {"state_dir": "state"}, "listen": [{"socket": str(self.socket)}], **settings}
        self.file.write_text("".join(f"{name} = {toml(value)}\n" for name, value in whole.items()))

    def start(self) -> None:
        """Start the daemon and wait until it takes calls."""
        self.launch()
        client = self._client = Client(self.socket)

        def up() -> bool:
            assert self._process, "syncd is not running"
            assert self._process.poll() is None, f"syncd ended at its start with {self._process.poll()}:\n{self.told()}"
            return client.answers()

        until(up, "syncd takes calls", _START_SECONDS)

    def launch(self) -> None:
        """Start the daemon without waiting for anything."""
        command = [sys.executable, "-m", "syncd", "--settings", str(self.file)]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _DIE_WITH_PARENT, str(os.getpid()), *command],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def kill(self) -> None:
        """End the daemon as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._forget()

    def stop(self) -> int:
        """End the daemon as systemd would; its exit code."""
        assert self._process is not None, "syncd is not running"
        self._process.send_signal(signal.SIGTERM)
        return self._forget()

    def restart(self) -> None:
        self.kill()
        self.start()

    def told(self) -> str:
        """The end of the log."""
        return f"{self.file}:\n{self.file.read_text()}\nsyncd said:\n{self.log.read_text(errors='replace')[-_TOLD:]}"

    def ctl(self, *arguments: str, seconds: float = 120) -> subprocess.CompletedProcess[str]:
        """Run the real command line client against this daemon."""
        command = [sys.executable, "-m", "syncctl", "--address", f"unix:{self.socket}", *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=seconds, stdin=subprocess.DEVNULL, check=False)

    def _forget(self) -> int:
        assert self._process is not None, "syncd is not running"
        code = self._process.wait(_STOP_SECONDS)
        self._process = None
        if self._client is not None:
            self._client.close()
            self._client = None
        return code


def toml(value: object) -> str:
    """A value as it stands on one line of a settings file."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(name)} = {toml(member)}" for name, member in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, Path):
        return json.dumps(str(value))
    return json.dumps(value, ensure_ascii=False)
