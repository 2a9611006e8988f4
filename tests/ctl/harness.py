"""`syncctl` as a person or a script runs it: a process of its own, in a pipe or on a terminal."""

import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_PATIENCE = 20.0
_STYLE = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str


@dataclass
class Terminal:
    """What stands on a terminal on which a program runs."""

    process: subprocess.Popen[bytes]
    _reader: int
    raw: str = ""

    @property
    def text(self) -> str:
        """Without colours."""
        return _STYLE.sub("", self.raw)

    def shows(self, *words: str) -> bool:
        """Wait until all words stand there; false if the program ends or the time is up before."""
        return self._read_until(lambda: all(word in self.text for word in words))

    def type(self, keys: str) -> None:
        os.write(self._reader, keys.encode())

    def resize(self, columns: int, lines: int) -> None:
        fcntl.ioctl(self._reader, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.process.send_signal(signal.SIGWINCH)  # it has no controlling terminal that would do so

    def echoes(self) -> bool:
        """Whether the terminal shows what is typed, as it does when no program has it for itself."""
        return bool(termios.tcgetattr(self._reader)[3] & termios.ECHO)

    def ends(self) -> int:
        """Read on to the end of the program; its exit code."""
        self._read_until(lambda: False)
        return self.process.wait(_PATIENCE)

    def _read_until(self, enough: Callable[[], bool]) -> bool:
        until = time.monotonic() + _PATIENCE
        while not enough() and time.monotonic() < until:
            if select.select([self._reader], [], [], 0.2)[0]:
                try:
                    self.raw += os.read(self._reader, 65536).decode(errors="replace")
                except OSError:  # the other end is closed
                    return enough()
        return enough()


@dataclass
class Ctl:
    """Runs the client against one daemon."""

    socket: Path | None = None
    folder: Path | None = None
    env: dict[str, str] = field(default_factory=dict)

    def __call__(self, *args: str, env: Mapping[str, str] | None = None, stdin: str = "") -> Result:
        done = subprocess.run(
            self._command(args),
            env=self._env(env),
            cwd=self.folder,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    @contextmanager
    def started(self, *args: str) -> Iterator[subprocess.Popen[str]]:
        """The client while it runs, in a pipe; it ends with the block."""
        command = self._command(args)
        with subprocess.Popen(
            command, env=self._env(), cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    @contextmanager
    def on_terminal(self, *args: str, columns: int = 100, env: Mapping[str, str] | None = None) -> Iterator[Terminal]:
        """The client on a terminal of 24 lines; it ends with the block."""
        reader, terminal = os.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        environment = self._env({"TERM": "xterm-256color", **(env or {})})
        with subprocess.Popen(
            self._command(args), env=environment, cwd=self.folder, stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True
        ) as process:
            os.close(terminal)
            try:
                yield Terminal(process, reader)
            finally:
                process.kill()
                os.close(reader)

    def _command(self, args: tuple[str, ...]) -> list[str]:
        return [sys.executable, "-m", "syncctl", *args]

    def _env(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "PYTHONPATH") if name in os.environ}
        address = {"SYNCD_ADDRESS": f"unix:{self.socket}"} if self.socket else {}
        return {**kept, "TZ": "UTC", **address, **self.env, **(more or {})}
