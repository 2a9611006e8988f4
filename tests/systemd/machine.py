"""A Debian of its own in a folder, booted by systemd-nspawn: systemd is process 1 in there."""

import os
import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.system.waiting import until

SUITE = "bookworm"
PYTHON = "/usr/bin/python3"
"""The interpreter here that stands for the one in there: syncd is installed with the one and runs with the other."""
CACHE = Path(__file__).resolve().parents[2] / ".cache" / "systemd"
_MIRROR = "http://deb.debian.org/debian"
_PACKAGES = "systemd,systemd-sysv,dbus,dbus-user-session,python3,procps,libpam-systemd"
_NEEDED = {"debootstrap": "debootstrap", "systemd-nspawn": "systemd-container", "nsenter": "util-linux", "make": "make"}
"""Program -> the package that Debian has it in."""
_BOOT_SECONDS = 60.0
_COMMAND_SECONDS = 120.0


def pristine(cache: Path = CACHE) -> Path:
    """A minimal Debian in a folder. It is fetched once, which takes minutes, and never booted: copies are."""
    tree = cache / SUITE
    if not tree.exists():
        making = cache / f"{SUITE}.making"
        shutil.rmtree(making, ignore_errors=True)
        cache.mkdir(parents=True, exist_ok=True)
        subprocess.run(["debootstrap", "--variant=minbase", f"--include={_PACKAGES}", SUITE, making, _MIRROR], check=True)
        making.rename(tree)
    return tree


def copied(tree: Path, to: Path) -> Path:
    subprocess.run(["cp", "--archive", "--reflink=auto", tree, to], check=True)
    return to


def missing() -> list[str]:
    """What this machine lacks to boot another one, with the way to each."""
    lacking = [f"{tool} (apt install {package})" for tool, package in _NEEDED.items() if not shutil.which(tool)]
    if subprocess.run([PYTHON, "-c", "import pip, venv"], capture_output=True, check=False).returncode:
        lacking.append(f"{PYTHON} with pip and venv (apt install python3-pip python3-venv)")
    return lacking + ([] if os.geteuid() == 0 else ["the rights of root (sudo make test-systemd)"])


def mismatch(tree: Path) -> str:
    """Why what is installed with the interpreter here would not run with the one of the tree; nothing if it will."""
    here, there = Path(PYTHON).resolve().name, Path(tree, PYTHON.lstrip("/")).readlink().name
    return "" if here == there else f"{PYTHON} is {here} here and {there} in Debian {SUITE}: run this where they are the same"


class Machine:
    """The booted tree; commands run inside."""

    def __init__(self, tree: Path, log: Path) -> None:
        self.tree = tree
        self._log = log
        self._nspawn: subprocess.Popen[bytes]
        self._init = 0

    def __enter__(self) -> Self:
        command = ["systemd-nspawn", "--quiet", "-D", str(self.tree), "--boot", "--register=no", "--keep-unit", "--console=read-only"]
        with self._log.open("wb") as log:
            self._nspawn = subprocess.Popen(command, env=os.environ | {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"}, stdout=log, stderr=log)
        try:
            until(self._is_up, "the machine has booted", _BOOT_SECONDS)
        except AssertionError:
            self._stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop()

    def tries(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command inside, whatever comes of it."""
        enter = ["nsenter", "-t", str(self._init), "-m", "-u", "-i", "-p", "-n", "-C", "--"]
        clean = ["env", "-i", "PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", *command]
        return subprocess.run([*enter, *clean], cwd="/", capture_output=True, text=True, timeout=_COMMAND_SECONDS, check=False)

    def does(self, *command: str) -> str:
        """Run a command that has to succeed; what it prints."""
        done = self.tries(*command)
        assert done.returncode == 0, f"{' '.join(command)}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout.strip()

    def says(self, unit: str, name: str) -> str:
        """A property of a unit."""
        return self.does("systemctl", "show", "--value", f"--property={name}", unit)

    def writes(self, path: str, text: str, mode: int = 0o644) -> None:
        """Put a file into the machine."""
        file = self.tree / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)

    def removes(self, *paths: str) -> None:
        for path in paths:
            file = self.tree / path.lstrip("/")
            shutil.rmtree(file) if file.is_dir() else file.unlink(missing_ok=True)

    def _stop(self) -> None:
        self._nspawn.terminate()
        try:
            self._nspawn.wait(_COMMAND_SECONDS)
        except subprocess.TimeoutExpired:
            self._nspawn.kill()
            self._nspawn.wait()

    def _is_up(self) -> bool:
        assert self._nspawn.poll() is None, f"systemd-nspawn ended with {self._nspawn.returncode}:\n{self._log.read_text()}"
        # Looked up each time: before systemd there is a child that only prepares the way.
        children = Path(f"/proc/{self._nspawn.pid}/task/{self._nspawn.pid}/children").read_text().split()
        self._init = int(children[0]) if children else 0
        return bool(children) and self.tries("systemctl", "is-system-running").stdout.strip() in {"running", "degraded"}
