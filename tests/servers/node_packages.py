"""Packages of npm that an example needs, in an ignored folder of the checkout, once for each lock file.

npm compares every package with the digest in the lock file; none of their scripts runs.
"""

import fcntl
import hashlib
import shutil
import subprocess
from pathlib import Path

CACHE = Path(__file__).resolve().parents[2] / ".cache" / "node"


def installed(example: Path, cache: Path = CACHE) -> Path:
    """A copy of the example with its packages beside it. Several processes may ask at once: one of them installs."""
    digest = hashlib.sha256()
    sources = sorted(path for path in example.iterdir() if path.is_file())
    for path in sources:
        digest.update(path.name.encode() + path.read_bytes())
    folder = cache / digest.hexdigest()[:12]
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            making = cache / f"{folder.name}.making"
            shutil.rmtree(making, ignore_errors=True)
            making.mkdir()
            for path in sources:
                shutil.copy(path, making)
            command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]
            subprocess.run(command, cwd=making, check=True, capture_output=True)
            making.rename(folder)
    return folder
