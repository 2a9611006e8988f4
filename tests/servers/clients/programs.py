"""The real client programs for tests, each run in a scratch home, with nobody to talk to and nothing of ours in its environment."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from syncd.ports.clients import Output
from tests.servers.clients.installing import installed

DEAD = "http://127.0.0.1:9"
"""Nobody listens at the port of `discard`."""
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
QUIET = {
    "CI": "1",
    "NO_COLOR": "1",
    "TERM": "dumb",
    "LANG": "C.UTF-8",
    "OTEL_SDK_DISABLED": "true",
    "DISABLE_AUTOUPDATER": "1",
    "DISABLE_TELEMETRY": "1",
    "DISABLE_ERROR_REPORTING": "1",
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "GEMINI_TELEMETRY_ENABLED": "false",
    "GEMINI_CLI_NO_RELAUNCH": "true",  # it would start itself a second time, to ask for more memory
    "QWEN_TELEMETRY_ENABLED": "false",
    "OPENCODE_DISABLE_AUTOUPDATE": "1",
    "OPENCODE_DISABLE_MODELS_FETCH": "1",
    "OPENCODE_DISABLE_LSP_DOWNLOAD": "1",
    **dict.fromkeys(PROXIES, DEAD),
}


def bin_dir() -> Path:
    """A folder with the executables `claude`, `codex`, `qwen`, `gemini` and `opencode`, for the `PATH` of a daemon."""
    return installed() / "bin"


@dataclass(frozen=True, slots=True)
class Program:
    """One client program of a known version."""

    name: str
    version: str

    def run(
        self, argv: Sequence[str], home: Path, cwd: Path | None = None, env: Mapping[str, str] | None = None, timeout: float = 60
    ) -> Output:
        """Run it, in its home if no folder is given. Raises `subprocess.TimeoutExpired`; nothing that it started is left."""
        command = [str(bin_dir() / self.name), *argv]
        environment = {"PATH": _path(), "HOME": str(home), "TMPDIR": str(home), **QUIET, **(env or {})}
        with subprocess.Popen(
            command,
            cwd=cwd or home,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        ) as process:
            try:
                stdout, stderr = process.communicate(timeout=timeout)
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
        return Output(process.returncode, stdout, stderr)


CLAUDE = Program("claude", "2.1.329")
CODEX = Program("codex", "0.169.0")
QWEN = Program("qwen", "0.24.4")
GEMINI = Program("gemini", "0.61.0")
OPENCODE = Program("opencode", "1.18.33")
PROGRAMS = (CLAUDE, CODEX, QWEN, GEMINI, OPENCODE)


def _path() -> str:
    """Node first, then commands that do nothing, then what every system has."""
    root = installed()
    return os.pathsep.join([*(str(root / folder) for folder in ("node", "stubs", "bin")), os.defpath])
