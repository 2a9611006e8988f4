"""The way a person installs syncd, and removes it."""

import subprocess
from pathlib import Path

from tests.systemd.machine import PYTHON

_ROOT = Path(__file__).resolve().parents[2]


def make(target: str, tree: Path) -> None:
    """`make install` or `make uninstall` for a tree that stands for /."""
    command = ["make", "--no-print-directory", target, f"DESTDIR={tree}", f"PYTHON={PYTHON}", "EXTRAS=meilisearch"]
    subprocess.run(command, cwd=_ROOT, check=True)
