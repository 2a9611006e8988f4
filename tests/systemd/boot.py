"""A real systemd runs the units, from the installation to the removal: `python -m tests.systemd.boot`, as root.

It copies a Debian tree (which it fetches the first time), installs syncd into the copy, boots it, and goes through the checks below,
each of which finds the machine as the one before left it.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.systemd.checks import CHECKS
from tests.systemd.installing import make
from tests.systemd.machine import CACHE, SUITE, Machine, copied, mismatch, missing, pristine


def passes(check: Callable[[Machine], None], machine: Machine) -> bool:
    """Carry one check out and tell of it."""
    began = time.monotonic()
    wrong = ""
    try:
        check(machine)
    except (AssertionError, LookupError, ValueError, subprocess.SubprocessError) as error:
        wrong = f"{type(error).__name__}: {error}"
    say(f"{'FAILED' if wrong else 'ok':<7}{time.monotonic() - began:5.1f} s  {check.__name__.replace('_', ' ')}")
    if wrong:
        say(f"{wrong}\n{machine.tries('journalctl', '--unit=syncd', '--lines=12', '--output=cat').stdout}")
    return not wrong


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def boot(tree: Path, log: Path) -> int:
    """How many checks fail."""
    with Machine(tree, log) as machine:
        good = [passes(check, machine) for check in CHECKS]
    say(f"{sum(good)} of {len(good)} hold")
    return len(good) - sum(good)


def main() -> int:
    if lacking := missing():
        say(f"a machine cannot be booted here; needed, and not found: {', '.join(lacking)}")
        return 2
    try:
        return tried()
    except (AssertionError, subprocess.SubprocessError) as error:
        say(f"the machine did not come up: {error}")
        return 2


def tried() -> int:
    """The exit code, once there is a machine."""
    say(f"Debian {SUITE} in {CACHE}, fetched if it is not there")
    tree = pristine()
    if wrong := mismatch(tree):
        say(wrong)
        return 2
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        copy = copied(tree, Path(scratch, "tree"))
        make("install", copy)
        return 1 if boot(copy, Path(scratch, "boot.log")) else 0


if __name__ == "__main__":
    sys.exit(main())
